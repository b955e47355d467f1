/**
 * Blobs by their ids (RFC 8620 §6): a whole original, or one part of it as one range read, its transfer encoding undone on
 * the way. The key begins with the account, so a foreign blob is simply not there. Nothing here holds a blob in memory.
 */
import type { BlobEncoding, BlobName } from '../../shared/jmap/ids.ts';
import { decodeBlobId } from '../../shared/jmap/ids.ts';
import { transferDecoder } from '../../shared/mime/transfer.ts';
import type { MailStore } from '../store/mail/types.ts';
import { readStream } from './body.ts';

const ENCODING_NAMES: Record<BlobEncoding, string> = { i: 'binary', b: 'base64', q: 'quoted-printable' };

/** Octets of a blob as its reader counts them, after decoding. */
export interface BlobRange {
  offset: number;
  length: number;
}

export interface OpenBlob {
  body: ReadableStream<Uint8Array>;
  /** Octets that will come; null when decoding must show. */
  length: number | null;
  /** Octets of the whole blob; null when decoding must show. */
  total: number | null;
}

/** Opens a blob or a range of it, cut short at the blob's end; null when this account has none of that id. */
export async function openBlob(mail: MailStore, id: string, range?: BlobRange): Promise<OpenBlob | null> {
  const name = decodeBlobId(id);
  if (name === null) return null;
  return !name.part || name.part.encoding === 'i' ? openPlain(mail, name, range) : openEncoded(mail, name, range);
}

/** Octets as they lie in the original: a range of a range. */
async function openPlain(mail: MailStore, { sha256, part }: BlobName, range?: BlobRange): Promise<OpenBlob | null> {
  const base = part?.offset ?? 0;
  const offset = range?.offset ?? 0;
  const length = Math.min(range?.length ?? Number.MAX_SAFE_INTEGER, Math.max(0, (part?.length ?? Number.MAX_SAFE_INTEGER) - offset));
  const isWhole = !part && !range;
  // R2 knows no empty range, and what does not exist must be told from what is empty.
  const original = await mail.getBlob(sha256, isWhole ? undefined : { offset: base + offset, length: Math.max(1, length) });
  if (original === null) return null;
  // The id may name more than the original has.
  const total = Math.max(0, Math.min(part?.length ?? Number.MAX_SAFE_INTEGER, original.size - base));
  const coming = Math.max(0, Math.min(length, total - offset));
  if (coming > 0) return { body: original.body, length: coming, total };
  await original.body.cancel();
  return { body: new Blob([]).stream(), length: 0, total };
}

async function openEncoded(mail: MailStore, { sha256, part }: BlobName, range?: BlobRange): Promise<OpenBlob | null> {
  if (!part) return null;
  const original = await mail.getBlob(sha256, { offset: part.offset, length: Math.max(1, part.length) });
  if (original === null) return null;
  if (part.length === 0) {
    await original.body.cancel();
    return { body: new Blob([]).stream(), length: 0, total: 0 };
  }
  const decoded = original.body.pipeThrough(decoding(ENCODING_NAMES[part.encoding]));
  return { body: range ? decoded.pipeThrough(cutting(range)) : decoded, length: null, total: null };
}

/** All octets of a blob. `missing`: no such blob; `tooLarge`: more than `max`. */
export async function readBlob(mail: MailStore, id: string, max: number): Promise<Uint8Array | 'missing' | 'tooLarge'> {
  const blob = await openBlob(mail, id);
  if (blob === null) return 'missing';
  if (blob.length !== null && blob.length > max) {
    await blob.body.cancel();
    return 'tooLarge';
  }
  return (await readStream(blob.body, max)) ?? 'tooLarge';
}

function decoding(encoding: string): TransformStream<Uint8Array, Uint8Array> {
  const decoder = transferDecoder(encoding);
  const pass = (octets: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>) => {
    if (octets.length > 0) controller.enqueue(octets);
  };
  return new TransformStream({
    transform: (chunk, controller) => pass(decoder.write(chunk), controller),
    flush: (controller) => pass(decoder.finish(), controller),
  });
}

/** Lets one range through, and reads no further than its end. */
function cutting({ offset, length }: BlobRange): TransformStream<Uint8Array, Uint8Array> {
  let skip = offset;
  let left = length;
  return new TransformStream({
    start: (controller) => {
      if (left === 0) controller.terminate();
    },
    transform: (chunk, controller) => {
      const octets = chunk.subarray(skip, skip + left);
      skip = Math.max(0, skip - chunk.length);
      left -= octets.length;
      if (octets.length > 0) controller.enqueue(octets);
      if (left === 0) controller.terminate();
    },
  });
}
