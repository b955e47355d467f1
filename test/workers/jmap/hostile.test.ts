/**
 * Bad input through the whole API: drawn and mutated requests to every method there is. Whatever comes, the answer is a
 * Response or a problem document, never a 500 and never a serverFail (RFC 8620 §3.6).
 */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { CALLS_MAX, GET_OBJECTS_MAX } from '../../../shared/jmap/capabilities.ts';
import { METHODS } from '../../../workers/jmap/methods/table.ts';
import { SUPPORTED } from '../../../workers/jmap/session.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
let blobId: string;
beforeAll(async () => {
  client = await makeClient();
  const { inbox } = await client.roles();
  await client.call('Identity/get', { ids: null });
  for (const keyword of ['a', 'b', 'c']) {
    const raw = `Message-ID: <${keyword}@x>\r\nFrom: a@example.test\r\nSubject: ${keyword}\r\n\r\nbody of ${keyword}`;
    blobId = (await client.import(raw, inbox ?? '', { keywords: { [keyword]: true } })).blobId;
  }
});

/** Every argument that some method knows. */
const NAMES = [
  ...['ids', 'properties', 'filter', 'sort', 'limit', 'position', 'anchor', 'anchorOffset', 'calculateTotal', 'collapseThreads'],
  ...['create', 'update', 'destroy', 'ifInState', 'sinceState', 'maxChanges', 'sinceQueryState', 'upToId', 'emails', 'blobIds'],
  ...['fromAccountId', 'ifFromInState', 'onSuccessDestroyOriginal', 'destroyFromIfInState', 'bodyProperties', 'fetchTextBodyValues'],
  ...['fetchHTMLBodyValues', 'fetchAllBodyValues', 'maxBodyValueBytes', 'emailIds', 'sortAsTree', 'filterAsTree', 'onDestroyRemoveEmails'],
  ...[
    'onSuccessUpdateEmail',
    'onSuccessDestroyEmail',
    'typeNames',
    'offset',
    'length',
    'identityId',
    'send',
    'accountId',
    '#ids',
    '#emailIds',
  ],
];

const IDS = [
  'M1',
  'M2',
  'M3',
  'F1',
  'F2',
  'T1',
  'I1',
  'S1',
  'P1',
  'M999',
  'singleton',
  '#k',
  '#',
  'G1',
  '__proto__',
  'constructor',
  'x'.repeat(256),
];
const id = fc.constantFrom(...IDS);
const reference = fc.record({
  resultOf: fc.constantFrom('c0', 'c1', 'c2', 'nobody'),
  name: fc.constantFrom(...METHODS.keys()),
  path: fc.constantFrom('/ids', '/list/*/id', '/list/*/mailboxIds', '', '/', '/created/k/id', '/methodResponses', '/*/*/*', 'x'),
});
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '"', '"*', "'", '\\', '\0', '%', '\ud83d\ude00', '天气', 'NEAR(', 'a OR b', 'x'.repeat(100_000), '*'.repeat(1000)),
);
const number = fc.oneof(fc.integer(), fc.constantFrom(-1, 0, 1, 2 ** 31, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 0.5, 1e300));
const condition = fc.dictionary(
  fc.constantFrom(
    ...[
      'inMailbox',
      'inMailboxOtherThan',
      'before',
      'after',
      'minSize',
      'maxSize',
      'hasKeyword',
      'notKeyword',
      'hasAttachment',
      'text',
      'from',
    ],
    ...[
      'body',
      'subject',
      'header',
      'allInThreadHaveKeyword',
      'parentId',
      'name',
      'role',
      'hasAnyRole',
      'isSubscribed',
      'emailIds',
      'undoStatus',
    ],
  ),
  fc.oneof(
    id,
    fc.array(id, { maxLength: 3 }),
    text,
    number,
    fc.boolean(),
    fc.constant('2020-01-01T00:00:00Z'),
    fc.tuple(text, text),
    fc.constant(null),
  ),
  { maxKeys: 3 },
);
const { filter } = fc.letrec((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4 },
    condition,
    fc.record({ operator: fc.constantFrom('AND', 'OR', 'NOT', 'XOR'), conditions: fc.array(tie('filter'), { maxLength: 4 }) }),
  ),
}));
const part = fc.dictionary(
  fc.constantFrom(
    'partId',
    'blobId',
    'type',
    'charset',
    'name',
    'cid',
    'size',
    'disposition',
    'language',
    'subParts',
    'header:X-A',
    'header:Content-Type',
  ),
  fc.oneof(
    text,
    number,
    fc.constantFrom<unknown>('t', 'text/plain', 'multipart/mixed', 'message/rfc822', 'G1', [], [{}], [{ partId: 't' }], null),
  ),
);
const record = fc.dictionary(
  fc.constantFrom(
    ...[
      'mailboxIds',
      'keywords',
      'receivedAt',
      'subject',
      'from',
      'bodyValues',
      'textBody',
      'htmlBody',
      'attachments',
      'bodyStructure',
      'name',
    ],
    ...[
      'parentId',
      'role',
      'sortOrder',
      'isSubscribed',
      'email',
      'replyTo',
      'emailId',
      'identityId',
      'envelope',
      'blobId',
      'data',
      'type',
      'id',
    ],
    ...[
      'url',
      'deviceClientId',
      'expires',
      'keys',
      'types',
      'isEnabled',
      'fromDate',
      'textBody',
      'forEmailId',
      'disposition',
      'header:X-A:asDate',
    ],
    ...['keywords/a', 'mailboxIds/F1', 'undoStatus', 'keywords/a~1b', 'mailboxIds/__proto__', '__proto__'],
  ),
  fc.oneof(
    text,
    number,
    part,
    fc.array(part, { maxLength: 3 }),
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(
      { F1: true },
      { F1: true, '#k': true },
      { t: { value: 'x' } },
      [{ email: 'a@b' }],
      [{ 'data:asText': 'x' }],
      'M1',
      'I1',
      null,
    ),
  ),
  { maxKeys: 5 },
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.array(id, { maxLength: 5 }),
  fc.constantFrom<unknown>(
    Array(GET_OBJECTS_MAX + 1).fill('M1'),
    Array.from({ length: GET_OBJECTS_MAX + 1 }, (_, index) => `M${index}`),
    null,
  ),
  fc.array(text, { maxLength: 3 }),
  filter,
  record,
  fc.dictionary(fc.oneof(id, fc.constantFrom('k', 'k2')), record, { maxKeys: 3 }),
  fc.array(
    fc.dictionary(
      fc.constantFrom('property', 'isAscending', 'collation', 'keyword'),
      fc.oneof(text, fc.boolean(), fc.constantFrom('subject', 'receivedAt', 'name')),
    ),
  ),
  reference,
  number,
  text,
  fc.boolean(),
  id,
);
const calls = fc.array(fc.tuple(fc.constantFrom(...METHODS.keys()), fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 5 })), {
  minLength: 1,
  maxLength: 5,
});

function requestOf(drawn: [string, Record<string, unknown>][]): string {
  const methodCalls = drawn.map(([name, args], index) => {
    const hasAccount = !name.startsWith('PushSubscription/');
    return [name, hasAccount ? { accountId: client.accountId, ...args } : args, `c${index}`];
  });
  return JSON.stringify({ using: [...SUPPORTED], methodCalls, createdIds: { k: 'M1' } });
}

/** The answer, which must be one of ours. */
async function answerTo(body: BodyInit): Promise<[string, { type?: string; status?: number }][]> {
  const answer = await client.post(body);
  const json = (await answer.json()) as { methodResponses?: [string, { type?: string }][]; type?: string };
  if (answer.status === 400) {
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(json.type).toMatch(/^urn:ietf:params:jmap:error:(notJSON|notRequest|unknownCapability|limit)$/);
    return [];
  }
  expect(answer.status).toBe(200);
  return json.methodResponses ?? [];
}

test('any request to any method is answered, and never by a failure of ours', async () => {
  await fc.assert(
    fc.asyncProperty(calls, async (drawn) => {
      const responses = await answerTo(requestOf(drawn));
      for (const [name, answer] of responses) {
        expect(name === 'error' ? answer.type : 'fine', JSON.stringify(drawn)).not.toBe('serverFail');
        expect(JSON.stringify(answer)).not.toContain('"serverFail"');
      }
    }),
    { numRuns: 250 },
  );
}, 180_000);

test('every method takes every kind of nonsense for each of its arguments', async () => {
  const nonsense = [
    null,
    true,
    -1,
    0.5,
    2 ** 53,
    '',
    '\0',
    {},
    [],
    [null],
    [[]],
    { '': null },
    { a: { b: {} } },
    ['x'.repeat(300)],
    [{}],
    'F1',
    { F1: null },
  ];
  for (const method of METHODS.keys()) {
    const drawn = nonsense.flatMap((each) =>
      NAMES.filter((name) => !name.startsWith('#')).map((name): [string, Record<string, unknown>] => [method, { [name]: each }]),
    );
    for (let at = 0; at < drawn.length; at += CALLS_MAX) {
      const responses = await answerTo(requestOf(drawn.slice(at, at + CALLS_MAX)));
      const failed = responses.filter(([, answer]) => JSON.stringify(answer).includes('"serverFail"'));
      expect(failed, JSON.stringify(drawn.slice(at, at + CALLS_MAX))).toEqual([]);
    }
  }
}, 180_000);

test('a request with octets changed, taken out or doubled is answered or refused as a whole', async () => {
  const request = () =>
    new TextEncoder().encode(
      requestOf([
        [
          'Email/query',
          { filter: { operator: 'AND', conditions: [{ inMailbox: 'F1' }, { text: 'body' }] }, sort: [{ property: 'receivedAt' }] },
        ],
        [
          'Email/get',
          { '#ids': { resultOf: 'c0', name: 'Email/query', path: '/ids' }, properties: ['subject', 'header:X-A:asText', 'bodyValues'] },
        ],
        [
          'Email/set',
          { update: { M1: { 'keywords/x': true, 'mailboxIds/F1': true } }, create: { n: { mailboxIds: { F1: true }, subject: 'ü' } } },
        ],
        ['Blob/get', { ids: [blobId], offset: 1, length: 3 }],
      ]),
    );
  const mutation = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.integer({ min: 0, max: 30 }),
    octets: fc.uint8Array({ maxLength: 4 }),
    doubles: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
      let octets = [...request()];
      for (const { at, length, octets: put, doubles } of mutations) {
        const start = Math.floor(at * octets.length);
        const cut = octets.slice(start, start + length);
        octets = [...octets.slice(0, start), ...put, ...(doubles ? [...cut, ...cut] : []), ...octets.slice(start + length)];
      }
      const responses = await answerTo(Uint8Array.from(octets));
      for (const [name, answer] of responses) if (name === 'error') expect(answer.type).not.toBe('serverFail');
    }),
    { numRuns: 200 },
  );
}, 120_000);

test.each([
  ['a lone surrogate', '{"using":["\\ud800"],"methodCalls":[]}', 'notJSON'],
  ['a name twice', '{"using":[],"using":[],"methodCalls":[]}', 'notJSON'],
  ['a name twice deep inside', '{"using":[],"methodCalls":[["Core/echo",{"a":{"b":1,"b":2}},"c"]]}', 'notJSON'],
  ['a number beyond every double', '{"using":[],"methodCalls":[["Core/echo",{"a":1e999},"c"]]}', 'notJSON'],
  ['a thousand levels', `{"using":[],"methodCalls":[["Core/echo",{"a":${'['.repeat(1000)}${']'.repeat(1000)}},"c"]]}`, 'notJSON'],
  ['two documents', '{}{}', 'notJSON'],
  ['a comment', '{"using":[],/**/"methodCalls":[]}', 'notJSON'],
  ['calls that are none', '{"using":[],"methodCalls":[["Core/echo",{}]]}', 'notRequest'],
  ['a call whose arguments are an array', '{"using":[],"methodCalls":[["Core/echo",[],"c"]]}', 'notRequest'],
])('a request with %s is refused', async (_what, body, problem) => {
  const answer = await client.post(body);
  expect([answer.status, await answer.json()]).toMatchObject([400, { type: `urn:ietf:params:jmap:error:${problem}`, status: 400 }]);
});

test('a byte order mark before the request is passed over, as RFC 8259 section 8.1 allows', async () => {
  expect((await client.post('\ufeff{"using":[],"methodCalls":[]}')).status).toBe(200);
});

test('references that lead in a circle, to later calls or to themselves lead nowhere', async () => {
  const to = (resultOf: string) => ({ resultOf, name: 'Core/echo', path: '/x' });
  const { methodResponses } = await client.request([
    ['Core/echo', { '#x': to('c0') }, 'c0'],
    ['Core/echo', { '#x': to('c2') }, 'c1'],
    ['Core/echo', { '#x': to('c1') }, 'c2'],
  ]);
  expect(methodResponses.map(([, { type }]) => type)).toEqual(Array(3).fill('invalidResultReference'));
});
