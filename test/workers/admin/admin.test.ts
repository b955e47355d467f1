import { env } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { DEFAULT_MAILBOXES } from '../../../shared/roles.ts';
import { makeVerifier, SCRAM_ITERATIONS_MIN, type Verifier } from '../../../shared/scram.ts';
import { toHex } from '../../../shared/signing.ts';
import { app } from '../../../workers/app.ts';
import type { Env } from '../../../workers/env.ts';
import { openDirectory } from '../../../workers/store/directory/index.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import { ORIGIN, postJson, scramLogin } from '../../support/directory.ts';

const TOKEN = 'the-admin-token';
let bindings: Env;
let verifier: Verifier;

beforeAll(async () => {
  bindings = { ...env, ADMIN_TOKEN_SHA256: await hexDigest(TOKEN) };
  verifier = await makeVerifier('secret', undefined, SCRAM_ITERATIONS_MIN);
  await admin('PUT', '/domains/example.test', {});
});

async function hexDigest(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))));
}

function request(method: string, path: string, body: unknown, using: Env, authorization: string): Promise<Response> {
  const init = { method, headers: { authorization }, body: body === undefined ? undefined : JSON.stringify(body) };
  return Promise.resolve(app.request(`${ORIGIN}/admin${path}`, init, using));
}

const admin = (method: string, path: string, body?: unknown, using = bindings) => request(method, path, body, using, `Bearer ${TOKEN}`);
const addAccount = (address: string, extra: object = {}) => admin('POST', '/accounts', { address, verifier, ...extra });
async function detail(answer: Response): Promise<string> {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  return (await answer.json<{ detail: string }>()).detail;
}

test('only the admin token opens the admin API, and without one set it is off', async () => {
  for (const wrong of ['Bearer wrong', 'Bearer ', `Basic ${TOKEN}`, '']) {
    const answer = await request('GET', '/domains', undefined, bindings, wrong);
    expect(answer.status, wrong).toBe(401);
  }
  expect((await admin('GET', '/domains', undefined, { ...bindings, ADMIN_TOKEN_SHA256: undefined })).status).toBe(404);
  expect((await admin('GET', '/domains', undefined, { ...bindings, ADMIN_TOKEN_SHA256: '' })).status).toBe(404);
  expect((await admin('GET', '/domains')).status).toBe(200);
  expect((await admin('GET', '/nothing')).status).toBe(404);
});

test('the first account of a domain becomes its postmaster', async () => {
  const made = await addAccount('First@Example.test', { name: 'The First', quota: 1_000_000 });
  expect(made.status).toBe(201);
  expect(await made.json()).toMatchObject({ address: 'first@example.test', name: 'The First', quota: 1_000_000 });
  await addAccount('second@example.test');
  const { domains } = await (await admin('GET', '/domains')).json<{ domains: object[] }>();
  expect(domains).toContainEqual(
    expect.objectContaining({ name: 'example.test', postmaster: 'first@example.test', mtaStsMode: 'testing' }),
  );
});

test('an account is refused when its domain is not ours, its address is taken or it has a detail', async () => {
  expect(await detail(await addAccount('me@elsewhere.test'))).toContain('posthouse domain add elsewhere.test');
  expect((await addAccount('taken@example.test')).status).toBe(201);
  expect((await addAccount('TAKEN@example.test')).status).toBe(409);
  expect((await addAccount('me+x@example.test')).status).toBe(422);
});

test('an account is born with its mailboxes, and its quota is counted where its mail is', async () => {
  const { id } = await (await addAccount('born@example.test')).json<{ id: number }>();
  const account = await openDirectory(bindings).account(id);
  if (!account) throw new Error('not there');
  const roles = (await openMail(bindings, account).mailboxes()).map(({ role }) => role);
  expect(roles).toEqual(DEFAULT_MAILBOXES.map(({ role }) => role));
  const changed = await admin('PATCH', '/accounts/born@example.test', { name: 'Born', quota: 5000 });
  expect(await changed.json()).toMatchObject({ name: 'Born', quota: 5000 });
  const row = await bindings.MAIL_0.prepare('SELECT quota FROM account WHERE id = ?').bind(id).first();
  expect(row).toEqual({ quota: 5000 });
  expect(await (await admin('PATCH', '/accounts/born@example.test', { quota: null })).json()).toMatchObject({ name: 'Born', quota: null });
});

test('a password replaces the one before and keeps the salt', async () => {
  await addAccount('change@example.test');
  const { salt, iterations } = await (await admin('GET', '/accounts/change%40example.test')).json<Verifier>();
  const changed = await makeVerifier('new secret', salt, iterations);
  expect((await admin('PUT', '/accounts/change@example.test/password', { verifier: changed })).status).toBe(204);
  const login = async (password: string) =>
    (await scramLogin((path, body) => postJson(bindings, path, body), 'change@example.test', password)).json<{ status: string }>();
  expect((await login('new secret')).status).toBe('ok');
  expect((await login('secret')).status).toBe('failed');
  const other = await makeVerifier('new secret', undefined, iterations);
  expect((await admin('PUT', '/accounts/change@example.test/password', { verifier: other })).status).toBe(409);
});

test('app passwords are added, listed without their secret, and removed', async () => {
  await addAccount('apps@example.test');
  const path = '/accounts/apps@example.test/app-passwords';
  const body = { label: 'phone', verifier, secretSha256: await hexDigest('secret of the phone') };
  const { id } = await (await admin('POST', path, body)).json<{ id: number }>();
  expect((await admin('POST', path, body)).status).toBe(409);
  const list = await (await admin('GET', path)).text();
  expect(JSON.parse(list).appPasswords).toEqual([{ id, label: 'phone', createdAt: expect.any(Number), lastUsedAt: null }]);
  expect(list).not.toContain(body.secretSha256);
  expect((await admin('DELETE', `/accounts/first@example.test/app-passwords/${id}`)).status).toBe(404);
  expect((await admin('DELETE', `${path}/${id}`)).status).toBe(204);
  expect((await admin('DELETE', `${path}/${id}`)).status).toBe(404);
});

test('an account has at most 32 credentials, because one login tries them all', async () => {
  await addAccount('many@example.test');
  const statuses: number[] = [];
  for (let i = 0; i < 32; i++) {
    const secretSha256 = await hexDigest(`many ${i}`);
    statuses.push((await admin('POST', '/accounts/many@example.test/app-passwords', { label: 'x', verifier, secretSha256 })).status);
  }
  expect(statuses.filter((status) => status === 201)).toHaveLength(31);
  expect(statuses.at(-1)).toBe(409);
});

test('aliases, catch-alls and blocked addresses come and go; the same one twice is one', async () => {
  await addAccount('owner@example.test');
  const put = (address: string, body: object) => admin('PUT', `/aliases/${encodeURIComponent(address)}`, body);
  expect((await put('info@example.test', { account: 'owner@example.test' })).status).toBe(201);
  expect((await put('info@example.test', { account: 'owner@example.test' })).status).toBe(200);
  expect(await detail(await put('info@example.test', { account: 'first@example.test' }))).toContain('taken by owner@example.test');
  expect((await put('owner@example.test', { account: 'first@example.test' })).status).toBe(409);
  expect((await put('@example.test', { account: 'owner@example.test' })).status).toBe(201);
  expect((await put('bad@example.test', { blocked: true })).status).toBe(201);
  expect((await put('@example.test', { blocked: true })).status).toBe(422);
  expect((await put('x@elsewhere.test', { account: 'owner@example.test' })).status).toBe(422);
  expect((await put('x@example.test', { account: 'nobody@example.test' })).status).toBe(422);
  const { aliases } = await (await admin('GET', '/aliases?account=owner@example.test')).json<{ aliases: { address: string }[] }>();
  expect(aliases.map(({ address }) => address)).toEqual(['@example.test', 'info@example.test']);
  const remove = (address: string) => admin('DELETE', `/aliases/${encodeURIComponent(address)}`);
  expect((await remove('owner@example.test')).status).toBe(404);
  for (const address of ['info@example.test', '@example.test', 'bad@example.test']) expect((await remove(address)).status).toBe(204);
});

test('a receiver is one by name and key, can be revoked once, and its name is free again', async () => {
  const add = (key: string, name = 'vps') => admin('POST', '/receivers', { name, hostname: 'MX1.example.test', key });
  const { id } = await (await add('1'.repeat(64))).json<{ id: number }>();
  expect(await (await add('1'.repeat(64))).json()).toMatchObject({ id });
  expect((await add('2'.repeat(64))).status).toBe(409);
  const list = await (await admin('GET', '/receivers')).text();
  expect(list).toContain('mx1.example.test');
  expect(list).not.toContain('1'.repeat(64));
  expect((await admin('DELETE', `/receivers/${id}`)).status).toBe(204);
  expect((await admin('DELETE', `/receivers/${id}`)).status).toBe(404);
  expect(await openDirectory(bindings).receiver(id)).toBeNull();
  expect((await add('2'.repeat(64))).status).toBe(201);
});

test('the relay takes a key and never shows it', async () => {
  const set = (body: object, using = bindings) => admin('PUT', '/relay', body, using);
  expect(await (await admin('GET', '/relay')).json()).toEqual({ kind: null });
  expect((await set({ kind: 'file' })).status).toBe(422);
  expect((await set({ kind: 'resend' })).status).toBe(422);
  expect((await set({ kind: 'resend', apiKey: 're_1', apiUrl: 'http://relay.test' })).status).toBe(422);
  expect((await set({ kind: 'smoke' })).status).toBe(422);
  const answer = await set({ kind: 'resend', apiKey: 're_secret', apiUrl: 'http://127.0.0.1:9999/' });
  expect(await answer.json()).toEqual({ kind: 'resend', apiUrl: 'http://127.0.0.1:9999', hasKey: true });
  expect(await (await admin('GET', '/relay')).text()).not.toContain('re_secret');
  expect(await openDirectory(bindings).relay()).toEqual({ kind: 'resend', apiUrl: 'http://127.0.0.1:9999', apiKey: 're_secret' });
});

test('a postmaster cannot be removed; anyone else is gone at once', async () => {
  await admin('PUT', '/domains/other.test', {});
  await addAccount('boss@other.test');
  await addAccount('leaver@other.test');
  expect(await detail(await admin('DELETE', '/accounts/boss@other.test'))).toContain('postmaster of other.test');
  expect((await admin('DELETE', '/accounts/leaver@other.test')).status).toBe(204);
  expect((await admin('GET', '/accounts/leaver@other.test')).status).toBe(404);
  expect((await addAccount('leaver@other.test')).status).toBe(201);
  expect((await admin('DELETE', '/domains/other.test')).status).toBe(409);
});

test('a domain takes a postmaster and a policy, and goes when it is empty', async () => {
  const change = { postmaster: 'first@example.test', mtaStsMode: 'enforce', mtaStsMaxAge: 604_800 };
  expect((await admin('PUT', '/domains/Third.test', change)).status).toBe(201);
  expect(await (await admin('GET', '/domains/third.test')).json()).toMatchObject({ name: 'third.test', ...change });
  expect(await (await admin('PUT', '/domains/third.test', {})).json()).toMatchObject(change);
  for (const wrong of [{ mtaStsMode: 'x' }, { mtaStsMaxAge: -1 }, { mtaStsMaxAge: '1' }, { postmaster: 'nobody@example.test' }])
    expect((await admin('PUT', '/domains/third.test', wrong)).status).toBe(422);
  expect((await admin('DELETE', '/domains/third.test')).status).toBe(204);
  expect((await admin('GET', '/domains/third.test')).status).toBe(404);
});

test('whatever is sent, the answer is a 4xx with a reason', async () => {
  const wrong = [
    undefined,
    null,
    [],
    'x',
    7,
    {},
    { address: 1 },
    { address: 'x@example.test' },
    { address: 'x@example.test', verifier: 1 },
  ];
  const verifiers = [{}, { ...verifier, salt: '!' }, { ...verifier, iterations: 1 }, { ...verifier, storedKey: 'AAAA' }];
  for (const body of [...wrong, ...verifiers.map((v) => ({ address: 'x@example.test', verifier: v }))]) {
    const answer = await admin('POST', '/accounts', body);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect((await detail(answer)).length).toBeGreaterThan(10);
  }
  expect((await admin('POST', '/accounts', { address: 'x'.repeat(20_000) })).status).toBe(400);
  for (const path of ['/accounts/%20', '/accounts/nobody', '/accounts/%00@example.test', '/domains/a%20b', '/aliases/@'])
    expect([404, 422]).toContain((await admin('DELETE', path)).status);
  expect((await admin('GET', '/accounts?after=x')).status).toBe(200);
});
