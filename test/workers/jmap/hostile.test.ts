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
import { VALID_CALLS } from './valid-calls.ts';

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
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '"', '"*', "'", '\\', '\0', '%', '\ud83d\ude00', '天气', 'NEAR(', 'a OR b', 'x'.repeat(100_000), '*'.repeat(1000)),
  fc.constantFrom('header:X:asAddresses:all', 'keywords/a/b', '2020-02-30T00:00:00Z', 'text/html', 'multipart/mixed', 'i;octet', 'AND'),
);
const number = fc.oneof(fc.integer(), fc.constantFrom(-1, 0, 1, 2 ** 31, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 0.5, 1e300));
const many = fc.constantFrom<unknown>(
  Array(GET_OBJECTS_MAX + 1).fill('M1'),
  Array.from({ length: GET_OBJECTS_MAX + 1 }, (_, index) => `M${index}`),
  Object.fromEntries(Array.from({ length: GET_OBJECTS_MAX + 1 }, (_, index) => [`M${index}`, {}])),
);
const value = fc.oneof(
  { arbitrary: fc.jsonValue({ maxDepth: 3 }), weight: 2 },
  { arbitrary: id, weight: 3 },
  { arbitrary: fc.array(id, { maxLength: 5 }), weight: 2 },
  { arbitrary: text, weight: 3 },
  { arbitrary: number, weight: 2 },
  { arbitrary: fc.boolean(), weight: 1 },
  { arbitrary: fc.constant(null), weight: 1 },
  { arbitrary: many, weight: 1 },
);

type Json = Record<string, unknown>;

/** One change of a call's arguments: somewhere, a value put, taken away, or added under a name. */
const change = fc.record({ at: fc.nat(), how: fc.constantFrom('put', 'put', 'put', 'remove', 'add'), name: fc.oneof(id, text), value });
const REFERENCE = { resultOf: 'c0', name: 'Email/query', path: '/ids' };
const call = fc.record({
  method: fc.constantFrom(...METHODS.keys()),
  changes: fc.array(change, { maxLength: 3 }),
  reference: fc.option(
    fc.record({
      name: fc.constantFrom('ids', 'emailIds', 'destroy', 'blobIds'),
      path: fc.constantFrom('/ids', '/list/*/id', '', '/', '/created/k/id', '/*/*/*', 'x', '/~2'),
      resultOf: fc.constantFrom('c0', 'c1', 'c2', 'nobody'),
      method: fc.constantFrom(...METHODS.keys()),
    }),
    { freq: 6 },
  ),
});
type Drawn = typeof call extends fc.Arbitrary<infer T> ? T : never;

/** Every place in a JSON value: the container and the name in it. */
function places(json: unknown): { container: Json; name: string }[] {
  if (typeof json !== 'object' || json === null) return [];
  const container = json as Json;
  return Object.keys(container).flatMap((name) => [{ container, name }, ...places(container[name])]);
}

function argumentsOf({ method, changes, reference }: Drawn): Json {
  const args = structuredClone(VALID_CALLS[method] ?? {}) as Json;
  for (const { at, how, name, value: drawn } of changes) {
    // Its own copy: a value drawn twice must not end up inside itself.
    const value = structuredClone(drawn);
    const all = places(args);
    const place = all[at % Math.max(1, all.length)];
    if (!place || how === 'add')
      Object.defineProperty(place?.container ?? args, name, { value, enumerable: true, configurable: true, writable: true });
    else if (how === 'put') place.container[place.name] = value;
    else delete place.container[place.name];
  }
  if (reference) {
    delete args[reference.name];
    args[`#${reference.name}`] = { ...REFERENCE, resultOf: reference.resultOf, name: reference.method, path: reference.path };
  }
  return args;
}

function requestOf(calls: readonly [string, Json][]): string {
  const methodCalls = calls.map(([name, args], index) => {
    const hasAccount = !name.startsWith('PushSubscription/');
    return [name, hasAccount ? { accountId: client.accountId, ...args } : args, `c${index}`];
  });
  return JSON.stringify({ using: [...SUPPORTED], methodCalls, createdIds: { k: blobId } });
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

async function expectNoFailure(calls: readonly [string, Json][]): Promise<void> {
  const responses = await answerTo(requestOf(calls));
  const failed = responses.filter(([, answer]) => JSON.stringify(answer).includes('"serverFail"'));
  expect(failed, JSON.stringify(calls).slice(0, 2000)).toEqual([]);
}

test('every method there is has a call to begin with, which does not fail', async () => {
  expect([...METHODS.keys()].filter((name) => !Object.hasOwn(VALID_CALLS, name))).toEqual([]);
  await expectNoFailure(Object.entries(VALID_CALLS).slice(0, CALLS_MAX));
  await expectNoFailure(Object.entries(VALID_CALLS).slice(CALLS_MAX));
});

test('whatever is put, taken away or added anywhere in a call, no answer is a failure of ours', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 8 }), (drawn) =>
      expectNoFailure(drawn.map((one): [string, Json] => [one.method, argumentsOf(one)])),
    ),
    { numRuns: 150 },
  );
}, 180_000);

const NONSENSE = [null, true, -1, 0.5, '', '\0', {}, [], [null], { '': null }, { a: { b: {} } }, [{}], 'F1'];

/** Kinds of nonsense that each place is given; the next place begins with the next kind, so that every method gets all. */
const KINDS_A_PLACE = 3;

test('every place in a call of every method takes nonsense', async () => {
  const calls = [...METHODS.keys()].flatMap((method) =>
    places(VALID_CALLS[method]).flatMap((_place, at) =>
      Array.from({ length: KINDS_A_PLACE }, (_, turn): [string, Json] => {
        const value = NONSENSE[(at * KINDS_A_PLACE + turn) % NONSENSE.length];
        return [method, argumentsOf({ method, changes: [{ at, how: 'put', name: '', value }], reference: null })];
      }),
    ),
  );
  for (let at = 0; at < calls.length; at += CALLS_MAX) await expectNoFailure(calls.slice(at, at + CALLS_MAX));
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
    { numRuns: 120 },
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
