/** Blob/upload, Blob/get and Blob/lookup (RFC 9404). */
import { beforeAll, expect, test } from 'vitest';
import { BLOB, CORE, DATA_SOURCES_MAX, MAIL } from '../../../shared/jmap/capabilities.ts';
import { runRequest } from '../../../workers/jmap/dispatch.ts';
import { answerUpload } from '../../../workers/jmap/upload.ts';
import { ORIGIN } from '../../support/directory.ts';
import { type Client, makeClient } from './client.ts';
import { Source, Watched } from './counting-bucket.ts';

let client: Client;
let inbox: string;
beforeAll(async () => {
  client = await makeClient();
  inbox = (await client.roles()).inbox ?? '';
});

type Args = Record<string, unknown>;

/** Runs calls that use the blob capability; the answers' arguments. */
async function calls(list: [string, Args][], using = [CORE, MAIL, BLOB], who = client): Promise<Args[]> {
  const methodCalls = list.map(([name, args], index) => [name, { accountId: who.accountId, ...args }, `c${index}`]);
  const answer = await who.post(JSON.stringify({ using, methodCalls }));
  return ((await answer.json()) as { methodResponses: [string, Args][] }).methodResponses.map(([, args]) => args);
}

async function call(name: string, args: Args): Promise<Args> {
  const [answer] = await calls([[name, args]]);
  return answer ?? {};
}

const make = async (data: unknown[], more: Args = {}) => {
  const { created, notCreated } = await call('Blob/upload', { create: { k: { data, ...more } } });
  return { made: (created as Record<string, { id: string; type: string; size: number }> | null)?.k, error: (notCreated as Args | null)?.k };
};

test('the session says what can be done with blobs', async () => {
  const session = (await (await client.fetch('/jmap/session')).json()) as Args;
  expect(session).toMatchObject({
    capabilities: { [BLOB]: {} },
    primaryAccounts: { [BLOB]: client.accountId },
    accounts: {
      [client.accountId]: {
        accountCapabilities: {
          [BLOB]: {
            maxSizeBlobSet: expect.any(Number),
            maxDataSources: DATA_SOURCES_MAX,
            supportedTypeNames: ['Mailbox', 'Thread', 'Email'],
            supportedDigestAlgorithms: ['sha', 'sha-256'],
          },
        },
      },
    },
  });
});

test('a blob is put together of text, base64 and ranges of other blobs, also of those made before in the request', async () => {
  const [first, second, got] = await calls([
    ['Blob/upload', { create: { fox: { data: [{ 'data:asText': 'The quick brown fox' }], type: 'text/plain' } } }],
    [
      'Blob/upload',
      {
        create: {
          cat: {
            data: [
              { 'data:asText': 'How' },
              { blobId: '#fox', offset: 3, length: 7 },
              { 'data:asText': 'was t' },
              { blobId: '#fox', offset: 1, length: 1 },
              { 'data:asBase64': 'YXQ/' },
              { blobId: '#fox', offset: 19 },
              { blobId: '#fox', offset: 0, length: 0 },
            ],
          },
        },
      },
    ],
    ['Blob/get', { ids: ['#cat'], properties: ['data:asText', 'size'] }],
  ]);
  expect(first).toEqual({
    accountId: client.accountId,
    created: { fox: { id: expect.any(String), type: 'text/plain', size: 19 } },
    notCreated: null,
  });
  const cat = (second?.created as Record<string, { id: string }> | undefined)?.cat;
  expect(cat).toEqual({ id: expect.any(String), type: 'application/octet-stream', size: 19 });
  expect(got).toEqual({
    accountId: client.accountId,
    list: [{ id: cat?.id, 'data:asText': 'How quick was that?', size: 19 }],
    notFound: [],
  });
  const download = await client.fetch(`/jmap/download/${client.accountId}/${cat?.id}/x`);
  expect(new TextDecoder().decode(await download.arrayBuffer())).toBe('How quick was that?');
});

test('creations of one call may name each other in their order', async () => {
  const { created } = await call('Blob/upload', {
    create: { a: { data: [{ 'data:asText': 'ab' }] }, b: { data: [{ blobId: '#a' }, { blobId: '#a' }] }, c: { data: [] } },
  });
  expect(created).toMatchObject({ a: { size: 2 }, b: { size: 4 }, c: { size: 0 } });
});

test.each<[string, unknown[], string]>([
  ['no source in a source', [{}], 'invalidProperties'],
  ['two sources in one', [{ 'data:asText': 'x', 'data:asBase64': 'eA==' }], 'invalidProperties'],
  ['base64 that is none', [{ 'data:asBase64': 'e A=' }], 'invalidProperties'],
  ['base64 cut short', [{ 'data:asBase64': 'eA' }], 'invalidProperties'],
  ['a range of text', [{ 'data:asText': 'x', offset: 0 }], 'invalidProperties'],
  ['a negative offset', [{ blobId: 'G1', offset: -1 }], 'invalidProperties'],
  ['an unknown property', [{ 'data:asText': 'x', more: 1 }], 'invalidProperties'],
  ['a blob that is not there', [{ blobId: `G${'0'.repeat(64)}` }], 'blobNotFound'],
  ['a creation that is not there', [{ blobId: '#nobody' }], 'blobNotFound'],
  ['too many sources', Array(DATA_SOURCES_MAX + 1).fill({ 'data:asText': '' }), 'invalidProperties'],
  ['no list', 'x' as unknown as unknown[], 'invalidProperties'],
])('a blob of %s is not made', async (_what, data, type) => {
  const { made, error } = await make(data);
  expect([made, error]).toMatchObject([undefined, { type }]);
});

test.each([
  ['text', 'nonsense'],
  ['a number', 7],
])('a blob whose type is %s that is none is not made', async (_what, type) => {
  expect((await make([], { type })).error).toMatchObject({ type: 'invalidProperties', properties: ['type'] });
});

test('a range that begins or ends behind the end of its blob refuses the whole', async () => {
  const blobId = await client.upload('abc');
  for (const range of [{ offset: 4 }, { offset: 2, length: 2 }, { length: 4 }])
    expect((await make([{ 'data:asText': 'x' }, { blobId, ...range }])).error).toMatchObject({
      type: 'invalidProperties',
      properties: ['data'],
    });
  expect((await make([{ blobId, offset: 3 }])).made).toMatchObject({ size: 0 });
});

test('a blob larger than announced is not made', async () => {
  const blobId = await client.upload('x'.repeat(600));
  const args = { accountId: client.accountId, create: { k: { data: [{ blobId }, { blobId }] } } };
  const request = { using: [CORE, BLOB], methodCalls: [['Blob/upload', args, 'c'] as [string, Args, string]], createdIds: null };
  const { methodResponses } = await runRequest({ ...new Watched().env, MESSAGE_SIZE_LIMIT: '1000' }, client.account, request);
  expect(methodResponses).toMatchObject([['Blob/upload', { created: null, notCreated: { k: { type: 'tooLarge' } } }, 'c']]);
});

const FOX = 'The quick brown fox jumped over the lazy dog.';

test.each<[string, Args, Args]>([
  ['octets and size when nothing is named', {}, { 'data:asText': FOX, size: 45 }],
  ['a range', { offset: 4, length: 9 }, { 'data:asText': 'quick bro', size: 45 }],
  ['base64', { properties: ['data:asBase64'], length: 3 }, { 'data:asBase64': 'VGhl' }],
  [
    'what lies there of a range that ends behind the end',
    { offset: 41, length: 20 },
    { 'data:asText': 'dog.', size: 45, isTruncated: true },
  ],
  ['nothing of a range behind the end', { offset: 50 }, { 'data:asText': '', size: 45, isTruncated: true }],
  ['nothing of a range at the end, which is no fault', { offset: 45, length: 0 }, { 'data:asText': '', size: 45 }],
  [
    'digests',
    { properties: ['digest:sha', 'digest:sha-256'] },
    { 'digest:sha': 'wIVPufsDxBzOOALLDSIFKebu+U4=', 'digest:sha-256': expect.any(String) },
  ],
  ['the digest of a range', { properties: ['digest:sha'], offset: 4, length: 9 }, { 'digest:sha': 'QiRAPtfyX8K6tm1iOAtZ87Xj3Ww=' }],
  ['size alone', { properties: ['size'] }, { size: 45 }],
  ['the flags when they are named', { properties: ['isEncodingProblem', 'isTruncated'] }, { isEncodingProblem: false, isTruncated: false }],
])('Blob/get gives %s', async (_what, args, expected) => {
  const blobId = await client.upload(FOX);
  const { list } = await call('Blob/get', { ids: [blobId], ...args });
  expect(list).toEqual([{ id: blobId, ...expected }]);
});

test('octets that are no text are base64, and text that is asked for all the same is null', async () => {
  const blobId = await client.upload(Uint8Array.of(0x61, 0x81, 0x62));
  const [data, text, part] = await calls([
    ['Blob/get', { ids: [blobId] }],
    ['Blob/get', { ids: [blobId], properties: ['data:asText'] }],
    ['Blob/get', { ids: [blobId], offset: 2 }],
  ]);
  expect(data?.list).toEqual([{ id: blobId, 'data:asBase64': 'YYFi', size: 3, isEncodingProblem: true }]);
  expect(text?.list).toEqual([{ id: blobId, 'data:asText': null, isEncodingProblem: true }]);
  expect(part?.list).toEqual([{ id: blobId, 'data:asText': 'b', size: 3 }]);
});

test('a character cut by the range is an encoding problem', async () => {
  const blobId = await client.upload('aü');
  expect((await call('Blob/get', { ids: [blobId], length: 2 })).list).toEqual([
    { id: blobId, 'data:asBase64': 'YcM=', size: 3, isEncodingProblem: true },
  ]);
});

test('blobs that are not there are named, and arguments that are none refused', async () => {
  const gone = `G${'0'.repeat(64)}`;
  expect(await call('Blob/get', { ids: [gone, 'x', gone] })).toMatchObject({ list: [], notFound: [gone, 'x'] });
  for (const wrong of [
    { ids: null },
    { properties: ['digest:md5'] },
    { properties: ['name'] },
    { offset: -1 },
    { length: '1' },
    { more: 1 },
  ])
    expect(await call('Blob/get', { ids: [], ...wrong })).toMatchObject({ type: 'invalidArguments' });
});

test('the part of a message is shown decoded, with the size it has then', async () => {
  const raw = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n${btoa(FOX)}\r\n--b--\r\n`;
  const { id } = await client.import(raw, inbox);
  const { attachments } = await client.email(id, { properties: ['attachments'] });
  const [{ blobId }] = attachments as [{ blobId: string }];
  const [got, made] = await calls([
    ['Blob/get', { ids: [blobId], offset: 4, length: 5, properties: ['data', 'size', 'digest:sha'] }],
    ['Blob/upload', { create: { k: { data: [{ blobId, offset: 40 }] } } }],
  ]);
  expect(got?.list).toEqual([{ id: blobId, 'data:asText': 'quick', size: 45, 'digest:sha': expect.any(String) }]);
  expect(made?.created).toMatchObject({ k: { size: 5 } });
});

test('more octets than one answer can hold are refused, and their digest is made as they stream by', async () => {
  const request = new Request(ORIGIN, { method: 'POST', body: new Source(20 * 1024 * 1024).stream });
  const { blobId } = (await (await answerUpload(new Watched().env, client.account, client.accountId, request)).json()) as {
    blobId: string;
  };
  expect(await call('Blob/get', { ids: [blobId] })).toMatchObject({ type: 'requestTooLarge' });
  const digest = btoa(String.fromCharCode(...(blobId.slice(1).match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))));
  expect((await call('Blob/get', { ids: [blobId], properties: ['digest:sha-256'] })).list).toEqual([
    { id: blobId, 'digest:sha-256': digest },
  ]);
}, 60_000);

test('Blob/lookup tells which emails, threads and mailboxes a blob or a part is in', async () => {
  const raw = `Message-ID: <lookup@x>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: application/x\r\n\r\nlooked up\r\n--b--\r\n`;
  const first = await client.import(raw, inbox);
  const drafts = (await client.roles()).drafts ?? '';
  const second = await client.import(raw, drafts);
  const { attachments } = await client.email(first.id, { properties: ['attachments'] });
  const [{ blobId: part }] = attachments as [{ blobId: string }];
  const unused = await client.upload('nothing points to this');
  const typeNames = ['Mailbox', 'Thread', 'Email'];
  const { list, notFound } = await call('Blob/lookup', {
    typeNames,
    ids: [first.blobId, part, `${part.slice(0, -1)}q`, unused, 'not-a-blob'],
  });
  const all = { Mailbox: [inbox, drafts], Thread: [first.threadId], Email: [first.id, second.id] };
  const none = { Mailbox: [], Thread: [], Email: [] };
  expect(list).toEqual([
    { id: first.blobId, matchedIds: all },
    { id: part, matchedIds: all },
    { id: `${part.slice(0, -1)}q`, matchedIds: none },
    { id: unused, matchedIds: none },
  ]);
  expect(notFound).toEqual(['not-a-blob']);
  await client.call('Email/set', { destroy: [first.id, second.id] });
  expect(await call('Blob/lookup', { typeNames: ['Email'], ids: [part] })).toMatchObject({
    list: [{ id: part, matchedIds: { Email: [] } }],
  });
});

test('a blob of another account is like none', async () => {
  const other = await makeClient();
  const { blobId } = await client.import('Subject: mine\r\n\r\nx', inbox);
  const [got, looked, made] = await calls(
    [
      ['Blob/get', { ids: [blobId] }],
      ['Blob/lookup', { typeNames: ['Email'], ids: [blobId] }],
      ['Blob/upload', { create: { k: { data: [{ blobId }] } } }],
    ],
    undefined,
    other,
  );
  expect(got).toMatchObject({ list: [], notFound: [blobId] });
  expect(looked).toMatchObject({ list: [{ id: blobId, matchedIds: { Email: [] } }], notFound: [] });
  expect(made).toMatchObject({ created: null, notCreated: { k: { type: 'blobNotFound' } } });
});

test('a type without a look-up, or whose capability is not used, is unknownDataType', async () => {
  expect(await call('Blob/lookup', { typeNames: ['Email', 'Identity'], ids: [] })).toMatchObject({ type: 'unknownDataType' });
  expect(await calls([['Blob/lookup', { typeNames: ['Email'], ids: [] }]], [CORE, BLOB])).toMatchObject([{ type: 'unknownDataType' }]);
  expect(await calls([['Blob/get', { ids: [] }]], [CORE, MAIL])).toMatchObject([{ type: 'unknownMethod' }]);
});

test('a blob made in the request is attached, imported and parsed by its creation id', async () => {
  const [, set, imported, parsed] = await calls([
    ['Blob/upload', { create: { m: { data: [{ 'data:asText': 'Subject: by reference\r\n\r\nx' }], type: 'message/rfc822' } } }],
    ['Email/set', { create: { e: { mailboxIds: { [inbox]: true }, attachments: [{ blobId: '#m', type: 'message/rfc822' }] } } }],
    ['Email/import', { emails: { i: { blobId: '#m', mailboxIds: { [inbox]: true } } } }],
    ['Email/parse', { blobIds: ['#m'], properties: ['subject'] }],
  ]);
  expect([set?.notCreated, imported?.notCreated]).toEqual([null, null]);
  expect(parsed?.parsed).toEqual({ '#m': { subject: 'by reference' } });
});
