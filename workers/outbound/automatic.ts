/**
 * Mail that the account sends without a client's submission: vacation replies and MDNs. It leaves by the ordinary outbox
 * from the null reverse-path (RFC 3834 §3.3, RFC 8098 §3), is no EmailSubmission, and is made once per key.
 */
import { toHex } from '../../shared/signing.ts';
import type { Env } from '../env.ts';
import type { MailStore } from '../store/mail/types.ts';
import { submit } from './submission.ts';

/** No identity made it. */
const NO_IDENTITY = 0;

/** Keeps the message and queues it: four queries and an R2 put. */
export async function putAutomatic(env: Env, store: MailStore, key: string, message: Uint8Array, rcptTo: string[]): Promise<void> {
  const sha256 = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', message as Uint8Array<ArrayBuffer>)));
  if (!(await store.putBlob(sha256, message, message.length))) throw new Error('the bucket refused the digest');
  const envelope = { mailFrom: '', rcptTo };
  const none = { identity: NO_IDENTITY, email: null, thread: null, messageId: null };
  await submit(env, store, { ...none, key, sha256, envelope, sendAt: Date.now(), isListed: false });
}
