/**
 * A stream of unknown length and digest becomes an original (invariant 2). R2 wants the length before the first octet and
 * an original is named by its digest, which is known after the last: so what does not fit into one piece is spooled in
 * pieces beside the originals first, then put in its place as a stream. Never more than two pieces are in memory.
 */
import { concatOctets } from '../../shared/mime/octets.ts';
import { toHex } from '../../shared/signing.ts';
import type { Env } from '../env.ts';
import { putOriginal, SPOOL_PREFIX } from './blobs.ts';
import type { Account } from './mail/types.ts';
import { noteUpload, trimUploads } from './uploads.ts';

/** Octets of a piece: the least R2 takes for any but the last one, all of one size. */
export const PIECE_OCTETS = 5 * 1024 * 1024;

/** What became of a stream. `busy`: an original of the same octets is being deleted; it can be put in a minute. */
export type Deposit = { sha256: string; size: number } | 'tooLarge' | 'busy';

/** Stores all octets of `body` as an upload of the account, of which there may be `max`. */
export async function depositUpload(env: Env, account: Account, body: ReadableStream<Uint8Array>, max: number): Promise<Deposit> {
  const pieces = new Pieces(body, max);
  try {
    const first = await pieces.next();
    const made = pieces.ended ? await depositWhole(env, account, first) : await depositSpooled(env, account, first, pieces);
    await trimUploads(env, account);
    return made;
  } catch (error) {
    if (error instanceof TooLarge) return 'tooLarge';
    throw error;
  }
}

async function depositWhole(env: Env, account: Account, octets: Uint8Array): Promise<Deposit> {
  const sha256 = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', octets as Uint8Array<ArrayBuffer>)));
  if (!(await noteUpload(env, account, sha256))) return 'busy';
  if (!(await putOriginal(env, account.id, sha256, octets, octets.length))) throw new Error('the bucket refused the digest');
  return { sha256, size: octets.length };
}

async function depositSpooled(env: Env, account: Account, first: Uint8Array, pieces: Pieces): Promise<Deposit> {
  const key = `${SPOOL_PREFIX}${account.id}/${crypto.randomUUID()}`;
  const { sha256, size } = await spool(env, key, first, pieces);
  try {
    if (!(await noteUpload(env, account, sha256))) return 'busy';
    const spooled = await env.ORIGINALS.get(key);
    if (!spooled || !(await putOriginal(env, account.id, sha256, spooled.body, size))) throw new Error('the spooled upload was lost');
    return { sha256, size };
  } finally {
    await env.ORIGINALS.delete(key);
  }
}

async function spool(env: Env, key: string, first: Uint8Array, pieces: Pieces): Promise<{ sha256: string; size: number }> {
  const upload = await env.ORIGINALS.createMultipartUpload(key);
  const digest = new crypto.DigestStream('SHA-256');
  const writer = digest.getWriter();
  const parts: R2UploadedPart[] = [];
  try {
    for (let piece = first; piece.length > 0; piece = await pieces.next()) {
      await writer.write(piece);
      parts.push(await upload.uploadPart(parts.length + 1, piece));
    }
    await upload.complete(parts);
  } catch (error) {
    // What the digest is then does not matter, but nobody must be left waiting for it.
    digest.digest.catch(() => {});
    await writer.abort();
    await upload.abort();
    throw error;
  }
  await writer.close();
  return { sha256: toHex(new Uint8Array(await digest.digest)), size: pieces.octets };
}

class TooLarge extends Error {}

/** A stream cut into pieces of one size; the last may be shorter. */
class Pieces {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #max: number;
  #rest: Uint8Array = new Uint8Array();
  octets = 0;
  ended = false;

  constructor(body: ReadableStream<Uint8Array>, max: number) {
    this.#reader = body.getReader();
    this.#max = max;
  }

  /** The next piece; an empty one at the end. A buffer of its own, since R2 may still send it when the next is asked for. */
  async next(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    while (length < PIECE_OCTETS && !this.ended) {
      const chunk = await this.#chunk();
      const taken = chunk.subarray(0, PIECE_OCTETS - length);
      this.#rest = chunk.subarray(taken.length);
      chunks.push(taken);
      length += taken.length;
    }
    return concatOctets(chunks);
  }

  async #chunk(): Promise<Uint8Array> {
    if (this.#rest.length > 0) return this.#rest;
    const { done, value } = await this.#reader.read();
    if (done) this.ended = true;
    const chunk = value ?? new Uint8Array();
    this.octets += chunk.length;
    if (this.octets <= this.#max) return chunk;
    await this.#reader.cancel();
    throw new TooLarge('the upload is too large');
  }
}
