/**
 * Reading what is put together of segments, and putting it into the bucket (RFC 8620 §6): once through for the digest and
 * the index, once more into its place. Only what is small is ever whole in memory.
 */
import type { BlobSegment, Segment } from '../../shared/jmap/segments.ts';
import { Base64Lines } from '../../shared/mime/base64-lines.ts';
import type { MessageIndex } from '../../shared/mime/index-types.ts';
import { MessageIndexer } from '../../shared/mime/indexer.ts';
import { concatOctets } from '../../shared/mime/octets.ts';
import { streamOf } from '../../shared/octet-stream.ts';
import { toHex } from '../../shared/signing.ts';
import type { MailStore } from '../store/mail/types.ts';
import { openBlob } from './blobs.ts';

/** A blob that is to be read is not there. */
class MissingBlob extends Error {}

/** The octets of all segments, in order. */
export async function* readSegments(mail: MailStore, segments: readonly Segment[]): AsyncGenerator<Uint8Array> {
  for (const segment of segments) {
    if (segment instanceof Uint8Array) yield segment;
    else yield* readBlobSegment(mail, segment);
  }
}

async function* readBlobSegment(mail: MailStore, { blobId, range, encoding }: BlobSegment): AsyncGenerator<Uint8Array> {
  const blob = await openBlob(mail, blobId, range);
  if (blob === null) throw new MissingBlob(blobId);
  if (encoding === 'identity') return yield* gathered(blob.body);
  const lines = new Base64Lines();
  for await (const chunk of gathered(blob.body)) yield lines.write(chunk);
  yield lines.finish();
}

/** Octets that go on together: a stream brings a few kilobytes at a time, and each piece costs every stage behind it. */
const GATHERED_OCTETS = 256 * 1024;

export async function* gathered(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  let chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
    if (length < GATHERED_OCTETS) continue;
    yield concatOctets(chunks);
    chunks = [];
    length = 0;
  }
  if (length > 0) yield concatOctets(chunks);
}

export interface Measured {
  sha256: string;
  /** Octets in all. */
  size: number;
}

/** Digest and size of octets that pass by; `take` sees them too. Reads no further than `max` octets. */
export async function measure(
  chunks: AsyncIterable<Uint8Array>,
  max: number,
  take: (chunk: Uint8Array) => void = () => {},
): Promise<Measured | 'tooLarge'> {
  const digest = new crypto.DigestStream('SHA-256');
  const writer = digest.getWriter();
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > max) {
      digest.digest.catch(() => {});
      await writer.abort();
      return 'tooLarge';
    }
    if (chunk.length === 0) continue;
    take(chunk);
    await writer.write(chunk);
  }
  await writer.close();
  return { sha256: toHex(new Uint8Array(await digest.digest)), size };
}

/** Octets at the beginning of a message that are kept while it is scanned. */
const HEAD_MAX = 16 * 1024;

export interface Scanned extends Measured {
  index: MessageIndex;
  /** Its first octets. */
  head: Uint8Array;
}

/** Scans a blob as a message; null when it is not there. */
export async function scanBlob(mail: MailStore, blobId: string, max: number): Promise<Scanned | 'tooLarge' | null> {
  try {
    return await scanMessage(mail, [{ blobId, encoding: 'identity' }], max);
  } catch (error) {
    if (error instanceof MissingBlob) return null;
    throw error;
  }
}

/** Scans segments as a message. */
export async function scanMessage(mail: MailStore, segments: readonly Segment[], max: number): Promise<Scanned | 'tooLarge'> {
  const indexer = new MessageIndexer();
  const head: Uint8Array[] = [];
  let room = HEAD_MAX;
  const measured = await measure(readSegments(mail, segments), max, (chunk) => {
    indexer.write(chunk);
    if (room === 0) return;
    head.push(chunk.slice(0, room));
    room -= Math.min(room, chunk.length);
  });
  return measured === 'tooLarge' ? measured : { ...measured, index: indexer.finish(), head: concatOctets(head) };
}

/** Octets that are put at once; above it they go as a stream. */
const AT_ONCE_MAX = 1024 * 1024;

/** Puts what was measured under its digest. */
export async function putSegments(mail: MailStore, segments: readonly Segment[], { sha256, size }: Measured): Promise<void> {
  const octets = segments.filter((segment) => segment instanceof Uint8Array);
  const isAtHand = size <= AT_ONCE_MAX && octets.length === segments.length;
  const body = isAtHand ? concatOctets(octets) : streamOf(readSegments(mail, segments));
  if (!(await mail.putBlob(sha256, body, size))) throw new Error('the octets changed while they were stored');
}
