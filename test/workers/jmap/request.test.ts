import { env } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { CALLS_MAX, CORE, MAIL } from '../../../shared/jmap/capabilities.ts';
import { app } from '../../../workers/app.ts';
import { runRequest } from '../../../workers/jmap/dispatch.ts';
import { ORIGIN } from '../../support/directory.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
beforeAll(async () => {
  client = await makeClient();
});

test('discovery leads to the session', async () => {
  const answer = await app.request(`${ORIGIN}/.well-known/jmap`, {}, env);
  expect([answer.status, answer.headers.get('location')]).toEqual([307, '/jmap/session']);
});

test('nobody gets in without a credential', async () => {
  for (const path of ['/jmap/session', '/jmap/ws', '/jmap/download/A1/G1/x'])
    expect((await app.request(`${ORIGIN}${path}`, {}, env)).status).toBe(401);
  for (const path of ['/jmap/api', '/jmap/upload/A1/'])
    expect((await app.request(`${ORIGIN}${path}`, { method: 'POST' }, env)).status).toBe(401);
});

test('the session has every field of RFC 8620 section 2, with absolute URLs', async () => {
  const session = (await (await client.fetch('/jmap/session')).json()) as Record<string, never>;
  expect(Object.keys(session).sort()).toEqual(
    ['accounts', 'apiUrl', 'capabilities', 'downloadUrl', 'eventSourceUrl', 'primaryAccounts', 'state', 'uploadUrl', 'username'].sort(),
  );
  expect(session).toMatchObject({
    apiUrl: `${ORIGIN}/jmap/api`,
    uploadUrl: `${ORIGIN}/jmap/upload/{accountId}/`,
    username: client.account.address,
    primaryAccounts: { [MAIL]: client.accountId },
    accounts: { [client.accountId]: { name: client.account.address, isPersonal: true, isReadOnly: false } },
  });
  expect(session.primaryAccounts).not.toHaveProperty(CORE);
  for (const variable of ['{accountId}', '{blobId}', '{name}', '{type}']) expect(session.downloadUrl).toContain(variable);
  for (const variable of ['{types}', '{closeafter}', '{ping}']) expect(session.eventSourceUrl).toContain(variable);
  const { sessionState } = await client.request([['Core/echo', {}]]);
  expect(sessionState).toBe(session.state);
});

async function problemOf(body: BodyInit, type?: string): Promise<[number, string, string?]> {
  const answer = await client.post(body, type);
  const { type: problem, limit } = (await answer.json()) as { type: string; limit?: string };
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const name = problem.replace('urn:ietf:params:jmap:error:', '');
  return limit === undefined ? [answer.status, name] : [answer.status, name, limit];
}

test('what is no request is refused as a whole, with the problem RFC 8620 section 3.6.1 names', async () => {
  const request = { using: [CORE], methodCalls: [] as unknown[] };
  expect(await problemOf(JSON.stringify(request), 'text/plain')).toEqual([400, 'notJSON']);
  expect(await problemOf('{"using": [')).toEqual([400, 'notJSON']);
  expect(await problemOf(new Uint8Array([0x22, 0xff, 0x22]))).toEqual([400, 'notJSON']);
  expect(await problemOf('[]')).toEqual([400, 'notRequest']);
  expect(await problemOf(JSON.stringify({ ...request, using: ['urn:x'] }))).toEqual([400, 'unknownCapability']);
  const many = Array(CALLS_MAX + 1).fill(['Core/echo', {}, 'c']);
  expect(await problemOf(JSON.stringify({ ...request, methodCalls: many }))).toEqual([400, 'limit', 'maxCallsInRequest']);
  expect(await problemOf(`${' '.repeat(10_000_001)}`)).toEqual([400, 'limit', 'maxSizeRequest']);
});

test('calls run in order, and one that fails does not end the others', async () => {
  const { methodResponses } = await client.request([
    ['Core/echo', { hello: true, __proto__: 1 }, 'a'],
    ['No/such', {}, 'b'],
    ['Core/echo', { '#x': { resultOf: 'a', name: 'Core/echo', path: '/hello' } }, 'c'],
    ['Core/echo', { '#x': { resultOf: 'b', name: 'Core/echo', path: '/hello' } }, 'd'],
    ['Mailbox/get', { accountId: 'A999999' }, 'e'],
    ['Mailbox/get', { accountId: 7 }, 'f'],
    ['Mailbox/get', { extra: 7 }, 'g'],
  ]);
  const { accountId } = client;
  expect(methodResponses.map(([name, args, id]) => [name, name === 'error' ? args.type : args, id])).toEqual([
    ['Core/echo', { accountId, hello: true }, 'a'],
    ['error', 'unknownMethod', 'b'],
    ['Core/echo', { accountId, x: true }, 'c'],
    ['error', 'invalidResultReference', 'd'],
    ['error', 'accountNotFound', 'e'],
    ['error', 'invalidArguments', 'f'],
    ['error', 'invalidArguments', 'g'],
  ]);
});

test('a method whose capability is not used does not exist', async () => {
  const answer = await client.post(JSON.stringify({ using: [CORE], methodCalls: [['Mailbox/get', { accountId: client.accountId }, 'c']] }));
  expect(await answer.json()).toMatchObject({ methodResponses: [['error', { type: 'unknownMethod' }, 'c']] });
});

test('created ids are given back when the request has them', async () => {
  const echo: [string, Record<string, unknown>][] = [['Core/echo', {}]];
  expect((await client.request(echo)).createdIds).toBeUndefined();
  expect((await client.request(echo, { createdIds: { a: 'M1' } })).createdIds).toEqual({ a: 'M1' });
});

/** What a write answers when every batch of the mail database fails in this way. */
async function writeWhile(failure: string): Promise<unknown> {
  const broken = new Proxy(env.MAIL_0, {
    get: (database, property) => {
      if (property === 'batch') return () => Promise.reject(new Error(failure));
      const value: unknown = Reflect.get(database, property);
      return typeof value === 'function' ? value.bind(database) : value;
    },
  });
  const args = { accountId: client.accountId, create: { k: { name: 'New' } } };
  const request = { using: [CORE, MAIL], methodCalls: [['Mailbox/set', args, 'c'] as [string, typeof args, string]], createdIds: null };
  const { methodResponses } = await runRequest({ ...env, MAIL_0: broken }, client.account, request);
  return methodResponses;
}

test('an account that stays busy is serverUnavailable, a fault of ours serverFail', async () => {
  const conflict = 'D1_ERROR: NOT NULL constraint failed: account.modseq';
  expect(await writeWhile(conflict)).toEqual([['error', { type: 'serverUnavailable', description: 'the account is busy' }, 'c']]);
  expect(await writeWhile('the disk is gone')).toEqual([['error', { type: 'serverFail', description: expect.any(String) }, 'c']]);
});

test.each([
  ['Email/copy', { create: {} }],
  ['Blob/copy', { blobIds: [] }],
])('%s has no account to copy from', async (name, args) => {
  expect(await client.errorOf(name, { ...args, fromAccountId: 'A999' })).toBe('fromAccountNotFound');
  expect(await client.errorOf(name, { ...args, fromAccountId: client.accountId })).toBe('invalidArguments');
  expect(await client.errorOf(name, { ...args, fromAccountId: client.accountId, accountId: 'A999' })).toBe('accountNotFound');
  expect(await client.errorOf(name, { fromAccountId: 'A999' })).toBe('invalidArguments');
});
