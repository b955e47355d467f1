/**
 * Whether one is logged in, as whom, and the JMAP client that goes with it. A page belongs to the first account that
 * enters it: ids repeat in every account, so for another one nothing that is in memory may stay.
 */
import { signal } from '@preact/signals';
import { JmapClient, RequestFailure, request } from '../jmap/client.ts';
import { logIn, logOut, type Who, whoAmI } from '../jmap/login.ts';
import type { JmapSession } from '../jmap/types.ts';

export type Status = 'unknown' | 'out' | 'in' | 'unreachable';

export const status = signal<Status>('unknown');
export const who = signal<Who>({ address: '', name: '' });
/** True when a session ended under one's hands; the login page says so. */
export const sessionEnded = signal(false);

let client: JmapClient | null = null;

/** The client of the session; throws `signedOut` when there is none. */
export function jmap(): JmapClient {
  if (!client) throw new RequestFailure('signedOut', 'noSession');
  return client;
}

/** Takes up the session of the cookie, if there is one. */
export async function resume(): Promise<void> {
  try {
    const known = await whoAmI();
    if (known) await enter(known);
    else status.value = 'out';
  } catch {
    status.value = 'unreachable';
  }
}

/** True when logged in; false when the credentials are wrong; throws when the server cannot be asked. */
export async function enterWith(address: string, password: string): Promise<boolean> {
  if (!(await logIn(address, password))) return false;
  const known = await whoAmI();
  if (!known) throw new RequestFailure('refused', 'cookie', 'The browser did not keep the session cookie.');
  await enter(known);
  return true;
}

export async function leave(): Promise<void> {
  try {
    await logOut();
  } catch (error) {
    // A session that has ended already is no reason to leave the mail on the screen.
    if (!(error instanceof RequestFailure) || error.kind !== 'signedOut') throw error;
  }
  forget();
}

/**
 * Called with any failure: a lost session leads to the login page; what is written stays in memory, for the same person
 * to go on with. A cookie that is another account's by now, because another window logged in, ends this page.
 */
export function noteFailure(error: unknown): void {
  if (!(error instanceof RequestFailure) || status.value !== 'in') return;
  if (error.type === 'accountNotFound') forget();
  if (error.kind !== 'signedOut') return;
  sessionEnded.value = true;
  status.value = 'out';
}

async function enter(known: Who): Promise<void> {
  const response = await request('/jmap/session', {});
  const entering = new JmapClient((await response.json()) as JmapSession);
  if (client && client.accountId !== entering.accountId) return forget();
  client = entering;
  who.value = known;
  sessionEnded.value = false;
  status.value = 'in';
}

/** A fresh page in place of this one, which shows nothing more, also when Back brings it out of the browser's memory. */
function forget(): void {
  status.value = 'unknown';
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) location.replace('/');
  });
  location.replace('/');
}
