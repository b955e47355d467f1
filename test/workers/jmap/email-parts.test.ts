/** The parts of an Email and its lists, sentence by sentence (RFC 8621 §4.1.4, §4.2). */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '../../../shared/jmap/errors.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
let inbox: string;
beforeAll(async () => {
  client = await makeClient();
  inbox = (await client.roles()).inbox ?? '';
});

const lines = (...all: string[]) => all.join('\r\n');

/** What Email/get answers of a message. */
async function got(raw: string | Uint8Array, args: Json): Promise<Json> {
  return client.email((await client.import(raw, inbox)).id, args);
}

/** The part whose header block this is, first in a multipart/mixed. */
async function part(header: string[], body: string, bodyProperties: string[]): Promise<Json> {
  const raw = lines('Content-Type: multipart/mixed; boundary=b', '', '--b', ...header, '', body, '--b--', '');
  const { bodyStructure } = await got(raw, { properties: ['bodyStructure'], bodyProperties });
  return ((bodyStructure as Json).subParts as Json[])[0] ?? {};
}

test.each<[header: string[], expected: Json]>([
  [[], { type: 'text/plain', charset: 'us-ascii', name: null, disposition: null, cid: null, language: null, location: null }],
  [['Content-Type: TEXT/HTML (a comment)'], { type: 'text/html', charset: 'us-ascii' }],
  [['Content-Type: text/plain; charset="UTF-8"; format=flowed'], { type: 'text/plain', charset: 'UTF-8' }],
  [['Content-Type: image/png'], { type: 'image/png', charset: null }],
  [['Content-Type: application/xml; charset=utf-8'], { type: 'application/xml', charset: 'utf-8' }],
  [['Content-Type: nonsense'], { type: 'text/plain', charset: 'us-ascii' }],
  [['Content-Disposition: ATTACHMENT; filename="a \\"b\\".txt"'], { disposition: 'attachment', name: 'a "b".txt' }],
  [['Content-Disposition: inline (shown)'], { disposition: 'inline', name: null }],
  [["Content-Disposition: attachment; filename*=utf-8''%C3%A4.txt", 'Content-Type: text/plain; name=other'], { name: 'ä.txt' }],
  [["Content-Disposition: attachment; filename*0*=iso-8859-1''%E4; filename*1=b.txt"], { name: 'äb.txt' }],
  [['Content-Type: text/plain; name="=?utf-8?q?=C3=A4.txt?="'], { name: 'ä.txt' }],
  [['Content-Disposition: attachment', 'Content-Type: text/plain; name=n.txt'], { name: 'n.txt' }],
  [['Content-ID: <a.b@c>'], { cid: 'a.b@c' }],
  [['Content-Id: (comment) <a@c> '], { cid: 'a@c' }],
  [['Content-Language: de, en-GB (mostly)'], { language: ['de', 'en-GB'] }],
  [['Content-Location: https://x.test/a'], { location: 'https://x.test/a' }],
])('a part with %j is %j', async (header, expected) => {
  expect(await part(header, 'body', Object.keys(expected))).toEqual(expected);
});

test.each<[encoding: string, body: string, size: number]>([
  ['7bit', 'four', 4],
  ['base64', 'AAECAw==', 4],
  ['quoted-printable', 'a=20b=\r\nc', 4],
  ['x-unknown', 'AAAA', 4],
])('the size of a part in %s is that of its decoded octets, as its blob is', async (encoding, body, size) => {
  const { size: told, blobId } = await part([`Content-Transfer-Encoding: ${encoding}`], body, ['size', 'blobId']);
  const blob = await client.fetch(`/jmap/download/${client.accountId}/${blobId}/x`);
  expect([told, (await blob.arrayBuffer()).byteLength]).toEqual([size, size]);
});

test.each<[problem: boolean, charset: string, body: string]>([
  [false, 'utf-8', 'é \ufffd'],
  [true, 'utf-8', 'caf\u0000'],
  [true, 'us-ascii', 'é'],
  [false, 'us-ascii', 'e'],
  [false, 'unknown-8bit', 'é'],
  [true, 'x-nobody-knows', 'e'],
])('isEncodingProblem is %s of %s and %j', async (problem, charset, body) => {
  // A NUL stands for an octet that no UTF-8 has.
  const octets = new TextEncoder().encode(lines(`Content-Type: text/plain; charset=${charset}`, '', body)).map((octet) => octet || 0xff);
  const { bodyValues } = await got(octets, { properties: ['bodyValues'], fetchTextBodyValues: true });
  expect((bodyValues as Record<string, Json>)['1']).toMatchObject({ isEncodingProblem: problem });
});

const NESTED = lines(
  'Subject: nested',
  'X-Top: yes',
  'Content-Type: multipart/mixed; boundary=a',
  '',
  '--a',
  'Content-Type: multipart/digest; boundary=d',
  '',
  '--d',
  '',
  'Subject: in a digest',
  '',
  'x',
  '--d--',
  '--a',
  'X-Part: one',
  'X-Part: two',
  '',
  'text',
  '--a--',
  '',
);

test('multiparts have subParts and neither partId nor blobId, other parts have both, and messages are not opened', async () => {
  const { bodyStructure } = await got(NESTED, { properties: ['bodyStructure'], bodyProperties: ['partId', 'blobId', 'type', 'subParts'] });
  const leaf = (partId: string, type: string) => ({ partId, type, blobId: expect.any(String), subParts: null });
  const multipart = (type: string, ...subParts: unknown[]) => ({ partId: null, blobId: null, type, subParts });
  expect(bodyStructure).toEqual(
    multipart('multipart/mixed', multipart('multipart/digest', leaf('1.1', 'message/rfc822')), leaf('2', 'text/plain')),
  );
});

test('the header fields of a part are its own, in order, and those of the root are the message', async () => {
  const email = await got(NESTED, {
    properties: ['bodyStructure', 'textBody', 'header:X-Part'],
    bodyProperties: ['headers', 'header:X-Part', 'header:x-part:asText:all', 'header:X-Top', 'header:X-Top:all'],
  });
  const { bodyStructure, textBody } = email as { bodyStructure: { headers: Json[]; subParts: Json[] }; textBody: Json[] };
  expect(bodyStructure.headers.map(({ name }) => name)).toEqual(['Subject', 'X-Top', 'Content-Type']);
  expect(bodyStructure).toMatchObject({ 'header:X-Top': ' yes', 'header:X-Part': null, 'header:x-part:asText:all': [] });
  const own = {
    headers: [
      { name: 'X-Part', value: ' one' },
      { name: 'X-Part', value: ' two' },
    ],
    'header:X-Part': ' two',
    'header:x-part:asText:all': ['one', 'two'],
    'header:X-Top': null,
    'header:X-Top:all': [],
  };
  expect([bodyStructure.subParts[1], textBody]).toEqual([own, [own]]);
  expect(email['header:X-Part']).toBeNull();
});

test('bodyProperties has the default of the RFC, may be empty, and never adds subParts to the lists', async () => {
  const defaults = ['partId', 'blobId', 'size', 'name', 'type', 'charset', 'disposition', 'cid', 'language', 'location'];
  const names = async (args: Json) =>
    Object.keys((((await got(NESTED, { properties: ['textBody'], ...args })).textBody as Json[])[0] ?? {}) as Json);
  expect(await names({})).toEqual(defaults);
  expect(await names({ bodyProperties: null })).toEqual(defaults);
  expect(await names({ bodyProperties: [] })).toEqual([]);
  expect(await got(NESTED, { properties: ['attachments'], bodyProperties: ['type', 'subParts'] })).toMatchObject({
    attachments: [{ type: 'message/rfc822', subParts: null }],
  });
});

test.each<[Json]>([
  [{ bodyProperties: ['from'] }],
  [{ bodyProperties: ['bodyStructure'] }],
  [{ bodyProperties: 'type' }],
  [{ properties: ['charset'] }],
  [{ properties: ['headers:X'] }],
  [{ fetchTextBodyValues: 'yes' }],
  [{ fetchAllBodyValues: null }],
  [{ maxBodyValueBytes: -1 }],
  [{ maxBodyValueBytes: 1.5 }],
  [{ maxBodyValueBytes: null }],
  [{ color: 1 }],
])('%j is invalidArguments', async (args) => {
  expect(await client.errorOf('Email/get', { ids: [], ...args })).toBe('invalidArguments');
});

describe('body values', () => {
  const value = async (header: string[], body: string, args: Json = {}) => {
    const raw = Uint8Array.from(lines(...header, '', body), (char) => char.charCodeAt(0));
    const { bodyValues } = await got(raw, { properties: ['bodyValues'], fetchTextBodyValues: true, ...args });
    return (bodyValues as Record<string, Json>)['1'];
  };
  const TEXT = 'Content-Type: text/plain; charset=';

  test.each<[string[], string, string, boolean]>([
    [[`${TEXT}utf-8`], 'a\r\nb\nc\rd', 'a\nb\nc\rd', false],
    [[`${TEXT}utf-8`], '\xc3\xa4', 'ä', false],
    [[`${TEXT}utf-8`], '\xff', '\ufffd', true],
    [[`${TEXT}iso-8859-1`], '\xe4', 'ä', false],
    [[`${TEXT}iso-2022-jp`], '\x1b$B$"\x1b(B', 'あ', false],
    [[`${TEXT}gb18030`], '\xc4\xe3', '你', false],
    [[`${TEXT}klingon`], 'plain', 'plain', true],
    // Without one us-ascii is implied (§4.1.4), and only guessing shows what was meant.
    [[], '\xc3\xa4 without a charset', 'ä without a charset', true],
    [[`${TEXT}utf-8`, 'Content-Transfer-Encoding: base64'], 'w6Q=', 'ä', false],
    [[`${TEXT}utf-8`, 'Content-Transfer-Encoding: quoted-printable'], '=C3=\r\n=A4', 'ä', false],
    [[`${TEXT}utf-8`, 'Content-Transfer-Encoding: x-odd'], 'w6Q=', 'w6Q=', true],
  ])('%j %j', async (header, body, text, isEncodingProblem) => {
    expect(await value(header, body)).toEqual({ value: text, isEncodingProblem, isTruncated: false });
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('of %i octets at most are whole characters', async (max) => {
    const text = 'aä漢😀';
    const octets = String.fromCharCode(...new TextEncoder().encode(text));
    const answer = await value([`${TEXT}utf-8`], octets, { maxBodyValueBytes: max });
    const longest = ['', 'a', 'aä', 'aä漢'].findLast((start) => new TextEncoder().encode(start).length <= max);
    expect(answer).toEqual({ value: longest, isEncodingProblem: false, isTruncated: true });
  });

  test('which parts have one follows from what is asked', async () => {
    const raw = lines(
      'Content-Type: multipart/mixed; boundary=m',
      '',
      '--m',
      'Content-Type: multipart/alternative; boundary=a',
      '',
      '--a',
      '',
      'plain',
      '--a',
      'Content-Type: text/html',
      '',
      '<p>html',
      '--a--',
      '--m',
      'Content-Type: text/csv; name=x.csv',
      '',
      '1,2',
      '--m',
      'Content-Type: image/png',
      '',
      'png',
      '--m--',
      '',
    );
    const { id } = await client.import(raw, inbox);
    const parts = async (args: Json) => Object.keys((await client.email(id, { properties: ['bodyValues'], ...args })).bodyValues as Json);
    expect(await parts({})).toEqual([]);
    expect(await parts({ fetchTextBodyValues: true })).toEqual(['1.1']);
    expect(await parts({ fetchHTMLBodyValues: true })).toEqual(['1.2']);
    expect((await parts({ fetchTextBodyValues: true, fetchHTMLBodyValues: true })).sort()).toEqual(['1.1', '1.2']);
    expect((await parts({ fetchAllBodyValues: true })).sort()).toEqual(['1.1', '1.2', '2']);
    expect(await client.email(id, { fetchAllBodyValues: true, properties: ['subject'] })).toEqual({ id, subject: null });
  });
});

describe('what stands for the message', () => {
  test.each<[string, Json]>([
    ['Date: Tue, 10 Jul 2018 11:03:11 -0330', { sentAt: '2018-07-10T11:03:11-03:30' }],
    ['Date: nonsense', { sentAt: null }],
    ['Message-ID: nonsense here', { messageId: null }],
    ['Message-ID: <a@b>', { messageId: ['a@b'] }],
    ['References: <a@b>\r\n\t<c@d>', { references: ['a@b', 'c@d'] }],
    ['From: ', { from: [] }],
    ['To: undisclosed-recipients:;', { to: [] }],
    ['Subject: ', { subject: '' }],
    ['X: y', { subject: null, from: null, replyTo: null, sentAt: null, messageId: null, inReplyTo: null, references: null }],
    ['Subject: first\r\nSubject: last', { subject: 'last' }],
  ])('%j gives %j', async (header, expected) => {
    expect(await got(`${header}\r\n\r\nbody`, { properties: Object.keys(expected) })).toMatchObject(expected);
  });

  test.each<[string, boolean]>([
    ['Content-Type: text/plain', false],
    ['Content-Type: application/pdf', true],
    ['Content-Type: application/pdf\r\nContent-Disposition: inline', false],
    ['Content-Disposition: attachment', true],
  ])('%j has an attachment: %j', async (header, expected) => {
    expect((await got(`${header}\r\n\r\nx`, { properties: ['hasAttachment'] })).hasAttachment).toBe(expected);
  });

  test('a preview has 256 characters at most, and none cut in two', async () => {
    const { preview } = await got(`Content-Type: text/plain; charset=utf-8\r\n\r\n${'漢😀 '.repeat(500)}`, { properties: ['preview'] });
    expect([(preview as string).length <= 256, (preview as string).isWellFormed()]).toEqual([true, true]);
    expect((preview as string).length).toBeGreaterThan(200);
  });

  test('size is what a download of the blob has', async () => {
    const email = await got('Subject: x\n\nbare line feeds\n', { properties: ['size', 'blobId'] });
    const octets = await (await client.fetch(`/jmap/download/${client.accountId}/${email.blobId}/x`)).arrayBuffer();
    expect(octets.byteLength).toBe(email.size);
  });

  test('a NUL in a header field is dropped, wherever the field is read from', async () => {
    const raw = Uint8Array.from('Subject: a\0b\r\nX-Odd: c\0d\r\n\r\nx', (char) => char.charCodeAt(0));
    expect(await got(raw, { properties: ['header:Subject', 'subject', 'header:X-Odd'] })).toMatchObject({
      'header:Subject': ' ab',
      subject: 'ab',
      'header:X-Odd': ' cd',
    });
  });
});
