/**
 * Originals in R2 (invariant 2): `<account>/<sha256>`, immutable, written before any row points to them, and checked by
 * R2 against their digest. They are never decoded to a string here.
 */
import type { Env } from '../env.ts';

/** Where uploads lie while their digest is not known; the sweep deletes what was left there. */
export const SPOOL_PREFIX = 'spool/';

/** True for a digest in our spelling; anything else must not become part of a key. */
export function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** The object's name. */
export function blobKey(account: number, sha256: string): string {
  return `${account}/${sha256}`;
}

/**
 * Puts the octets; R2 refuses them when they have another digest, and then the answer is false. A stream must bring
 * exactly `size` octets.
 */
export async function putOriginal(
  env: Env,
  account: number,
  sha256: string,
  body: ReadableStream | Uint8Array,
  size: number,
  facts: Record<string, string> = {},
): Promise<boolean> {
  if (!isDigest(sha256)) return false;
  const options = { sha256, customMetadata: facts };
  try {
    if (body instanceof Uint8Array) {
      await env.ORIGINALS.put(blobKey(account, sha256), body, options);
    } else {
      const { readable, writable } = new FixedLengthStream(size);
      await Promise.all([body.pipeTo(writable), env.ORIGINALS.put(blobKey(account, sha256), readable, options)]);
    }
    return true;
  } catch (error) {
    if (isMismatch(error)) return false;
    throw error;
  }
}

/** The octets of an original, or of a range of it; `size` is the whole original's. Null when there is none. */
export async function getOriginal(
  env: Env,
  account: number,
  sha256: string,
  range?: { offset: number; length: number },
): Promise<{ body: ReadableStream; size: number } | null> {
  if (!isDigest(sha256)) return null;
  try {
    const object = await env.ORIGINALS.get(blobKey(account, sha256), range ? { range } : undefined);
    return object ? { body: object.body, size: object.size } : null;
  } catch (error) {
    // R2 refuses ranges that begin at or after the end, which here are just empty.
    const size = range ? await originalSize(env, account, sha256) : null;
    if (size === null || !range || range.offset < size) throw error;
    return { body: new Blob([]).stream(), size };
  }
}

/** Octets of an original; null when there is none. */
export async function originalSize(env: Env, account: number, sha256: string): Promise<number | null> {
  if (!isDigest(sha256)) return null;
  return (await env.ORIGINALS.head(blobKey(account, sha256)))?.size ?? null;
}

/** The digests whose originals are here. One subrequest each, so the caller bounds their number. */
export async function findOriginals(env: Env, account: number, digests: Iterable<string>): Promise<Set<string>> {
  const unique = [...new Set(digests)];
  const sizes = await Promise.all(unique.map((sha256) => originalSize(env, account, sha256)));
  return new Set(unique.filter((_sha256, index) => sizes[index] !== null));
}

function isMismatch(error: unknown): boolean {
  return /checksum|sha-?256|digest|BadDigest|FixedLengthStream/i.test(String(error));
}
