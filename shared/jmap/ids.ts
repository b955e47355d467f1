/**
 * Ids on the wire (RFC 8620 §1.2): a letter for the type, then the account's own small integer, so that
 * an id of one type is never taken for another's. Blobs are named by what they hold: the SHA-256 of an
 * original, or an original's hash with the octet range and transfer encoding of one part. What does not
 * parse names nothing: the caller answers notFound.
 */

const PREFIXES = {
  Account: 'A',
  Email: 'M',
  Thread: 'T',
  Mailbox: 'F',
  Identity: 'I',
  EmailSubmission: 'S',
  PushSubscription: 'P',
} as const;

export type IdType = keyof typeof PREFIXES;

/** The wire form of an integer id. */
export function encodeId(type: IdType, id: number): string {
  return `${PREFIXES[type]}${id}`;
}

/** The integer of a wire id; null when it is not one of this type. */
export function decodeId(type: IdType, text: string): number | null {
  if (text[0] !== PREFIXES[type] || !/^[1-9]\d{0,14}$/.test(text.slice(1))) return null;
  return Number(text.slice(1));
}

/** How the octets of a part are encoded in the original: `i` as they are, `b` base64, `q` quoted-printable. */
export type BlobEncoding = 'i' | 'b' | 'q';

/** What a blob id names. Without `part`: the whole original. */
export interface BlobName {
  sha256: string;
  part?: { offset: number; length: number; encoding: BlobEncoding };
}

/** `G<sha256>`, or `G<sha256>-<offset>-<length>-<encoding>` for a part. */
export function encodeBlobId({ sha256, part }: BlobName): string {
  return part ? `G${sha256}-${part.offset}-${part.length}-${part.encoding}` : `G${sha256}`;
}

/** Reads a blob id; null when it is none of ours. */
export function decodeBlobId(text: string): BlobName | null {
  const match = /^G([0-9a-f]{64})(?:-(\d{1,12})-(\d{1,12})-([ibq]))?$/.exec(text);
  if (!match) return null;
  const [, sha256 = '', offset, length, encoding] = match;
  if (encoding === undefined) return { sha256 };
  return { sha256, part: { offset: Number(offset), length: Number(length), encoding: encoding as BlobEncoding } };
}

/** The letter of a Content-Transfer-Encoding; one we do not know is treated as none (RFC 8621 §4.1.4). */
export function blobEncoding(encoding: string): BlobEncoding {
  if (encoding === 'base64') return 'b';
  return encoding === 'quoted-printable' ? 'q' : 'i';
}
