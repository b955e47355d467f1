/** Email/import (RFC 8621 §4.8): uploaded messages become emails, stored as they were given, each read as a stream. */

import { SET_OBJECTS_MAX } from '../../../shared/jmap/capabilities.ts';
import { readUtcDate } from '../../../shared/jmap/dates.ts';
import { countError, mailboxIdsReader, readKeywords } from '../../../shared/jmap/email/creation.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties, MethodError, rateLimit, ShapeError } from '../../../shared/jmap/errors.ts';
import { decodeBlobId } from '../../../shared/jmap/ids.ts';
import type { Reader } from '../../../shared/jmap/readers.ts';
import {
  mapOf,
  nullable,
  optional,
  own,
  readArguments,
  readCreationId,
  readId,
  readObject,
  readString,
} from '../../../shared/jmap/readers.ts';
import { mapOrNull, realId } from '../../../shared/jmap/set.ts';
import { parseDate } from '../../../shared/mime/date.ts';
import { headerValues, parseHeaderBlock } from '../../../shared/mime/headers.ts';
import { byteString } from '../../../shared/mime/octets.ts';
import type { JmapContext, Method } from '../context.ts';
import type { Keeping } from '../email/keeping.ts';
import { inBatches, keepMessages } from '../email/keeping.ts';
import { looksLikeMessage } from '../email/message-shape.ts';
import type { Scanned } from '../segments.ts';
import { putSegments, scanBlob } from '../segments.ts';
import { messageSizeMax } from '../session.ts';

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
  const created = new Map<string, Json>();
  const notCreated = new Map<string, SetError>();
  let guard = ifInState;
  for (const batch of inBatches(emails)) {
    const messages: Keeping[] = [];
    for (const [key, record] of batch) {
      const message = context.take() ? await readImport(context, key, record) : rateLimit();
      if ('type' in message) notCreated.set(key, message);
      else messages.push(message);
    }
    const kept = await keepMessages(context, messages, guard);
    if (messages.length > 0) guard = null;
    for (const [key, answer] of kept.created) created.set(key, answer);
    for (const [key, error] of kept.notCreated) notCreated.set(key, error);
  }
  const { Email: newState } = await context.states();
  return { accountId, oldState, newState, created: mapOrNull(created), notCreated: mapOrNull(notCreated) };
};

async function readImport(context: JmapContext, key: string, record: Json): Promise<Keeping | SetError> {
  const read = readRecord(record, context.createdIds);
  if ('type' in read) return read;
  const refusal = countError(read.keywords, read.mailboxIds);
  if (refusal) return refusal;
  const scanned = await scanOriginal(context, realId(read.blobId, context.createdIds));
  if ('type' in scanned) return scanned;
  if (!looksLikeMessage(scanned.head)) return { type: 'invalidEmail', description: 'the blob does not begin as a message does' };
  const { sha256, index, head } = scanned;
  const receivedAt = read.receivedAt ?? lastReceived(head) ?? Date.now();
  return { key, sha256, index, mailboxes: read.mailboxIds, keywords: read.keywords, receivedAt };
}

/** The index of a blob that is an original afterwards, if it was not one before. */
async function scanOriginal({ mail, env }: JmapContext, blobId: string): Promise<Scanned | SetError> {
  const scanned = await scanBlob(mail, blobId, messageSizeMax(env));
  if (scanned === null) return invalidProperties(['blobId'], 'no such blob');
  if (scanned === 'tooLarge') return { type: 'tooLarge' };
  if (decodeBlobId(blobId)?.part) await putSegments(mail, [{ blobId, encoding: 'identity' }], scanned);
  return scanned;
}

/** Reads the record; the SetError names every property that is wrong. */
function readRecord(record: Json, createdIds: ReadonlyMap<string, string>) {
  const wrong: string[] = [];
  const faults: string[] = [];
  const value = <T>(name: string, reader: Reader<T>, fallback: T): T => {
    try {
      return reader(own(record, name), name);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      wrong.push(name);
      faults.push(error.message);
      return fallback;
    }
  };
  const read = {
    blobId: value('blobId', readId, ''),
    mailboxIds: value('mailboxIds', mailboxIdsReader(createdIds), []),
    keywords: value('keywords', optional(readKeywords, []), []),
    receivedAt: value('receivedAt', nullable(readUtcDate), null),
  };
  wrong.push(...Object.keys(record).filter((name) => !Object.hasOwn(read, name)));
  return wrong.length > 0 ? invalidProperties(wrong, faults.join('; ') || 'is not known') : read;
}

/** The date of the most recent Received field, which stands first; null without one. */
function lastReceived(head: Uint8Array): number | null {
  const [received] = headerValues(parseHeaderBlock(byteString(head)), 'received');
  const semicolon = received?.lastIndexOf(';') ?? -1;
  return semicolon < 0 ? null : (parseDate(received?.slice(semicolon + 1) ?? '')?.time ?? null);
}
