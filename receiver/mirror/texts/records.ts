/**
 * The format of a text file: a head that names the mirror it belongs to, then records, appended and never changed. A record is an email's
 * number, the octets of its header and of its body, their checksum, and the two as casemapped UTF-8, each ended by a NUL, which no
 * search text holds.
 */
import { crc32 } from 'node:zlib';
import type { MessageText } from '../../imap/search/columns.ts';

/** Raised with the format, with what belongs to a text, and with shared/casemap.ts: a file of another version is thrown away. */
const MAGIC = 'PsHtext2';
/** Magic and the mirror's generation, padded. */
export const HEAD_LENGTH = 64;
/** Four 32-bit numbers before each record's texts. */
export const RECORD_HEAD = 16;
/** Octets of one record: few texts are longer, and those are read from the original again. */
export const RECORD_MAX = 1024 * 1024;

export interface RecordHead {
  email: number;
  header: number;
  body: number;
  checksum: number;
}

export function fileHead(generation: string): Buffer {
  return Buffer.alloc(HEAD_LENGTH)
    .fill(`${MAGIC} ${generation}`, 0, HEAD_LENGTH, 'latin1')
    .fill(0, MAGIC.length + 1 + generation.length);
}

/** Null when the text is too long to be kept. */
export function encodeRecord(email: number, { header, body }: MessageText): Buffer | null {
  const headerOctets = Buffer.from(`${header}\0`);
  const bodyOctets = Buffer.from(`${body.join('\0')}\0`);
  if (headerOctets.length + bodyOctets.length > RECORD_MAX) return null;
  const record = Buffer.concat([Buffer.alloc(RECORD_HEAD), headerOctets, bodyOctets]);
  record.writeUInt32LE(email, 0);
  record.writeUInt32LE(headerOctets.length, 4);
  record.writeUInt32LE(bodyOctets.length, 8);
  record.writeUInt32LE(crc32(record.subarray(RECORD_HEAD)), 12);
  return record;
}

export function readRecordHead(octets: Buffer, at: number): RecordHead {
  const [email, header, body, checksum] = [0, 4, 8, 12].map((offset) => octets.readUInt32LE(at + offset));
  return { email: email ?? 0, header: header ?? 0, body: body ?? 0, checksum: checksum ?? 0 };
}

/** The record at `at`, if it lies whole and undamaged in `octets`. */
export function isWhole(octets: Buffer, at: number, { header, body, checksum }: RecordHead): boolean {
  const end = at + RECORD_HEAD + header + body;
  return end <= octets.length && crc32(octets.subarray(at + RECORD_HEAD, end)) === checksum;
}
