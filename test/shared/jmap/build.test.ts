import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bodyValue } from '../../../shared/jmap/email/body-value.ts';
import { buildMessage, unencodedBlobsOf } from '../../../shared/jmap/email/build.ts';
import { readCreation } from '../../../shared/jmap/email/creation.ts';
import { parseHeaderProperty } from '../../../shared/jmap/email/header-property.ts';
import { headerPropertyValue } from '../../../shared/jmap/email/header-values.ts';
import { OctetSurvey, survey } from '../../../shared/jmap/email/survey.ts';
import { Base64Lines } from '../../../shared/mime/base64-lines.ts';
import { bodyTree, leaves } from '../../../shared/mime/bodylists.ts';
import { parseHeaderBlock } from '../../../shared/mime/headers.ts';
import { byteString, concatOctets } from '../../../shared/mime/octets.ts';
import { fileName } from '../../../shared/mime/parameters.ts';
import { scanMessage } from '../../../shared/mime/scan.ts';
import { decodeTransfer, encodeBase64 } from '../../../shared/mime/transfer.ts';

const facts = { unique: '0123456789abcdef', domain: 'example.test', now: 1_700_000_000_000 };

function build(record: Record<string, unknown>, blobs: Map<string, Uint8Array> = new Map()) {
  const creation = readCreation({ mailboxIds: { F1: true }, ...record }, new Map());
  if ('type' in creation) throw new Error(JSON.stringify(creation));
  const contents = new Map([...blobs].map(([id, octets]) => [id, { octets }]));
  const octets = concatOctets(buildMessage(creation, { ...facts, blobs: contents }).filter((segment) => segment instanceof Uint8Array));
  const structure = scanMessage(octets);
  const fields = parseHeaderBlock(byteString(octets, 0, structure.bodyStart));
  const header = (property: string) => {
    const parsed = parseHeaderProperty(property);
    return parsed && headerPropertyValue(fields, parsed);
  };
  const tree = bodyTree(structure, (part) => fileName(part) ?? null);
  return { octets, fields, header, parts: leaves(tree), text: byteString(octets) };
}

/** What a person may write in one line: no control characters, no white space at the ends or doubled. */
const line = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 120 })
  .map((text) =>
    text
      .normalize('NFC')
      .replace(/[\p{Cc}\p{Z}]+/gu, ' ')
      .trim(),
  )
  .filter((text) => text !== '' && !text.includes('=?') && text.normalize('NFC') === text);

test('subjects, names and addresses come back as they were written, in lines that transports take', () => {
  fc.assert(
    fc.property(line, fc.array(line, { minLength: 1, maxLength: 8 }), (subject, names) => {
      const to = names.map((name, index) => ({ name, email: `user${index}@example.test` }));
      const { header, text } = build({ subject, to });
      expect(header('subject')).toBe(subject);
      expect(header('to')).toEqual(to);
      expect(text).toMatch(/^[\t\r\n\x20-\x7e]*$/);
      for (const each of text.split('\r\n')) expect(each.length).toBeLessThanOrEqual(998);
    }),
  );
});

test('texts of any kind come back as they were written', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), fc.string({ maxLength: 3000 }), (one, two) => {
      const [text, html] = [one, two].map((value) =>
        value.toWellFormed().replace(/\r\n?/g, '\n').replaceAll('\ufffd', '').replaceAll('\ufeff', ''),
      );
      const {
        octets,
        parts,
        text: raw,
      } = build({
        bodyValues: { t: { value: text }, h: { value: html } },
        textBody: [{ partId: 't' }],
        htmlBody: [{ partId: 'h' }],
      });
      expect(raw).toMatch(/^[^\x80-\xff]*$/);
      const values = parts.map(({ part }) => bodyValue(octets.subarray(part.bodyStart, part.end), part, 0, false).value);
      expect(values).toEqual([text, html]);
    }),
  );
});

test('attachments come back octet by octet, under their names', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), line, (octets, name) => {
      const blobs = new Map([['G1', octets]]);
      const built = build({ attachments: [{ blobId: 'G1', type: 'application/x-thing', name }] }, blobs);
      const [part] = built.parts;
      expect(part?.name).toBe(name);
      expect(part && decodeTransfer(built.octets.subarray(part.part.bodyStart, part.part.end), part.part.encoding)).toEqual(octets);
    }),
  );
});

test('every form of header field comes back in that form', () => {
  const values: Record<string, unknown> = {
    'header:X-Text:asText': 'grün',
    'header:X-Addresses:asAddresses': [{ name: null, email: 'a@b' }],
    'header:X-Groups:asGroupedAddresses': [
      { name: 'Freunde & Söhne', addresses: [{ name: 'Ä', email: 'a@b' }] },
      { name: null, addresses: [{ name: 'B, C', email: 'b@c' }] },
    ],
    'header:X-Ids:asMessageIds': ['a@b', 'c@d'],
    'header:X-Date:asDate': '2026-11-22T04:42:51-08:00',
    'header:X-Urls:asURLs': ['https://example.com/a', 'mailto:x@y'],
    'header:X-Raw': ' as it is',
    'header:X-Many:asText:all': ['one', 'two'],
  };
  const { header } = build(values);
  for (const [property, value] of Object.entries(values)) expect(header(property), property).toEqual(value);
});

test('no field can be set that would start another', () => {
  const hostile = fc
    .tuple(
      fc.string({ maxLength: 20 }),
      fc.constantFrom('\r\n', '\n', '\r', '\0', '\r\n \r\n'),
      fc.constantFrom('Bcc: x@y', ' Bcc: x@y', 'x'),
    )
    .map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(hostile, (value) => {
      for (const record of [
        { subject: value },
        { 'header:X': value },
        { from: [{ name: value, email: 'a@b' }] },
        { from: [{ name: 'a', email: value }] },
        { messageId: [value] },
        { attachments: [{ blobId: 'G1', name: value }] },
      ]) {
        const creation = readCreation({ mailboxIds: { F1: true }, ...record }, new Map());
        if ('type' in creation) continue;
        const { fields } = build(record, new Map([['G1', new Uint8Array()]]));
        expect(fields.map(({ name }) => name.toLowerCase()).sort()).not.toContain('bcc');
        expect(fields.length).toBeLessThanOrEqual(8);
      }
    }),
  );
});

test('base64 in lines is the same however the octets are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (chunks) => {
      const lines = new Base64Lines();
      const written = chunks.map((chunk) => lines.write(chunk));
      expect(concatOctets([...written, lines.finish()])).toEqual(encodeBase64(concatOctets(chunks)));
    }),
  );
});

test('octets are surveyed the same however they are cut', () => {
  const octet = fc.constantFrom(0x0d, 0x0a, 0x41, 0x20, 0xc3, 0x00);
  fc.assert(
    fc.property(fc.array(fc.array(octet, { maxLength: 20 })), (chunks) => {
      const looking = new OctetSurvey();
      for (const chunk of chunks) looking.write(Uint8Array.from(chunk));
      expect(looking.finish()).toEqual(survey(Uint8Array.from(chunks.flat())));
    }),
  );
});

test.each([
  ['', true],
  ['a\r\nb', true],
  [`${'x'.repeat(998)}\r\n`, true],
  [`${'x'.repeat(999)}\r\n`, false],
  ['a\nb', false],
  ['a\rb', false],
  ['a\r', false],
  ['\n', false],
  ['a\0', false],
  ['\x7f', false],
])('%j passes a 7-bit transport: %s', (text, isClean) => {
  expect(survey(new TextEncoder().encode(text)).isClean).toBe(isClean);
});

test('a blob that is not read is encoded when its turn comes, but never in a part that stays as it is', () => {
  const creation = readCreation(
    {
      mailboxIds: { F1: true },
      attachments: [
        { blobId: 'G1', type: 'image/png' },
        { blobId: 'G2', type: 'message/rfc822' },
        { blobId: 'G3', type: 'message/rfc822' },
      ],
    },
    new Map(),
  );
  if ('type' in creation) throw new Error(JSON.stringify(creation));
  expect(unencodedBlobsOf(creation.body)).toEqual(['G2', 'G3']);
  const unread = (blobId: string, found: object | null) => ({
    blobId,
    survey: found && { isClean: false, hasNul: false, highShare: 0, ...found },
  });
  const blobs = new Map([
    ['G1', unread('Gone', null)],
    ['G2', unread('Gtwo', { isClean: true })],
    ['G3', unread('Gthree', {})],
  ]);
  const segments = buildMessage(creation, { ...facts, blobs });
  expect(segments.filter((segment) => !(segment instanceof Uint8Array))).toEqual([
    { blobId: 'Gone', encoding: 'base64' },
    { blobId: 'Gtwo', encoding: 'identity' },
    { blobId: 'Gthree', encoding: 'identity' },
  ]);
  const written = segments.map((segment) => (segment instanceof Uint8Array ? byteString(segment) : '')).join('');
  expect(written.match(/Content-Transfer-Encoding: \S+/g)?.map((field) => field.slice(27))).toEqual(['base64', '7bit', '8bit']);
});
