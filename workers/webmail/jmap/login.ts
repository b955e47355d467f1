/**
 * Logging in without the password leaving the browser: SCRAM-SHA-256 (RFC 5802, RFC 7677) over two HTTP
 * calls. The expensive derivation runs here (Web Crypto PBKDF2); the server proves that it knows us, too.
 */
import type { ScramFinishAnswer, ScramStartAnswer } from '../../../shared/protocol.ts';
import { answerServerFirst, clientFirstBare, newNonce } from '../../../shared/scram.ts';
import { RequestFailure, request } from './client.ts';

export interface Who {
  address: string;
  name: string;
}

/** Who the cookie says we are; null when there is none. */
export async function whoAmI(): Promise<Who | null> {
  try {
    const response = await request('/auth/session', {});
    const who = (await response.json()) as { address?: string; name?: string | null };
    return who.address ? { address: who.address, name: who.name ?? '' } : null;
  } catch (error) {
    if (error instanceof RequestFailure && error.kind === 'signedOut') return null;
    throw error;
  }
}

/** True when the credentials were right and a cookie was set. Throws RequestFailure when the server cannot be asked. */
export async function logIn(username: string, password: string): Promise<boolean> {
  const first = clientFirstBare(username, newNonce());
  const start = await post<ScramStartAnswer>('/auth/scram/start', { username, clientFirstBare: first });
  const proof = await answerServerFirst(password, first, start.serverFirst);
  if (!proof) throw new RequestFailure('refused', 'scram', 'The server sent a challenge that makes no sense.');
  const answer = await post<ScramFinishAnswer>('/auth/scram/finish', {
    exchange: start.exchange,
    clientFinal: proof.clientFinal,
    session: 'cookie',
  });
  if (answer.status !== 'ok') return false;
  if (answer.serverFinal !== proof.serverFinal) throw new RequestFailure('refused', 'scram', 'The server could not prove who it is.');
  return true;
}

export async function logOut(): Promise<void> {
  await request('/auth/logout', { method: 'POST' });
}

async function post<T>(path: string, body: unknown): Promise<T> {
  const response = await request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}
