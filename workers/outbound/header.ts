/**
 * The header section of an original on its way out (RFC 5322 §2.2): read from the original itself, because the index
 * keeps only part of a large one, and cut line by line without a bound on the fields, because a Bcc must not hide
 * behind a thousand others. A header too long to be looked at as a whole is not sent at all.
 */
import { lastHeaderValue, parseHeaderBlock } from '../../shared/mime/headers.ts';
import { parseMessageIds } from '../../shared/mime/messageids.ts';
import { byteString } from '../../shared/mime/octets.ts';
import { HEADER_OCTETS_MAX } from '../../shared/mime/scan.ts';
import type { MailStore } from '../store/mail/types.ts';

/** Octets of a header section that may leave: as many as the structural scan looks at. */
export const HEADER_MAX = HEADER_OCTETS_MAX;

export interface OriginalHeader {
  /** The header section as stored, its empty line included; null when it is longer than `HEADER_MAX`. */
  header: Uint8Array | null;
  /** The original's first octets, all of them when it is small. */
  head: Uint8Array;
  /** Octets of the whole original. */
  size: number;
}

/** One R2 read, of a small message the whole. Null when there is no such original. */
export async function readHeader(store: MailStore, sha256: string): Promise<OriginalHeader | null> {
  const start = await store.getBlob(sha256, { offset: 0, length: HEADER_MAX });
  if (!start) return null;
  const head = new Uint8Array(await new Response(start.body).arrayBuffer());
  return { header: headerIn(head, start.size), head, size: start.size };
}

/** The header section in the first octets of a message of `size` octets; null when it does not end within `HEADER_MAX`. */
export function headerIn(head: Uint8Array, size: number): Uint8Array | null {
  const looked = head.subarray(0, HEADER_MAX);
  const end = bodyStart(looked);
  if (end === null) return size > looked.length ? null : looked;
  return looked.subarray(0, end);
}

/** The Message-ID of a header, without its brackets; null when there is none. */
export function messageIdOf(header: Uint8Array | null): string | null {
  const fields = parseHeaderBlock(byteString(header ?? new Uint8Array()));
  return parseMessageIds(lastHeaderValue(fields, 'message-id') ?? '')[0] ?? null;
}

/** The header without the fields of these names (lower case), each with its folded lines; all else octet for octet. */
export function withoutFields(header: Uint8Array, names: ReadonlySet<string>): Uint8Array {
  const kept = new Uint8Array(header.length);
  let length = 0;
  let isCut = false;
  for (let start = 0; start < header.length; ) {
    const end = lineEnd(header, start);
    if (!isFolded(header, start)) isCut = names.has(fieldName(header, start, end));
    if (!isCut) {
      kept.set(header.subarray(start, end), length);
      length += end - start;
    }
    start = end;
  }
  return kept.subarray(0, length);
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

/** The first octet after the empty line; null when there is none. */
function bodyStart(octets: Uint8Array): number | null {
  for (let start = 0; start < octets.length; start = lineEnd(octets, start)) {
    if (octets[start] === LF) return start + 1;
    if (octets[start] === CR && octets[start + 1] === LF) return start + 2;
  }
  return null;
}

function lineEnd(octets: Uint8Array, start: number): number {
  const lf = octets.indexOf(LF, start);
  return lf < 0 ? octets.length : lf + 1;
}

function isFolded(octets: Uint8Array, start: number): boolean {
  return octets[start] === 0x20 || octets[start] === 0x09;
}

/** In lower case, without the white space that obsolete syntax allows before the colon (§4.5); empty when it is no field. */
function fieldName(octets: Uint8Array, start: number, end: number): string {
  const colon = octets.subarray(start, end).indexOf(COLON);
  if (colon < 1 || colon > NAME_MAX) return '';
  return String.fromCharCode(...octets.subarray(start, start + colon))
    .trim()
    .toLowerCase();
}

/** Longer names than any we look for, white space before the colon included. */
const NAME_MAX = 998;
