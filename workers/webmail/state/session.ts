/** Whether one is logged in, as whom, and the JMAP client that goes with it. */
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
  await logOut();
  // A fresh page forgets every message that was held in memory.
  location.replace('/');
}

/** Called with any failure: a lost session leads to the login page; what is written stays in memory. */
export function noteFailure(error: unknown): void {
  if (!(error instanceof RequestFailure) || error.kind !== 'signedOut' || status.value !== 'in') return;
  sessionEnded.value = true;
  status.value = 'out';
}

async function enter(known: Who): Promise<void> {
  const response = await request('/jmap/session', {});
  client = new JmapClient((await response.json()) as JmapSession);
  who.value = known;
  sessionEnded.value = false;
  status.value = 'in';
}
