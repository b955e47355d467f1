/** Messages for the tests of shared/mime: fixtures, text with CRLF, and what property tests draw from. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type { Part } from '../../../shared/mime/index-types.ts';

const FOLDER = path.join(import.meta.dirname, '../../fixtures/mime');

export function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(path.join(FOLDER, `${name}.eml`)));
}

/** UTF-8 octets; LF in the text becomes CRLF. */
export function mail(text: string): Uint8Array {
  return new TextEncoder().encode(text.replaceAll('\n', '\r\n'));
}

export function textOf(bytes: Uint8Array, part: Part): string {
  return new TextDecoder('latin1').decode(bytes.subarray(part.bodyStart, part.end));
}

/** `multipart/mixed(text/plain text/html)` */
export function shape(part: Part): string {
  return `${part.type}/${part.subtype}${part.children ? `(${part.children.map(shape).join(' ')})` : ''}`;
}

export function everyPart(part: Part): Part[] {
  return [part, ...(part.children ?? []).flatMap(everyPart)];
}

/** Lines that make structure, ended in every way, so that random messages are full of it. */
const LINE = fc.oneof(
  fc.constantFrom(
    ...['', '--a', '--b', '--a--', '--b--', '--a-2', '--a \t', ' folded', '\tfolded', 'text', '=41=', 'QUJD', 'QQ==', '=', 'a =', '.'],
    ...['Content-Type: multipart/mixed; boundary=a', 'Content-Type: multipart/digest; boundary="b"', 'Content-Type: message/rfc822'],
    ...[
      'Content-Type: multipart/alternative; boundary="a-2"',
      'Content-Transfer-Encoding: base64',
      'Content-Transfer-Encoding: quoted-printable',
    ],
    ...[
      'Subject: x',
      'From: a@b',
      'x'.repeat(999),
      'y'.repeat(1300),
      `--a${' '.repeat(996)}`,
      `--a${' '.repeat(1100)}`,
      '\0',
      'Content-Type:',
    ],
  ),
  fc.string({ maxLength: 20 }),
);
const BREAK = fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r', '', '\r\r\n');

export const structuredMail = fc
  .array(fc.tuple(LINE, BREAK), { maxLength: 60 })
  .map((lines) => Uint8Array.from(lines.map(([line, end]) => line + end).join(''), (char) => char.charCodeAt(0) & 0xff));

/** The message in chunks, cut at these places. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, index) => bytes.slice(cuts[index], end));
}
