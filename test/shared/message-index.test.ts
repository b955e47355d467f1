/** The Worker must take every index that the indexer makes: a refused one would keep its mail in the spool for ever. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Malformed } from '../../shared/fields.ts';
import { readIngestRequest } from '../../shared/ingest-request.ts';
import { readMessageIndex } from '../../shared/message-index.ts';
import { indexMessage } from '../../shared/mime/indexer.ts';
import { readCommitRequest } from '../../shared/operations.ts';
import { hasDataset, loadDataset } from '../support/dataset.ts';

/** What arrives after travelling as JSON in UTF-8. */
function travelled(value: unknown): unknown {
  return JSON.parse(new TextDecoder().decode(new TextEncoder().encode(JSON.stringify(value))));
}

function expectTaken(raw: Uint8Array): void {
  const index = indexMessage(raw);
  expect(readMessageIndex(travelled(index), 'index')).toEqual(travelled(index));
}

test.runIf(hasDataset)(
  'the index of every real message is taken as it is',
  async () => {
    for (const { raw } of await loadDataset()) expectTaken(raw);
  },
  120_000,
);

test('the index of any octets is taken', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), expectTaken), { numRuns: 300 });
});

const NASTY: [string, string][] = [
  ['nothing at all', ''],
  ['NULs everywhere', 'Subject: a\0b\r\nMessage-ID: <\0@x>\r\n\0\r\n\r\nbody\0'],
  ['lone surrogates by encoded-word', 'Subject: =?utf-16be?B?2AA=?= =?utf-8?B?7aCA?=\r\nMessage-ID: =?utf-16be?B?2AA=?=\r\n\r\nx'],
  ['20,000 references', `References: ${'<a@x> '.repeat(20_000)}\r\n\r\nx`],
  ['a Message-ID of 100,000 characters', `Message-ID: <${'a'.repeat(100_000)}@x>\r\nIn-Reply-To: <${'b'.repeat(100_000)}>\r\n\r\nx`],
  ['a Content-Type with 5,000 parameters', `Content-Type: text/plain${'; a=b'.repeat(5000)}\r\n\r\nx`],
  [
    'a parameter of 100,000 characters',
    `Content-Type: text/plain; name="${'n'.repeat(100_000)}"\r\nContent-ID: <${'i'.repeat(50_000)}>\r\n\r\nx`,
  ],
  [
    'a type of 50,000 characters',
    `Content-Type: ${'t'.repeat(50_000)}/${'s'.repeat(50_000)}\r\nContent-Transfer-Encoding: ${'e'.repeat(9000)}\r\n\r\nx`,
  ],
  [
    'a language list of 5,000',
    `Content-Language: ${'en, '.repeat(5000)}\r\nContent-Location: ${'l'.repeat(9000)}\r\nContent-MD5: ${'m'.repeat(9000)}\r\n\r\nx`,
  ],
  [
    'a description and a disposition without end',
    `Content-Description: ${'d'.repeat(9000)}\r\nContent-Disposition: ${'a'.repeat(9000)}; filename="${'f'.repeat(9000)}"\r\n\r\nx`,
  ],
  ['a date beyond time', 'Date: Sat, 01 Jan 999999999 00:00:00 +0000\r\n\r\nx'],
  [
    '300 nested parts',
    `${Array.from({ length: 300 }, (_value, level) => `Content-Type: multipart/mixed; boundary=b${level}\r\n\r\n--b${level}\r\n`).join('')}\r\nx`,
  ],
  ['3,000 parts', `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(3000)}--b--`],
  ['a forwarded message with a long header', `Content-Type: message/rfc822\r\n\r\nTo: ${'a@x, '.repeat(20_000)}\r\n\r\nx`],
];
test.each(NASTY)('the index of %s is taken', (_name, text) => {
  expectTaken(new Uint8Array([...text].map((character) => character.charCodeAt(0))));
});

describe('anything else is Malformed and nothing worse', () => {
  const readers = { readMessageIndex, readIngestRequest, readCommitRequest };
  test.each(Object.entries(readers))('%s', (_name, read) => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(() => read(value, 'value')).toThrow(Malformed);
      }),
    );
  });

  test('an index with one field spoilt', () => {
    const index = indexMessage(new TextEncoder().encode('Subject: x\r\n\r\ny'));
    for (const name of Object.keys(index)) {
      for (const wrong of [undefined, Symbol.iterator, [{}], { a: 1 }, 'a\0', -1.5]) {
        expect(() => readMessageIndex({ ...index, [name]: wrong }, 'index'), name).toThrow(Malformed);
      }
    }
  });
});
