import { beforeAll, expect, test } from 'vitest';
import { type Client, makeClient } from './client.ts';

let client: Client;
let inbox: string;
beforeAll(async () => {
  client = await makeClient();
  inbox = (await client.roles()).inbox ?? '';
});

const crlf = (...lines: string[]) => lines.join('\r\n');

const RICH = crlf(
  'Received: from x by y; Tue, 10 Jul 2018 01:03:12 +0000',
  'Message-ID: <one@example.com>',
  'In-Reply-To: <zero@example.com>',
  'References: <a@example.com>',
  ' <zero@example.com>',
  'Date: Tue, 10 Jul 2018 11:03:11 +1000',
  'From: "  James Smythe" <james@example.com>',
  'To: Friends: jane@example.com, =?UTF-8?Q?John_Sm=C3=AEth?=',
  ' <john@example.com>;, bob@example.com (Bob B)',
  'Subject: =?utf-8?B?5L2g5aW9?= =?utf-8?Q?_w=C3=B6rld?=',
  'List-Post: <mailto:list@example.com> (comment), <https://example.com/post>',
  'X-Thing: one',
  'X-Thing: =?utf-8?Q?tw=C3=B6?=',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="b1"',
  '',
  'preamble',
  '--b1',
  'Content-Type: multipart/alternative; boundary="b2"',
  '',
  '--b2',
  'Content-Type: text/plain; charset=iso-8859-1',
  'Content-Transfer-Encoding: quoted-printable',
  'Content-Language: de, en',
  '',
  'Gr=FC=DFe aus K=F6ln=',
  ' und so weiter',
  '--b2',
  'Content-Type: multipart/related; boundary="b3"',
  '',
  '--b3',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Grüße <a href="https://example.com">aus Köln</a></p>',
  '--b3',
  'Content-Type: image/png; name="p.png"',
  'Content-ID: <pic@example.com>',
  'Content-Disposition: inline',
  'Content-Transfer-Encoding: base64',
  '',
  'iVBORw0KGgo=',
  '--b3--',
  '--b2--',
  '--b1',
  'Content-Type: application/pdf',
  "Content-Disposition: attachment; filename*=utf-8''B%C3%A4r.pdf",
  'Content-Transfer-Encoding: base64',
  'X-Part: yes',
  '',
  'SGVsbG8gUERG',
  '--b1',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  '',
  'inner body',
  '--b1--',
  '',
);

test('header fields are answered in every form, and as the convenience properties', async () => {
  const { id } = await client.import(RICH, inbox);
  const email = await client.email(id, {
    properties: [
      ...['messageId', 'inReplyTo', 'references', 'from', 'to', 'cc', 'subject', 'sentAt', 'preview', 'hasAttachment'],
      ...['header:Subject', 'header:subject:asText', 'header:TO:asGroupedAddresses', 'header:Date:asDate', 'header:List-Post:asURLs'],
      ...[
        'header:X-Thing',
        'header:X-Thing:asText',
        'header:X-Thing:asText:all',
        'header:X-None',
        'header:X-None:all',
        'header:X-Thing:asDate',
      ],
    ],
  });
  const james = { name: 'James Smythe', email: 'james@example.com' };
  const friends = [
    { name: null, email: 'jane@example.com' },
    { name: 'John Smîth', email: 'john@example.com' },
  ];
  const bob = { name: 'Bob B', email: 'bob@example.com' };
  expect(email).toEqual({
    id,
    messageId: ['one@example.com'],
    inReplyTo: ['zero@example.com'],
    references: ['a@example.com', 'zero@example.com'],
    from: [james],
    to: [...friends, bob],
    cc: null,
    subject: '你好 wörld',
    sentAt: '2018-07-10T11:03:11+10:00',
    preview: expect.stringContaining('Grüße aus Köln und so weiter'),
    hasAttachment: true,
    'header:Subject': ' =?utf-8?B?5L2g5aW9?= =?utf-8?Q?_w=C3=B6rld?=',
    'header:subject:asText': '你好 wörld',
    'header:TO:asGroupedAddresses': [
      { name: 'Friends', addresses: friends },
      { name: null, addresses: [bob] },
    ],
    'header:Date:asDate': '2018-07-10T11:03:11+10:00',
    'header:List-Post:asURLs': ['mailto:list@example.com', 'https://example.com/post'],
    'header:X-Thing': ' =?utf-8?Q?tw=C3=B6?=',
    'header:X-Thing:asText': 'twö',
    'header:X-Thing:asText:all': ['one', 'twö'],
    'header:X-None': null,
    'header:X-None:all': [],
    'header:X-Thing:asDate': null,
  });
});

test.each([
  ['header:From:asDate'],
  ['header:Subject:asAddresses'],
  ['header:Date:asText'],
  ['header:List-Post:asMessageIds'],
  ['header:Received:asText'],
  ['header:X:asNothing'],
  ['header:X:all:asText'],
  ['header:'],
  ['header:a b'],
  ['nothing'],
])('the property %s is refused', async (property) => {
  expect(await client.errorOf('Email/get', { ids: [], properties: [property] })).toBe('invalidArguments');
  expect(await client.errorOf('Email/get', { ids: [], bodyProperties: [property] })).toBe('invalidArguments');
});

test('all header fields come in order with their raw values', async () => {
  const { id } = await client.import('B: 1\r\nA:2\r\n\tfolded\r\nB: caf\xe9\r\n\r\nbody', inbox);
  const { headers } = await client.email(id, { properties: ['headers'] });
  expect(headers).toEqual([
    { name: 'B', value: ' 1' },
    { name: 'A', value: '2\r\n\tfolded' },
    { name: 'B', value: ' café' },
  ]);
});

type PartShape = { partId: string | null; type: string; subParts?: PartShape[] };

test('the structure is the tree, and the lists are what people read', async () => {
  const { id, blobId } = await client.import(RICH, inbox);
  const email = await client.email(id, {
    properties: ['bodyStructure', 'textBody', 'htmlBody', 'attachments'],
    bodyProperties: ['partId', 'blobId', 'size', 'name', 'type', 'charset', 'disposition', 'cid', 'language', 'header:X-Part:asText'],
  });
  const shape = ({ partId, type, subParts }: PartShape): unknown => (subParts ? [type, ...subParts.map(shape)] : `${partId} ${type}`);
  expect(shape(email.bodyStructure as PartShape)).toEqual([
    'multipart/mixed',
    ['multipart/alternative', '1.1 text/plain', ['multipart/related', '1.2.1 text/html', '1.2.2 image/png']],
    '2 application/pdf',
    '3 message/rfc822',
  ]);
  const ids = (list: unknown) => (list as PartShape[]).map(({ partId }) => partId);
  expect([ids(email.textBody), ids(email.htmlBody), ids(email.attachments)]).toEqual([['1.1'], ['1.2.1'], ['1.2.2', '2', '3']]);
  const sha = blobId.slice(1);
  expect((email.attachments as unknown[])[0]).toEqual({
    partId: '1.2.2',
    blobId: expect.stringMatching(new RegExp(`^G${sha}-\\d+-12-b$`)),
    size: 8,
    name: 'p.png',
    type: 'image/png',
    charset: null,
    disposition: 'inline',
    cid: 'pic@example.com',
    language: null,
    'header:X-Part:asText': null,
  });
  expect((email.attachments as unknown[])[1]).toMatchObject({
    name: 'Bär.pdf',
    size: 9,
    disposition: 'attachment',
    'header:X-Part:asText': 'yes',
  });
  expect((email.textBody as unknown[])[0]).toMatchObject({ charset: 'iso-8859-1', language: ['de', 'en'], size: 28 });
});

test('body values are decoded, and cut at a character and never inside a tag', async () => {
  const { id } = await client.import(RICH, inbox);
  const values = async (args: Record<string, unknown>) => (await client.email(id, { properties: ['bodyValues'], ...args })).bodyValues;
  const whole = { isEncodingProblem: false, isTruncated: false };
  expect(await values({})).toEqual({});
  expect(await values({ fetchTextBodyValues: true })).toEqual({ '1.1': { value: 'Grüße aus Köln und so weiter', ...whole } });
  const html = '<p>Grüße <a href="https://example.com">aus Köln</a></p>';
  expect(await values({ fetchHTMLBodyValues: true })).toEqual({ '1.2.1': { value: html, ...whole } });
  expect(Object.keys((await values({ fetchAllBodyValues: true })) as object)).toEqual(['1.1', '1.2.1']);
  expect(await values({ fetchTextBodyValues: true, maxBodyValueBytes: 3 })).toEqual({
    '1.1': { value: 'Gr', isEncodingProblem: false, isTruncated: true },
  });
  expect(await values({ fetchHTMLBodyValues: true, maxBodyValueBytes: 20 })).toMatchObject({
    '1.2.1': { value: '<p>Grüße ', isTruncated: true },
  });
});

test.each([
  ['Content-Type: text/plain; charset=utf-8', 'a\xff', true],
  ['Content-Type: text/plain; charset=no-such', 'abc', true],
  ['Content-Transfer-Encoding: x-odd', 'abc', true],
  ['Content-Type: text/plain; charset=utf-8', 'abc', false],
  ['X: y', 'abc', false],
])('%s with %j says whether decoding went wrong', async (field, body, isEncodingProblem) => {
  const raw = Uint8Array.from(`${field}\r\n\r\n${body}`, (char) => char.charCodeAt(0));
  const { id } = await client.import(raw, inbox);
  const { bodyValues } = await client.email(id, { properties: ['bodyValues'], fetchTextBodyValues: true });
  expect(bodyValues).toMatchObject({ '1': { isEncodingProblem } });
});

test('a very long text is cut, and one call shows only so much in all', async () => {
  const long = await client.upload(`Subject: long\r\n\r\n${'0123456789\r\n'.repeat(120_000)}`);
  const emails = Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => [`k${index}`, { blobId: long, mailboxIds: { [inbox]: true } }]),
  );
  const { created } = await client.call('Email/import', { emails });
  const ids = Object.values(created as Record<string, { id: string }>).map(({ id }) => id);
  const { list } = await client.call('Email/get', { ids, properties: ['bodyValues'], fetchTextBodyValues: true });
  const values = (list as { bodyValues: Record<string, { value: string; isTruncated: boolean }> }[]).map(
    ({ bodyValues }) => bodyValues['1'],
  );
  expect(values.every((value) => value?.isTruncated)).toBe(true);
  const octets = values.reduce((sum, value) => sum + (value?.value.length ?? 0), 0);
  expect([values[0]?.value.length ?? 0, octets].map((n) => Math.ceil(n / 1024 / 1024))).toEqual([1, 8]);
  expect(values.at(-1)?.value).toBe('');
});

test('without a wish for properties the default ones come', async () => {
  const { id, blobId, threadId, size } = await client.import('Subject: plain\r\n\r\nhello\r\n', inbox, {
    keywords: { $Seen: true },
    receivedAt: '2020-01-02T03:04:05Z',
  });
  expect(await client.email(id, {})).toEqual({
    ...{ id, blobId, threadId, size, mailboxIds: { [inbox]: true }, keywords: { $seen: true }, receivedAt: '2020-01-02T03:04:05Z' },
    ...{ messageId: null, inReplyTo: null, references: null, sender: null, from: null, to: null, cc: null, bcc: null, replyTo: null },
    ...{ subject: 'plain', sentAt: null, hasAttachment: false, preview: 'hello', bodyValues: {}, attachments: [] },
    textBody: [expect.objectContaining({ partId: '1', type: 'text/plain', charset: 'us-ascii', size: 7 })],
    htmlBody: [expect.objectContaining({ partId: '1' })],
  });
});

test('foreign ids and ids of other types are not found', async () => {
  const stranger = await makeClient();
  const { id, threadId } = await stranger.import('Subject: x\r\n\r\nx', (await stranger.roles()).inbox ?? '');
  const foreign = id.replace(/\d+/, '99');
  const { list, notFound } = await client.call('Email/get', { ids: [foreign, threadId, inbox, 'x'] });
  expect([list, notFound]).toEqual([[], [foreign, threadId, inbox, 'x']]);
});

test('a part is downloaded decoded, as an attachment that cannot run', async () => {
  const { id, blobId } = await client.import(RICH, inbox);
  const { attachments } = await client.email(id, { properties: ['attachments'] });
  const [, pdf] = attachments as { blobId: string }[];
  const get = (blob: string, name = 'x', accept = 'text/html', account = client.accountId) =>
    client.fetch(`/jmap/download/${account}/${blob}/${encodeURIComponent(name)}?accept=${encodeURIComponent(accept)}`);
  const part = await get(pdf?.blobId ?? '', 'Bär "1".pdf', 'application/pdf');
  expect([part.status, await part.text()]).toEqual([200, 'Hello PDF']);
  expect(Object.fromEntries(part.headers)).toMatchObject({
    'content-type': 'application/pdf',
    'content-disposition': "attachment; filename*=utf-8''B%C3%A4r%20%221%22.pdf",
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
  });
  const whole = await get(blobId);
  expect([whole.headers.get('content-type'), await whole.text()]).toEqual(['application/octet-stream', RICH]);
  const beyond = `${blobId}-999999-10-i`;
  for (const wrong of ['G1', `G${'0'.repeat(64)}`, 'M1']) expect((await get(wrong)).status).toBe(404);
  expect((await get(blobId, 'x', 'x/y', 'A999')).status).toBe(404);
  expect((await (await get(beyond)).text()).length).toBe(0);
});

test('an uploaded blob belongs to its account alone', async () => {
  const octets = crypto.getRandomValues(new Uint8Array(1000));
  const blobId = await client.upload(octets, 'image/png; x=y');
  const download = (reader: Client) => reader.fetch(`/jmap/download/${reader.accountId}/${blobId}/x?accept=image/png`);
  const mine = await download(client);
  expect(new Uint8Array(await mine.arrayBuffer())).toEqual(octets);
  expect((await download(await makeClient())).status).toBe(404);
  const foreign = await client.fetch('/jmap/upload/A999/', { method: 'POST', body: 'x' });
  expect(foreign.status).toBe(404);
});

test('Email/parse reads an enclosed message without keeping it', async () => {
  const { id } = await client.import(RICH, inbox);
  const { attachments } = await client.email(id, { properties: ['attachments'] });
  const [picture, , inner] = attachments as { blobId: string }[];
  const blob = inner?.blobId ?? '';
  const missing = `G${'0'.repeat(64)}`;
  const answer = await client.call('Email/parse', {
    blobIds: [blob, picture?.blobId, missing],
    properties: ['id', 'mailboxIds', 'subject', 'size', 'textBody', 'bodyValues'],
    fetchTextBodyValues: true,
  });
  expect(answer).toMatchObject({
    parsed: { [blob]: { id: null, mailboxIds: null, subject: 'inner', size: 28, bodyValues: { '1': { value: 'inner body' } } } },
    notParsable: [picture?.blobId],
    notFound: [missing],
  });
  const parsed = answer.parsed as Record<string, { textBody: { blobId: string }[] }>;
  const text = await client.fetch(`/jmap/download/${client.accountId}/${parsed[blob]?.textBody[0]?.blobId}/x`);
  expect(await text.text()).toBe('inner body');
});
