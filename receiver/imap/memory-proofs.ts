/**
 * SCRAM and bearer tokens for the memory backend: the server's half of RFC 5802 in one process, as the edge plays it
 * (workers/auth/scram.ts), so that the protocol can be tested without one.
 */
import {
  authMessage,
  fromBase64,
  makeServerFinal,
  makeServerFirst,
  makeVerifier,
  newNonce,
  parseClientFinal,
  parseClientFirstBare,
  type Verifier,
  verifyProof,
} from '../../shared/scram.ts';
import { Refusal, type ScramExchange, type Session } from './session.ts';

/** Cheap, because no password here is worth anything. */
const ITERATIONS = 4096;

/** Begins an exchange for the account with this password; one that has none fails at the end. */
export async function beginMemoryScram(
  clientFirstBare: string,
  password: string | null,
  open: () => Promise<Session>,
): Promise<ScramExchange> {
  const first = parseClientFirstBare(clientFirstBare);
  if (!first) throw new Refusal('AUTHENTICATIONFAILED', 'Not a SCRAM message');
  const verifier = await makeVerifier(password ?? newNonce(), undefined, ITERATIONS);
  const serverFirst = makeServerFirst(first.nonce + newNonce(), verifier.salt, ITERATIONS);
  return {
    serverFirst,
    async finish(clientFinal) {
      const serverFinal = await checkProof(verifier, clientFirstBare, serverFirst, clientFinal);
      return serverFinal === null || password === null ? null : { serverFinal, open };
    },
  };
}

async function checkProof(verifier: Verifier, clientFirst: string, serverFirst: string, clientFinal: string): Promise<string | null> {
  const final = parseClientFinal(clientFinal);
  const storedKey = fromBase64(verifier.storedKey);
  const serverKey = fromBase64(verifier.serverKey);
  if (!final || !storedKey || !serverKey || !serverFirst.startsWith(`r=${final.nonce},`)) return null;
  const message = authMessage(clientFirst, serverFirst, final.withoutProof);
  return (await verifyProof(storedKey, message, final.proof)) ? makeServerFinal(serverKey, message) : null;
}
