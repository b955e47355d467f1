/**
 * A message on its way into the edge's store by APPEND (RFC 9051 §6.3.12): indexed and hashed while it is read once,
 * carried by the commit when it is small, put as a blob before when it is large. A large one comes as a file and
 * is never in memory as a whole.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MessageIndexer } from '../../shared/mime/indexer.ts';
import { INLINE_MESSAGE_MAX, type Operation } from '../../shared/protocol.ts';
import type { AppendMessage } from '../imap/session.ts';
import { COMMIT_PAYLOAD_MAX } from './commits.ts';
import { keywordsOf } from './flag-writes.ts';
import type { Mirror } from './mirror.ts';

/** Octets indexed before others get a turn. */
const SLICE = 256 * 1024;

export interface PreparedAppend {
  operation: Extract<Operation, { op: 'append' }>;
  /** The whole message when the commit carries it. */
  payload: Buffer | null;
  body: AppendMessage['body'];
}

/** Prepares the messages of one APPEND for one commit: what it has no room to carry is put before. Throws the edge's errors. */
export async function prepareAppends(mirror: Mirror, mailbox: number, messages: AppendMessage[]): Promise<PreparedAppend[]> {
  const prepared: PreparedAppend[] = [];
  let room = COMMIT_PAYLOAD_MAX;
  for (const message of messages) {
    const append = await prepareAppend(mirror, mailbox, message, Math.min(room, INLINE_MESSAGE_MAX));
    room -= append.operation.inline;
    prepared.push(append);
  }
  return prepared;
}

/** Reads the message once; puts it at the edge when it is larger than `inlineMax`. */
async function prepareAppend(mirror: Mirror, mailbox: number, message: AppendMessage, inlineMax: number): Promise<PreparedAppend> {
  const { body } = message;
  const keywords = keywordsOf(message.flags);
  const size = body instanceof Uint8Array ? body.length : body.size;
  const inline = size <= inlineMax;
  const indexer = new MessageIndexer();
  const digest = createHash('sha256');
  const kept: Uint8Array[] = [];
  for await (const chunk of chunksOf(body)) {
    indexer.write(chunk);
    digest.update(chunk);
    if (inline) kept.push(chunk);
    else await nextTurn();
  }
  const sha256 = digest.digest('hex');
  if (!inline) await putBlob(mirror, sha256, body, size);
  const deleted = message.flags.some((flag) => flag.toLowerCase() === '\\deleted');
  const receivedAt = message.internalDate ?? Date.now();
  const index = indexer.finish();
  return {
    operation: { op: 'append', mailbox, sha256, inline: inline ? size : 0, index, keywords, ...(deleted && { deleted }), receivedAt },
    payload: inline ? Buffer.concat(kept) : null,
    body,
  };
}

/** Puts what a commit does not carry. */
export function putBlob(mirror: Mirror, sha256: string, body: AppendMessage['body'], size: number): Promise<void> {
  return mirror.tokens.use((token) => mirror.bridge.putBlob(mirror.account, sha256, Readable.from(chunksOf(body)), size, token));
}

async function* chunksOf(body: AppendMessage['body']): AsyncIterable<Uint8Array> {
  if (body instanceof Uint8Array) for (let at = 0; at < body.length; at += SLICE) yield body.subarray(at, at + SLICE);
  else yield* createReadStream(body.path, { highWaterMark: SLICE });
}
