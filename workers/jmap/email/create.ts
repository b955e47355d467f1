/** Making the emails of an Email/set (RFC 8621 §4.6): plans read, blobs fetched, messages written and kept. */

import { blobsOf, buildMessage } from '../../../shared/jmap/email/build.ts';
import type { EmailCreation } from '../../../shared/jmap/email/creation.ts';
import { readCreation } from '../../../shared/jmap/email/creation.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { rateLimit } from '../../../shared/jmap/errors.ts';
import type { SetOutcome } from '../../../shared/jmap/set.ts';
import { readBlob } from '../blobs.ts';
import type { JmapContext } from '../context.ts';
import { messageSizeMax } from '../session.ts';
import type { Keeping } from './keeping.ts';
import { keepMessages } from './keeping.ts';

/** Messages made in one call: each is a write and a look into the bucket, and memory holds them all. The rest is `rateLimit`. */
const CREATIONS_MAX = 32;

/** Makes what can be made; every creation ends in `outcome`. */
export async function createEmails(
  context: JmapContext,
  creations: ReadonlyMap<string, Json>,
  ifInState: string | null,
  outcome: SetOutcome,
): Promise<void> {
  const messages: Keeping[] = [];
  // One message's limit bounds all of them, so that memory does.
  let left = messageSizeMax(context.env);
  let tried = 0;
  for (const [key, record] of creations) {
    const read = readCreation(record, context.createdIds);
    const creation = 'type' in read || ++tried <= CREATIONS_MAX ? read : rateLimit(CREATIONS_MAX);
    const message = 'type' in creation ? creation : await build(context, creation, left);
    if (message instanceof Uint8Array && !('type' in creation)) {
      left -= message.length;
      const { mailboxes, keywords, receivedAt } = creation;
      messages.push({ key, octets: message, mailboxes, keywords, receivedAt: receivedAt ?? Date.now() });
    } else outcome.notCreated.set(key, message as SetError);
  }
  const kept = await keepMessages(context, messages, ifInState);
  for (const [key, created] of kept.created) outcome.created.set(key, created);
  for (const [key, error] of kept.notCreated) outcome.notCreated.set(key, error);
}

/** The message's octets, or why there are none. `max`: octets it may have. */
async function build(context: JmapContext, creation: EmailCreation, max: number): Promise<Uint8Array | SetError> {
  const blobs = new Map<string, Uint8Array>();
  const missing: string[] = [];
  let left = max;
  for (const id of new Set(blobsOf(creation.body))) {
    const octets = await readBlob(context.mail, id, left);
    if (octets === 'tooLarge') return { type: 'tooLarge' };
    if (octets === 'missing') missing.push(id);
    else {
      left -= octets.length;
      blobs.set(id, octets);
    }
  }
  if (missing.length > 0) return { type: 'blobNotFound', notFound: missing };
  const domain = context.account.address.split('@').at(-1) ?? 'localhost';
  const message = buildMessage(creation, { blobs, unique: crypto.randomUUID(), domain, now: Date.now() });
  return message.length > max ? { type: 'tooLarge' } : message;
}
