/** Drafts that are not finished (RFC 8621 §4.6): kept as they were written, and never so that they say something else. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Json } from '../../../shared/jmap/errors.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
let drafts: string;
beforeEach(async () => {
  client = await makeClient();
  drafts = (await client.roles()).drafts ?? '';
});

const make = (record: Json) => client.call('Email/set', { create: { k: { mailboxIds: { [drafts]: true }, ...record } } });

/** Properties of the draft that was made. */
async function made(record: Json, properties: string[]): Promise<Json> {
  const { created, notCreated } = await make(record);
  expect(notCreated).toBeNull();
  const { id } = (created as Record<string, { id: string }>).k ?? { id: '' };
  const { id: _, ...rest } = await client.email(id, { properties, fetchAllBodyValues: true });
  return rest;
}

describe('an address', () => {
  test.each(['half', 'john smith', 'a, b', 'x <y>', 'group: a;', 'say "hi"', 'back\\slash', '(no) comment', 'jö hn'])(
    'that is none yet is kept as it is: %s',
    async (email) => {
      const to = [
        { name: null, email },
        { name: 'With a name', email },
      ];
      expect(await made({ to }, ['to'])).toEqual({ to });
    },
  );

  test.each([
    ['"john smith"@x.test', '"john smith"@x.test'],
    ['"a\\"b"@x.test', '"a\\"b"@x.test'],
    ['user@[192.0.2.1]', 'user@[192.0.2.1]'],
    ['john smith@x.test', '"john smith"@x.test'],
  ])('%s is one address, with the quotes that it needs', async (email, shown) => {
    expect(await made({ to: [{ name: null, email }] }, ['to'])).toEqual({ to: [{ name: null, email: shown }] });
  });

  test.each(['x'.repeat(1001), 'x@y.test> <z', 'x@y, z', 'x@y, z@w', 'x@"y'])(
    'that could be taken for another, or is none, is refused: %s',
    async (email) => {
      const { notCreated } = await make({ to: [{ name: null, email }] });
      expect(notCreated).toMatchObject({ k: { type: 'invalidProperties', properties: ['to'] } });
    },
  );
});

test('a list of nothing is no header field', async () => {
  const record = { cc: [], bcc: [], references: [], 'header:List-Help:asURLs': [], 'header:To:asGroupedAddresses': [] };
  const { headers } = await made({ ...record, 'header:Resent-To:asAddresses:all': [[], [{ email: 'a@x.test' }]] }, ['headers']);
  const names = (headers as { name: string }[]).map(({ name }) => name);
  expect(names).toEqual(['Message-ID', 'Date', 'Resent-To', 'MIME-Version', 'Content-Type', 'Content-Transfer-Encoding']);
});

test.each<Json>([{ messageId: null, sentAt: null }, { messageId: [] }, { 'header:Date': null }])(
  'Message-ID and Date are there, whatever was left empty: %j',
  async (record) => {
    const properties = ['messageId', 'sentAt'];
    expect(await made(record, properties)).toEqual({ messageId: [expect.stringContaining('@')], sentAt: expect.stringMatching(/^\d{4}-/) });
  },
);

describe('no line has more octets than RFC 5322 §2.1.1 lets it have', () => {
  test('in a text or a name of one long word, which is encoded', async () => {
    const long = { subject: 'x'.repeat(2000), from: [{ name: 'y'.repeat(1500), email: 'me@x.test' }] };
    const { headers, ...rest } = await made(long, ['subject', 'from', 'headers']);
    expect(rest).toEqual(long);
    const lines = (headers as { value: string }[]).flatMap(({ value }) => value.split('\r\n'));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(100);
  });

  test.each<Json>([
    { 'header:X-Raw': ` ${'x'.repeat(1000)}` },
    { 'header:X-Raw': ` ${'é'.repeat(500)}` },
    { messageId: [`${'x'.repeat(1000)}@y`] },
  ])('in what cannot be encoded, which is refused', async (record) => {
    expect((await make(record)).notCreated).toMatchObject({ k: { type: 'invalidProperties', properties: Object.keys(record) } });
  });
});

describe('a Content-Type that the client writes', () => {
  const bodyValues = { p: { value: 'Grüße' } };
  const structure = (value: string | null) => ({ bodyValues, bodyStructure: { partId: 'p', 'header:Content-Type': value } });

  test.each([' text/plain; format=flowed', ' text/html', ' text/plain; charset="utf-8"', ' text/plain; charset=UTF8', null])(
    'names the charset of the text: %j',
    async (value) => {
      const shown = await made(structure(value), ['bodyValues', 'textBody']);
      expect(shown.bodyValues).toEqual({ 1: { value: 'Grüße', isEncodingProblem: false, isTruncated: false } });
      expect(shown.textBody).toMatchObject([{ charset: expect.stringMatching(/^utf-?8$/i) }]);
    },
  );

  test('of another charset is refused, as charset is', async () => {
    const { notCreated } = await make(structure(' text/plain; charset=iso-8859-1'));
    expect(notCreated).toMatchObject({ k: { type: 'invalidProperties', properties: ['bodyStructure'] } });
  });
});
