/**
 * Blobs by their ids (RFC 8620 §6): a whole original, or one part of it as one range read, its transfer
 * encoding undone on the way. The key begins with the account, so a foreign blob is simply not there.
 */
import type { BlobEncoding, BlobName } from '../../shared/jmap/ids.ts';
import { decodeBlobId } from '../../shared/jmap/ids.ts';
import { transferDecoder } from '../../shared/mime/transfer.ts';
import type { MailStore } from '../store/mail/types.ts';
import { readStream } from './body.ts';

const ENCODING_NAMES: Record<BlobEncoding, string> = { i: 'binary', b: 'base64', q: 'quoted-printable' };

export interface OpenBlob {
  body: ReadableStream<Uint8Array>;
  /** Octets that will come; null when decoding must show. */
  size: number | null;
}

/** Opens a blob; null when this account has none of that id, or the range lies outside it. */
export async function openBlob(mail: MailStore, id: string): Promise<OpenBlob | null> {
  const name = decodeBlobId(id);
  return name === null ? null : openNamed(mail, name);
}

async function openNamed(mail: MailStore, { sha256, part }: BlobName): Promise<OpenBlob | null> {
  if (!part) return mail.getBlob(sha256);
  if (part.length === 0) return (await mail.getBlob(sha256, { offset: 0, length: 1 })) && { body: emptyStream(), size: 0 };
  const range = await mail.getBlob(sha256, { offset: part.offset, length: part.length });
  if (range === null) return null;
  // The id may name more than the original has.
  if (part.encoding === 'i') return { body: range.body, size: Math.max(0, Math.min(part.length, range.size - part.offset)) };
  return { body: range.body.pipeThrough(decoding(ENCODING_NAMES[part.encoding])), size: null };
}

/** All octets of a blob. `missing`: no such blob; `tooLarge`: more than `max`. */
export async function readBlob(mail: MailStore, id: string, max: number): Promise<Uint8Array | 'missing' | 'tooLarge'> {
  const blob = await openBlob(mail, id);
  if (blob === null) return 'missing';
  if (blob.size !== null && blob.size > max) {
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

function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}
