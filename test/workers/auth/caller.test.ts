import { env } from 'cloudflare:test';
import { Hono } from 'hono';
import { beforeAll, expect, test } from 'vitest';
import { HEADER_VERSION, type RecipientAnswer, type ScramFinishAnswer } from '../../../shared/protocol.ts';
import { SIGNATURE_WINDOW_MS } from '../../../shared/signing.ts';
import { app } from '../../../workers/app.ts';
import { readReceiver, readReceiverCall, readUserCall, readUserCallByReceiver } from '../../../workers/auth/caller.ts';
import type { Env } from '../../../workers/env.ts';
import { removeAppPassword } from '../../../workers/store/directory/credentials.ts';
import { revokeReceiver } from '../../../workers/store/directory/receivers.ts';
import { BRIDGE_UNUSED_MS, sweepTokens } from '../../../workers/store/directory/tokens.ts';
import {
  cookieOf,
  DEMO_PASSWORD,
  makeAccount,
  makeAlias,
  makeApiToken,
  makeAppPassword,
  makeBridgeToken,
  makeReceiver,
  ORIGIN,
  postJson,
  scramLogin,
  signedCall,
  signedRequest,
  type TestReceiver,
} from '../../support/directory.ts';

const APP_SECRET = 'abcdefghijklmnopqrstuvwx23';
let me: Awaited<ReturnType<typeof makeAccount>>;
let you: Awaited<ReturnType<typeof makeAccount>>;
let receiver: TestReceiver;

/** Doors that say who came through. */
const doors = new Hono<{ Bindings: Env }>()
  .post('/deposit', async (c) => {
    const call = await readReceiverCall(c);
    return call instanceof Response
      ? call
      : c.json({ receiver: call.receiver.id, header: call.frame.header, payload: call.frame.payload.length });
  })
  .put('/blob', async (c) => {
    const caller = await readReceiver(c);
    return caller instanceof Response ? caller : c.json({ receiver: caller.id, body: await c.req.text() });
  })
  .all('/bridge', async (c) => {
    const call = await readUserCallByReceiver(c);
    return call instanceof Response ? call : c.json({ ...call.caller, header: call.frame?.header });
  })
  .all('/user', async (c) => {
    const caller = await readUserCall(c);
    return caller instanceof Response ? caller : c.json(caller);
  });

beforeAll(async () => {
  me = await makeAccount(env, 'me@example.test');
  you = await makeAccount(env, 'you@example.test');
  await makeAlias(env, 'post@example.test', me.id);
  await makeAlias(env, '@example.test', me.id);
  await makeAppPassword(env, me, APP_SECRET);
  receiver = await makeReceiver(env, 'one');
});

const user = (headers: Record<string, string>, method = 'GET') => doors.request(`${ORIGIN}/user`, { method, headers }, env);
const basic = (name: string, password: string) => ({ authorization: `Basic ${btoa(`${name}:${password}`)}` });
const send = async (request: Promise<Request>) => doors.request(await request, undefined, env);

test("a signed frame is the receiver's, header and payload", async () => {
  const answer = await send(signedRequest(receiver, { path: '/deposit?x=1', header: { a: 'ü' }, payloads: [new Uint8Array(100_000)] }));
  expect(await answer.json()).toEqual({ receiver: receiver.id, header: { a: 'ü' }, payload: 100_000 });
});

test('a frame arrives whole when it comes in single octets', async () => {
  const whole = await signedRequest(receiver, { path: '/deposit', header: { a: 1 }, payloads: [new Uint8Array(9)] });
  const octets = new Uint8Array(await whole.clone().arrayBuffer());
  const body = new ReadableStream({
    start(controller) {
      for (const octet of octets) controller.enqueue(new Uint8Array([octet]));
      controller.close();
    },
  });
  const answer = await doors.request(new Request(whole.url, { method: 'POST', headers: whole.headers, body }), undefined, env);
  expect(await answer.json()).toEqual({ receiver: receiver.id, header: { a: 1 }, payload: 9 });
});

test('a body that is no frame is left alone', async () => {
  const answer = await send(signedRequest(receiver, { method: 'PUT', path: '/blob', body: 'octets' }));
  expect(await answer.json()).toEqual({ receiver: receiver.id, body: 'octets' });
});

test('a tampered header, path, method or key does not verify', async () => {
  const good = await signedRequest(receiver, { path: '/deposit', header: { a: 1 } });
  const octets = new Uint8Array(await good.clone().arrayBuffer());
  octets[octets.length - 2] = 0x32;
  const tampered = new Request(good.url, { method: 'POST', headers: good.headers, body: octets });
  expect((await doors.request(tampered, undefined, env)).status).toBe(401);
  const moved = new Request(`${good.url}?all`, { method: 'POST', headers: good.headers, body: await good.clone().arrayBuffer() });
  expect((await doors.request(moved, undefined, env)).status).toBe(401);
  expect((await send(signedRequest({ ...receiver, key: new Uint8Array(32) }, { path: '/deposit', header: {} }))).status).toBe(401);
  expect((await send(signedRequest({ ...receiver, id: 999 }, { path: '/deposit', header: {} }))).status).toBe(401);
});

test('a clock outside the window is told the time; inside it the call counts', async () => {
  const late = await send(signedRequest(receiver, { path: '/deposit', header: {}, skew: -SIGNATURE_WINDOW_MS - 5000 }));
  expect(late.status).toBe(401);
  expect(Math.abs(Date.parse(late.headers.get('date') ?? '') - Date.now())).toBeLessThan(5000);
  const near = await send(signedRequest(receiver, { path: '/deposit', header: {}, skew: SIGNATURE_WINDOW_MS - 5000 }));
  expect(near.status).toBe(200);
});

test('another protocol version is asked to upgrade', async () => {
  const answer = await send(signedRequest(receiver, { path: '/deposit', header: {}, headers: { [HEADER_VERSION]: '99' } }));
  expect(answer.status).toBe(426);
});

test('what is no frame is a 400, what announces too much a 413', async () => {
  for (const body of ['', 'abc', '\u0000\u0000\u0000\u0009{}', '\u007f\u007f\u007f\u007f{}'])
    expect((await send(signedRequest(receiver, { method: 'POST', path: '/deposit', body }))).status).toBe(400);
  const announced = await send(signedRequest(receiver, { path: '/deposit', header: {}, headers: { 'content-length': '999999999' } }));
  expect(announced.status).toBe(413);
});

test('a revoked receiver and its tokens count for nothing', async () => {
  const doomed = await makeReceiver(env, 'doomed');
  const token = await makeBridgeToken(env, me.id, doomed.id);
  expect((await send(signedRequest(doomed, { path: '/bridge', token }))).status).toBe(200);
  await revokeReceiver(env, doomed.id, Date.now());
  expect((await send(signedRequest(doomed, { path: '/bridge', token }))).status).toBe(401);
});

test('a login through a receiver gives a token that serves this receiver only', async () => {
  const other = await makeReceiver(env, 'other');
  const post = (path: string, header: unknown) => signedCall(env, receiver, { path, header });
  const { token } = await (await scramLogin(post, 'me@example.test', DEMO_PASSWORD)).json<ScramFinishAnswer & { token: string }>();
  const mine = await send(signedRequest(receiver, { path: '/bridge', token, header: { a: 1 } }));
  expect(await mine.json()).toMatchObject({ account: { id: me.id }, via: 'receiver', scope: 'full', header: { a: 1 } });
  expect((await send(signedRequest(other, { path: '/bridge', token }))).status).toBe(401);
  expect((await send(signedRequest(receiver, { path: '/bridge' }))).status).toBe(401);
  expect((await user({ authorization: `Bearer ${token}` })).status).toBe(401);
  expect((await user({ cookie: `__Host-posthouse=${token}` })).status).toBe(401);
});

test('a submit token says so, and a bearer token is none for a receiver', async () => {
  const submit = await makeBridgeToken(env, me.id, receiver.id, 'submit');
  expect(await (await send(signedRequest(receiver, { path: '/bridge', token: submit }))).json()).toMatchObject({ scope: 'submit' });
  const bearer = await makeApiToken(env, me.id);
  expect((await send(signedRequest(receiver, { path: '/bridge', token: bearer }))).status).toBe(401);
  expect(await (await user({ authorization: `Bearer ${bearer}` })).json()).toMatchObject({ via: 'bearer', account: { id: me.id } });
});

test('a bridge token lives on while it is used, and ends a day after its last use or after a month', async () => {
  const token = await makeBridgeToken(env, you.id, receiver.id);
  const use = async () => (await send(signedRequest(receiver, { path: '/bridge', token }))).status;
  const set = (column: string, at: number) =>
    env.DIRECTORY.prepare(`UPDATE token SET ${column} = ? WHERE account = ?`).bind(at, you.id).run();
  await set('unused_after', Date.now() + 60_000);
  expect(await use()).toBe(200);
  const row = await env.DIRECTORY.prepare('SELECT unused_after FROM token WHERE account = ?')
    .bind(you.id)
    .first<{ unused_after: number }>();
  expect(row?.unused_after).toBeGreaterThan(Date.now() + BRIDGE_UNUSED_MS - 60_000);
  await set('unused_after', Date.now() - 1);
  expect(await use()).toBe(401);
  await set('unused_after', Date.now() + 60_000);
  await set('expires_at', Date.now() - 1);
  expect(await use()).toBe(401);
});

test('tokens that ended are cleared away, and only those', async () => {
  const live = await makeApiToken(env, me.id);
  await env.DIRECTORY.prepare('UPDATE token SET expires_at = 1 WHERE account = ?').bind(you.id).run();
  await sweepTokens(env, Date.now(), 100);
  expect(await env.DIRECTORY.prepare('SELECT 1 FROM token WHERE account = ?').bind(you.id).first()).toBeNull();
  expect((await user({ authorization: `Bearer ${live}` })).status).toBe(200);
});

test('the session cookie writes only for the webmail itself', async () => {
  const web = (path: string, body: unknown) => postJson(env, path, body, { origin: ORIGIN });
  const cookie = cookieOf(await scramLogin(web, 'me@example.test', DEMO_PASSWORD, { session: 'cookie' }));
  expect(await (await user({ cookie })).json()).toMatchObject({ via: 'cookie', account: { id: me.id } });
  expect((await user({ cookie, origin: ORIGIN }, 'POST')).status).toBe(200);
  for (const headers of [{}, { origin: 'https://evil.test' }, { origin: 'null' }, { origin: 'http://mail.example.test' }])
    expect((await user({ cookie, ...headers } as Record<string, string>, 'POST')).status).toBe(403);
  expect((await user({ cookie, upgrade: 'websocket', origin: 'https://evil.test' })).status).toBe(403);
  expect((await user({ cookie, upgrade: 'websocket', origin: ORIGIN })).status).toBe(200);
});

test('Basic takes an app password with an address of its account, and nothing else', async () => {
  for (const name of ['me@example.test', 'ME@Example.Test', 'post@example.test'])
    expect(await (await user(basic(name, APP_SECRET))).json()).toMatchObject({ via: 'basic', account: { id: me.id } });
  const wrong = [
    basic('you@example.test', APP_SECRET),
    basic('anything@example.test', APP_SECRET),
    basic('@example.test', APP_SECRET),
    basic('me@example.test', DEMO_PASSWORD),
    basic('me@example.test', ''),
    { authorization: 'Basic !!!' },
    { authorization: `Basic ${'A'.repeat(5000)}` },
    { authorization: 'Digest x' },
    { authorization: 'Bearer x' },
    { authorization: '' },
  ];
  for (const headers of wrong) expect((await user(headers)).status).toBe(401);
});

test('a removed app password is dead at once', async () => {
  const id = await makeAppPassword(env, you, 'another-secret-of-128-bits');
  expect((await user(basic('you@example.test', 'another-secret-of-128-bits'))).status).toBe(200);
  await removeAppPassword(env, you.id, id);
  expect((await user(basic('you@example.test', 'another-secret-of-128-bits'))).status).toBe(401);
});

test('a program is told how to log in; a browser gets no password dialog', async () => {
  const challenge = (await user({})).headers.get('www-authenticate') ?? '';
  expect(challenge).toContain('Basic realm=');
  expect(challenge).toContain('Bearer realm=');
  expect((await user({ 'sec-fetch-mode': 'cors' })).headers.get('www-authenticate')).toBe('Bearer realm="posthouse"');
});

test('a receiver asks whose an address is, and only a receiver may', async () => {
  const ask = async (address: string) =>
    (await signedCall(env, receiver, { path: `/recipients/${encodeURIComponent(address)}` })).json<RecipientAnswer>();
  expect(await ask('me+news@example.test')).toEqual({ status: 'deliverable', account: me.id });
  expect(await ask('me@elsewhere.test')).toEqual({ status: 'foreign' });
  expect((await app.request(`${ORIGIN}/recipients/me%40example.test`, {}, env)).status).toBe(426);
});
