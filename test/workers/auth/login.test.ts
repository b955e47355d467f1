import { env } from 'cloudflare:test';
import { beforeAll, expect, test, vi } from 'vitest';
import type { ScramFinishAnswer, ScramStartAnswer } from '../../../shared/protocol.ts';
import {
  answerServerFirst,
  authMessage,
  clientFirstBare,
  fromBase64,
  hmacSha256,
  parseServerFirst,
  SALT_OCTETS,
  SCRAM_ITERATIONS,
  saltedPassword,
  scramKeys,
  toBase64,
} from '../../../shared/scram.ts';
import { app } from '../../../workers/app.ts';
import { replacePassword } from '../../../workers/store/directory/credentials.ts';
import { EXCHANGE_LIFE_MS } from '../../../workers/store/directory/exchanges.ts';
import { revokeReceiver } from '../../../workers/store/directory/receivers.ts';
import {
  cookieOf,
  DEMO_PASSWORD,
  makeAccount,
  makeAlias,
  makeAppPassword,
  makeReceiver,
  ORIGIN,
  postJson,
  type SignedCall,
  scramLogin,
  signedCall,
  type TestReceiver,
} from '../../support/directory.ts';

const APP_SECRET = 'abcdefghijklmnopqrstuvwx23';
let me: Awaited<ReturnType<typeof makeAccount>>;
let receiver: TestReceiver;
let other: TestReceiver;

beforeAll(async () => {
  me = await makeAccount(env, 'me@example.test');
  await makeAlias(env, 'post@example.test', me.id);
  await makeAppPassword(env, me, APP_SECRET);
  receiver = await makeReceiver(env, 'one');
  other = await makeReceiver(env, 'two');
});

const web = (path: string, body: unknown) => postJson(env, path, body, { origin: ORIGIN });
const by = (from: TestReceiver) => (path: string, header: unknown) => signedCall(env, from, { path, header });

async function start(username: string, post = web): Promise<ScramStartAnswer & { firstBare: string }> {
  const firstBare = clientFirstBare(username, 'nonce');
  const answer = await post('/auth/scram/start', { username, clientFirstBare: firstBare });
  expect(answer.status).toBe(200);
  return { ...(await answer.json<ScramStartAnswer>()), firstBare };
}

async function finalFor(started: { firstBare: string; serverFirst: string }, password = DEMO_PASSWORD): Promise<string> {
  const answer = await answerServerFirst(password, started.firstBare, started.serverFirst);
  if (!answer) throw new Error('no answer');
  return answer.clientFinal;
}

test('a browser logs in with the password and gets a session that knows who it is', async () => {
  const answer = await scramLogin(web, 'Me@Example.Test', DEMO_PASSWORD, { session: 'cookie' });
  const result = await answer.json<ScramFinishAnswer & { token?: string }>();
  expect(result).toMatchObject({ status: 'ok', account: me.id, address: 'me@example.test' });
  expect(result.token).toBeUndefined();
  const cookie = answer.headers.get('set-cookie') ?? '';
  for (const attribute of ['__Host-posthouse=', 'HttpOnly', 'Secure', 'SameSite=Strict', 'Path=/']) expect(cookie).toContain(attribute);
  expect(cookie).not.toContain('Domain');
  const session = await app.request(`${ORIGIN}/auth/session`, { headers: { cookie: cookieOf(answer) } }, env);
  expect(await session.json()).toEqual({ account: me.id, address: 'me@example.test', name: '' });
});

test('an alias and an app password log in too, without a cookie when none is asked for', async () => {
  const answer = await scramLogin(web, 'post@example.test', APP_SECRET);
  const result = await answer.json<ScramFinishAnswer & { token: string }>();
  expect(answer.headers.get('set-cookie')).toBeNull();
  const session = await app.request(`${ORIGIN}/auth/session`, { headers: { authorization: `Bearer ${result.token}` } }, env);
  expect(session.status).toBe(200);
});

test('a wrong password and a name nobody has get the same answer', async () => {
  const wrong = await scramLogin(web, 'me@example.test', 'not it');
  const nobody = await startAndGuess('nobody@example.test');
  expect(await wrong.json()).toEqual({ status: 'failed' });
  expect(await nobody.json()).toEqual({ status: 'failed' });
  expect([...nobody.headers]).toEqual([...wrong.headers]);
});

/** Finishes with a proof of the right shape; 600,000 iterations would be refused in the Worker. */
async function startAndGuess(username: string): Promise<Response> {
  const started = await start(username);
  const nonce = parseServerFirst(started.serverFirst)?.nonce;
  return web('/auth/scram/finish', { exchange: started.exchange, clientFinal: `c=biws,r=${nonce},p=${toBase64(new Uint8Array(32))}` });
}

test('a name nobody has shows the same salt every time, as long as a real one, with the usual iterations', async () => {
  const [one, two, upper, third] = await Promise.all(
    ['nobody@example.test', 'nobody@example.test', 'NOBODY@Example.test', 'third@example.test'].map(async (name) =>
      parseServerFirst((await start(name)).serverFirst),
    ),
  );
  expect(one?.salt).toEqual(two?.salt);
  expect(one?.salt).toEqual(upper?.salt);
  expect(one?.salt).not.toEqual(third?.salt);
  expect(one?.salt).toHaveLength(SALT_OCTETS);
  expect(one?.iterations).toBe(SCRAM_ITERATIONS);
});

test("whoever knows one account's keys proves nothing for a name nobody has", async () => {
  const started = await start('nobody@example.test');
  const withoutProof = `c=biws,r=${parseServerFirst(started.serverFirst)?.nonce}`;
  const salt = fromBase64(me.verifier.salt) ?? new Uint8Array();
  const keys = await scramKeys(await saltedPassword(DEMO_PASSWORD, salt, me.verifier.iterations));
  const signature = await hmacSha256(keys.storedKey, authMessage(started.firstBare, started.serverFirst, withoutProof));
  const proof = toBase64(keys.clientKey.map((octet, i) => octet ^ (signature[i] ?? 0)));
  const answer = await web('/auth/scram/finish', { exchange: started.exchange, clientFinal: `${withoutProof},p=${proof}` });
  expect(await answer.json()).toEqual({ status: 'failed' });
});

test('a wrong password and a name nobody has ask the database the same questions', async () => {
  const asked: string[] = [];
  const prepare = vi.spyOn(env.DIRECTORY, 'prepare');
  for (const name of ['me@example.test', 'nobody@example.test']) {
    prepare.mockClear();
    await startAndGuess(name);
    asked.push(prepare.mock.calls.map(([sql]) => sql).join('\n'));
  }
  prepare.mockRestore();
  expect(asked[0]).toBe(asked[1]);
  expect(asked[0]?.split('SELECT').length).toBeGreaterThan(2);
});

test('an exchange serves once, even for the right proof', async () => {
  const started = await start('me@example.test');
  const clientFinal = await finalFor(started);
  const first = await web('/auth/scram/finish', { exchange: started.exchange, clientFinal });
  expect(await first.json()).toMatchObject({ status: 'ok' });
  const replay = await web('/auth/scram/finish', { exchange: started.exchange, clientFinal });
  expect(await replay.json()).toEqual({ status: 'failed' });
});

test('an exchange expires after a minute', async () => {
  const started = await start('me@example.test');
  const clientFinal = await finalFor(started);
  await env.DIRECTORY.prepare('UPDATE exchange SET expires_at = expires_at - ? WHERE id = ?')
    .bind(EXCHANGE_LIFE_MS, started.exchange)
    .run();
  expect(await (await web('/auth/scram/finish', { exchange: started.exchange, clientFinal })).json()).toEqual({ status: 'failed' });
});

test("nobody else can finish a receiver's exchange: no browser, no other receiver, and it stays open for its own", async () => {
  const started = await start('me@example.test', by(receiver));
  const body = { exchange: started.exchange, clientFinal: await finalFor(started) };
  expect(await (await web('/auth/scram/finish', body)).json()).toEqual({ status: 'failed' });
  expect(await (await by(other)('/auth/scram/finish', body)).json()).toEqual({ status: 'failed' });
  expect(await (await by(receiver)('/auth/scram/finish', body)).json()).toMatchObject({ status: 'ok' });
});

test('a proof for one nonce does not finish another exchange', async () => {
  const [one, two] = [await start('me@example.test'), await start('me@example.test')];
  const clientFinal = await finalFor(one);
  expect(await (await web('/auth/scram/finish', { exchange: two.exchange, clientFinal })).json()).toEqual({ status: 'failed' });
});

test('a receiver never gets a cookie, and a page of another site neither', async () => {
  const answer = await scramLogin(by(receiver), 'me@example.test', DEMO_PASSWORD, { session: 'cookie' });
  expect(answer.headers.get('set-cookie')).toBeNull();
  const foreign = (path: string, body: unknown) => postJson(env, path, body, { origin: 'https://evil.test' });
  expect((await scramLogin(foreign, 'me@example.test', DEMO_PASSWORD, { session: 'cookie' })).status).toBe(403);
});

test('a revoked receiver can neither begin nor finish', async () => {
  const doomed = await makeReceiver(env, 'doomed');
  const started = await start('me@example.test', by(doomed));
  await revokeReceiver(env, doomed.id, Date.now());
  const body = { exchange: started.exchange, clientFinal: await finalFor(started) };
  expect((await by(doomed)('/auth/scram/finish', body)).status).toBe(401);
  expect((await by(doomed)('/auth/scram/start', { username: 'me@example.test', clientFirstBare: 'n=a,r=b' })).status).toBe(401);
});

test('what is no login step is a 400 and nothing worse', async () => {
  const bodies = [null, [], 'x', {}, { username: 1, clientFirstBare: 'n=a,r=b' }, { username: 'a', clientFirstBare: 'r=b' }];
  for (const body of [...bodies, { username: 'a'.repeat(400), clientFirstBare: 'n=a,r=b' }])
    expect((await web('/auth/scram/start', body)).status).toBe(400);
  for (const body of [...bodies, { exchange: 'x' }, { exchange: 'x', clientFinal: 7 }])
    expect((await web('/auth/scram/finish', body)).status).toBe(400);
  const form = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{"username":"a","clientFirstBare":"n=a,r=b"}' };
  expect((await app.request(`${ORIGIN}/auth/scram/start`, form, env)).status).toBe(400);
  expect((await web('/auth/scram/start', { username: 'x'.repeat(10_000) })).status).toBe(400);
  for (const clientFinal of ['nonsense', 'c=biws,r=x,p=', '\ud800'])
    expect(await (await web('/auth/scram/finish', { exchange: 'x', clientFinal })).json()).toEqual({ status: 'failed' });
});

test('a receiver’s login frame is small: no header that would have to be held before its signature is checked, no payload', async () => {
  const header = { username: 'me@example.test', clientFirstBare: 'n=me@example.test,r=nonce' };
  const ask = async (call: Partial<SignedCall>, from = receiver) =>
    (await signedCall(env, from, { path: '/auth/scram/start', header, ...call })).status;
  expect(await ask({})).toBe(200);
  const large = { header: { ...header, padding: 'x'.repeat(17_000) } };
  expect(await ask(large)).toBe(400);
  expect(await ask(large, { ...receiver, key: new Uint8Array(32) })).toBe(400);
  expect(await ask({ payloads: [new Uint8Array(17_000)] })).toBe(413);
  expect(await ask({ headers: { 'content-length': '17000' } })).toBe(413);
});

test('logging out ends the session', async () => {
  const cookie = cookieOf(await scramLogin(web, 'me@example.test', DEMO_PASSWORD, { session: 'cookie' }));
  const out = await app.request(`${ORIGIN}/auth/logout`, { method: 'POST', headers: { cookie, origin: ORIGIN } }, env);
  expect(out.status).toBe(204);
  expect(out.headers.get('set-cookie')).toContain('Max-Age=0');
  expect(out.headers.get('clear-site-data')).toBe('"cache"');
  expect((await app.request(`${ORIGIN}/auth/session`, { headers: { cookie } }, env)).status).toBe(401);
});

test('a new password ends the sessions of the old one', async () => {
  const you = await makeAccount(env, 'you@example.test');
  const cookie = cookieOf(await scramLogin(web, 'you@example.test', DEMO_PASSWORD, { session: 'cookie' }));
  await replacePassword(env, you.id, you.verifier, Date.now());
  expect((await app.request(`${ORIGIN}/auth/session`, { headers: { cookie } }, env)).status).toBe(401);
});
