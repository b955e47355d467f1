/** Email/import (RFC 8621 §4.8): uploaded messages become emails, stored as they were given. */

import { SET_OBJECTS_MAX } from '../../../shared/jmap/capabilities.ts';
import { readUtcDate } from '../../../shared/jmap/dates.ts';
import { countError, mailboxIdsReader, readKeywords } from '../../../shared/jmap/email/creation.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties, MethodError, rateLimit, ShapeError } from '../../../shared/jmap/errors.ts';
import {
  mapOf,
  nullable,
  optional,
  readArguments,
  readCreationId,
  readId,
  readObject,
  readString,
  recordOf,
} from '../../../shared/jmap/readers.ts';
import { mapOrNull } from '../../../shared/jmap/set.ts';
import { parseDate } from '../../../shared/mime/date.ts';
import { headerValues, parseHeaderBlock } from '../../../shared/mime/headers.ts';
import { byteString } from '../../../shared/mime/octets.ts';
import { readBlob } from '../blobs.ts';
import type { JmapContext, Method } from '../context.ts';
import type { Keeping } from '../email/keeping.ts';
import { keepMessages } from '../email/keeping.ts';
import { messageSizeMax } from '../session.ts';

/** Messages of one call: each costs a read and a write of the bucket, of the 50 a request may make. The rest is `rateLimit`. */
const IMPORTS_MAX = 16;
/** Octets of a message in which the first Received field is looked for. */
const RECEIVED_SEARCH_MAX = 16 * 1024;

export const emailImport: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { emails, ifInState } = readArguments(args, {
    accountId: readId,
    ifInState: nullable(readString),
    emails: mapOf(readObject, readCreationId),
  });
  if (emails.size > SET_OBJECTS_MAX) throw new MethodError('requestTooLarge', `at most ${SET_OBJECTS_MAX} messages`);
  const { Email: oldState } = await context.states();
  if (ifInState !== null && ifInState !== oldState) throw new MethodError('stateMismatch');
  const notCreated = new Map<string, SetError>();
  const messages: Keeping[] = [];
  let tried = 0;
  for (const [key, record] of emails) {
    const message = ++tried <= IMPORTS_MAX ? await readImport(context, key, record) : rateLimit(IMPORTS_MAX);
    if ('type' in message) notCreated.set(key, message);
    else messages.push(message);
  }
  const kept = await keepMessages(context, messages, ifInState);
  for (const [key, error] of kept.notCreated) notCreated.set(key, error);
  const { Email: newState } = await context.states();
  return { accountId, oldState, newState, created: mapOrNull(kept.created), notCreated: mapOrNull(notCreated) };
};

async function readImport(context: JmapContext, key: string, record: Json): Promise<Keeping | SetError> {
  const read = readRecord(record, context.createdIds);
  if ('type' in read) return read;
  const refusal = countError(read.keywords, read.mailboxIds);
  if (refusal) return refusal;
  const octets = await readBlob(context.mail, read.blobId, messageSizeMax(context.env));
  if (octets === 'missing') return invalidProperties(['blobId'], 'no such blob');
  if (octets === 'tooLarge') return { type: 'tooLarge' };
  if (octets.length === 0) return { type: 'invalidEmail', description: 'the blob is empty' };
  return {
    key,
    octets,
    mailboxes: read.mailboxIds,
    keywords: read.keywords,
    receivedAt: read.receivedAt ?? lastReceived(octets) ?? Date.now(),
  };
}

function readRecord(record: Json, createdIds: ReadonlyMap<string, string>) {
  try {
    return recordOf({
      blobId: readId,
      mailboxIds: mailboxIdsReader(createdIds),
      keywords: optional(readKeywords, []),
      receivedAt: nullable(readUtcDate),
    })(record, '');
  } catch (error) {
    if (error instanceof ShapeError) return invalidProperties([error.path.split('/')[0] ?? ''], error.expected);
    throw error;
  }
}

/** The date of the most recent Received field, which stands first; null without one. */
function lastReceived(octets: Uint8Array): number | null {
  const [received] = headerValues(parseHeaderBlock(byteString(octets, 0, Math.min(octets.length, RECEIVED_SEARCH_MAX))), 'received');
  const semicolon = received?.lastIndexOf(';') ?? -1;
  return semicolon < 0 ? null : (parseDate(received?.slice(semicolon + 1) ?? '')?.time ?? null);
}
