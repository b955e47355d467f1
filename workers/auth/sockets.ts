/**
 * Sockets are authenticated once, when they open (RFC 8887 §4.1), and live for a day. So when a credential or a session
 * ends, all sockets of its account end with it; those whose login still counts connect again.
 */
import type { Env } from '../env.ts';
import { hubOf } from '../store/mail/index.ts';

/** Closes every socket and event stream of the account. Throws when its hub cannot be reached: then nothing was revoked for good. */
export async function endSockets(env: Env, account: number): Promise<void> {
  await hubOf(env, account).fetch('https://hub/sockets', { method: 'DELETE' });
}
