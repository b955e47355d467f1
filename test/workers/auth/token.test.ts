/** `POST /auth/token`: a receiver exchanges a user's random secret for a token of its own, and nothing else (invariant 6). */
import { env } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import type { TokenAnswer } from '../../../shared/protocol.ts';
import { setImapWithout } from '../../../workers/store/directory/accounts.ts';
import { createToken, TOKEN_LIFE_MS } from '../../../workers/store/directory/tokens.ts';
import {
  DEMO_PASSWORD,
  makeAccount,
  makeAlias,
  makeAppPassword,
  makeReceiver,
  postJson,
  signedCall,
  type TestReceiver,
} from '../../support/directory.ts';

const APP_SECRET = 'abcdefghijklmnopqrstuvwx23';
let me: Awaited<ReturnType<typeof makeAccount>>;
let receiver: TestReceiver;

beforeAll(async () => {
  me = await makeAccount(env, 'me@example.test');
  await makeAccount(env, 'you@example.test');
  await makeAlias(env, 'post@example.test', me.id);
  await makeAppPassword(env, me, APP_SECRET);
  receiver = await makeReceiver(env, 'one');
});

async function exchange(header: unknown): Promise<TokenAnswer> {
  const answer = await signedCall(env, receiver, { path: '/auth/token', header });
  expect(answer.status).toBe(200);
  return answer.json();
}

const bearerToken = async (life?: number) => {
  const until = life === undefined ? undefined : Date.now() + life;
  const credential = await env.DIRECTORY.prepare('SELECT id FROM credential WHERE account = ?').bind(me.id).first<{ id: number }>();
  const wanted = { account: me.id, credential: credential?.id ?? 0, kind: 'api', receiver: null, scope: 'full', until } as const;
  return (await createToken(env, wanted, Date.now())).token;
};

test('an app password with a name of its account gives a token that this receiver can read mail with', async () => {
  const answer = await exchange({ username: 'Post@Example.test', secret: APP_SECRET });
  expect(answer).toMatchObject({ status: 'ok', account: me.id, address: 'me@example.test' });
  const token = answer.status === 'ok' ? answer.token : '';
  expect((await signedCall(env, receiver, { path: '/bridge/changes?since=', token })).status).toBe(200);
  const other = await makeReceiver(env, 'two');
  expect((await signedCall(env, other, { path: '/bridge/changes?since=', token })).status).toBe(401);
});

test('a bearer token needs no name, and what it is exchanged for ends with it', async () => {
  const answer = await exchange({ secret: await bearerToken(60_000) });
  expect(answer).toMatchObject({ status: 'ok', account: me.id });
  const left = answer.status === 'ok' ? answer.expires - Date.now() : 0;
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(60_000);
  expect(TOKEN_LIFE_MS.bridge).toBeGreaterThan(60_000);
  expect(await exchange({ username: 'me@example.test', secret: await bearerToken() })).toMatchObject({ status: 'ok' });
});

test.each([
  ['an app password without a name', { secret: APP_SECRET }],
  ["somebody else's name", { username: 'you@example.test', secret: APP_SECRET }],
  ['a name that is none', { username: 'nobody', secret: APP_SECRET }],
  ["people's own password", { username: 'me@example.test', secret: DEMO_PASSWORD }],
  ['a secret that is nobody’s', { username: 'me@example.test', secret: 'nonsense' }],
])('%s is refused', async (_what, header) => {
  expect(await exchange(header)).toEqual({ status: 'failed' });
});

test("somebody else's name with a bearer token is refused, and so is a receiver's own token", async () => {
  const secret = await bearerToken();
  expect(await exchange({ username: 'you@example.test', secret })).toEqual({ status: 'failed' });
  const bridge = await exchange({ secret });
  expect(await exchange({ secret: bridge.status === 'ok' ? bridge.token : '' })).toEqual({ status: 'failed' });
});

test('only a receiver may ask, and in a form that can be read', async () => {
  expect((await postJson(env, '/auth/token', { secret: APP_SECRET })).status).toBeGreaterThanOrEqual(400);
  expect((await signedCall(env, receiver, { path: '/auth/token', header: { secret: 7 } })).status).toBe(400);
  expect((await signedCall(env, receiver, { path: '/auth/token', header: [] })).status).toBe(400);
  expect((await signedCall(env, receiver, { path: '/auth/token', header: { secret: 'x'.repeat(2000) } })).status).toBe(400);
});

test('what is switched off for the account comes along with each login', async () => {
  await setImapWithout(env, me.id, ['NOTIFY', 'COMPRESS=DEFLATE']);
  expect(await exchange({ username: 'me@example.test', secret: APP_SECRET })).toMatchObject({
    imapWithout: ['NOTIFY', 'COMPRESS=DEFLATE'],
  });
  await setImapWithout(env, me.id, []);
  const again = await exchange({ username: 'me@example.test', secret: APP_SECRET });
  expect(again).not.toHaveProperty('imapWithout');
});
