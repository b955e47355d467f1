/** PushSubscription/get and /set, and what reaches the endpoint (RFC 8620 §7.2, RFC 8030, 8291, 8292). The push services here are a stand-in for `fetch`. */
import { env, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CORE, WEBPUSH_VAPID } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { app } from '../../../workers/app.ts';
import { endSockets } from '../../../workers/auth/sockets.ts';
import { SUBSCRIPTIONS_MAX } from '../../../workers/jmap/methods/push-subscription-set.ts';
import { VERIFICATIONS_MAX } from '../../../workers/jmap/push/pushes.ts';
import { removeAppPassword } from '../../../workers/store/directory/credentials.ts';
import { createMailAccount, hubOf, openMail } from '../../../workers/store/mail/index.ts';
import { cookieOf, DEMO_PASSWORD, makeAccount, makeAppPassword, ORIGIN, postJson, scramLogin } from '../../support/directory.ts';
import { deliverRaw, rawMessage } from '../../support/mail.ts';
import { checkVapid, decryptPush, makeClient as makePushClient, type PushClient } from '../../support/push-client.ts';

const DAY_MS = 86_400_000;
/** 26 characters, as app passwords have. */
const SECRETS = ['abcdefghijklmnopqrstuvwxyz', 'bcdefghijklmnopqrstuvwxyza'];

interface Posted {
  url: string;
  headers: Headers;
  body: Uint8Array;
}

let posted: Posted[];
let answers: (url: string) => Response;
let account: Awaited<ReturnType<typeof makeAccount>>;
let browser: PushClient;
let appPassword: number;
let count = 0;

beforeEach(async () => {
  posted = [];
  answers = () => new Response(null, { status: 201 });
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    expect(init).toMatchObject({ method: 'POST', redirect: 'manual' });
    // A push of the test before may still be on its way.
    if (new URL(url).pathname !== `/${count}`) return new Response(null, { status: 410 });
    posted.push({ url, headers: new Headers(init.headers), body: new Uint8Array(await new Response(init.body).arrayBuffer()) });
    return answers(url);
  });
  account = await makeAccount(env, `push${++count}@example.test`);
  await createMailAccount(env, account.shard, account.id, null);
  appPassword = await makeAppPassword(env, account, `${SECRETS[0]}${count}`);
  browser = await makePushClient();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function basic(secret = `${SECRETS[0]}${count}`): Record<string, string> {
  return { authorization: `Basic ${btoa(`${account.address}:${secret}`)}` };
}

/** Runs one call; its answer's name and arguments. */
async function call(name: string, args: Json, login = basic()): Promise<[string, Json]> {
  const body = JSON.stringify({ using: [CORE], methodCalls: [[name, args, 'c']] });
  const answer = await app.request(
    `${ORIGIN}/jmap/api`,
    { method: 'POST', body, headers: { 'content-type': 'application/json', ...login } },
    env,
  );
  const { methodResponses } = (await answer.json()) as { methodResponses: [string, Json, string][] };
  return [methodResponses[0]?.[0] ?? '', methodResponses[0]?.[1] ?? {}];
}

interface SetAnswer {
  created: Record<string, Json> | null;
  updated: Record<string, Json | null> | null;
  destroyed: string[] | null;
  notCreated: Record<string, Json> | null;
  notUpdated: Record<string, Json> | null;
  notDestroyed: Record<string, Json> | null;
}

async function set(args: Json, login = basic()): Promise<SetAnswer> {
  const [name, answer] = await call('PushSubscription/set', args, login);
  expect(name, JSON.stringify(answer)).toBe('PushSubscription/set');
  return answer as unknown as SetAnswer;
}

async function list(login = basic()): Promise<Json[]> {
  const [, answer] = await call('PushSubscription/get', { ids: null }, login);
  return answer.list as Json[];
}

function draft(more: Json = {}): Json {
  return { deviceClientId: 'device', url: `https://push.example.net/${count}`, keys: browser.keys, ...more };
}

/** Makes one and gives its id. */
async function make(more: Json = {}, login = basic()): Promise<string> {
  const { created, notCreated } = await set({ create: { k: draft(more) } }, login);
  expect(notCreated).toBeNull();
  return String(created?.k?.id);
}

/** The n-th push that arrived at the endpoints of this test, decrypted. */
async function push(number: number): Promise<Json> {
  await vi.waitUntil(() => posted.length >= number, { timeout: 20_000, interval: 5 });
  const one = posted[number - 1];
  if (!one) throw new Error('no push');
  const text =
    one.headers.get('content-encoding') === 'aes128gcm' ? await decryptPush(one.body, browser) : new TextDecoder().decode(one.body);
  return JSON.parse(text) as Json;
}

/** Makes one and verifies it. */
async function subscribe(more: Json = {}): Promise<string> {
  const id = await make(more);
  const { verificationCode } = await push(posted.length || 1);
  expect(await set({ update: { [id]: { verificationCode } } })).toMatchObject({ updated: { [id]: null } });
  await quiet();
  return id;
}

/** Waits until nothing is on its way. */
async function quiet(): Promise<void> {
  const hub = hubOf(env, account.id);
  await vi.waitUntil(
    () =>
      runInDurableObject(hub, async (_, { storage }) => {
        const stored = await storage.get<{ subscribers: { verify: boolean; sending: unknown }[] }>('pushes');
        return (stored?.subscribers ?? []).every(({ verify, sending }) => !verify && sending === null);
      }),
    { timeout: 20_000, interval: 5 },
  );
}

/** Runs the hub's alarm as if it were that time. */
async function alarmAt(time: number): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: time });
  expect(await runDurableObjectAlarm(hubOf(env, account.id))).toBe(true);
  vi.useRealTimers();
}

test('a subscription is verified first, and then told what it asked for, encrypted and signed', async () => {
  const { created } = await set({ create: { k: draft({ types: ['Email', 'Mailbox'] }) } });
  const id = String(created?.k?.id);
  expect(created?.k).toEqual({ id, verificationCode: null, expires: expect.stringMatching(/Z$/) });
  const verification = await push(1);
  expect(verification).toEqual({
    '@type': 'PushVerification',
    pushSubscriptionId: id,
    verificationCode: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  await deliverRaw(env, account, rawMessage());
  expect(await list()).toMatchObject([{ id, deviceClientId: 'device', verificationCode: null, types: ['Email', 'Mailbox'] }]);
  expect(posted.length).toBe(1);
  const { verificationCode } = verification;
  await set({ update: { [id]: { verificationCode } } });
  expect(await list()).toMatchObject([{ verificationCode }]);
  await deliverRaw(env, account, rawMessage());
  const { Email, Mailbox } = await openMail(env, account).states();
  expect(await push(2)).toEqual({ '@type': 'StateChange', changed: { [`A${account.id}`]: { Email, Mailbox } } });
  const [first, second] = posted;
  for (const { headers } of posted)
    expect([headers.get('content-type'), headers.get('content-encoding')]).toEqual(['application/json', 'aes128gcm']);
  expect([first?.headers.get('ttl'), first?.headers.get('urgency')]).toEqual(['3600', 'high']);
  expect([second?.headers.get('ttl'), second?.headers.get('urgency')]).toEqual(['604800', 'normal']);
  expect(second?.headers.get('topic')).toMatch(/^[A-Za-z0-9_-]{1,32}$/);
  const session = (await (await app.request(`${ORIGIN}/jmap/session`, { headers: basic() }, env)).json()) as { capabilities: Json };
  const { applicationServerKey } = session.capabilities[WEBPUSH_VAPID] as { applicationServerKey: string };
  const claims = await checkVapid(second?.headers.get('authorization') ?? '', applicationServerKey);
  expect(claims).toEqual({ aud: 'https://push.example.net', exp: expect.any(Number), sub: 'mailto:postmaster@example.test' });
  expect(claims.exp * 1000 - Date.now()).toBeGreaterThan(0);
  expect(claims.exp * 1000 - Date.now()).toBeLessThanOrEqual(DAY_MS);
});

test('new mail is urgent, and without keys the JSON travels as it is', async () => {
  await subscribe({ keys: null, types: null });
  await deliverRaw(env, account, rawMessage());
  const { Email, Mailbox, Thread, EmailDelivery, Quota } = await openMail(env, account).states();
  const change = await push(2);
  expect(change.changed).toMatchObject({ [`A${account.id}`]: { Email, Mailbox, Thread, EmailDelivery } });
  expect(change.changed).not.toHaveProperty(`A${account.id}.PushSubscription`);
  expect(Quota).toEqual(expect.any(String));
  expect([posted[1]?.headers.get('urgency'), posted[1]?.headers.get('content-encoding')]).toEqual(['high', null]);
});

test('many changes at once are few pushes, and the last one has the last state', async () => {
  await subscribe({ types: ['Email'] });
  for (let i = 0; i < 8; i++) await deliverRaw(env, account, rawMessage());
  const { Email } = await openMail(env, account).states();
  const seen: unknown[] = [];
  for (let number = 2; seen.at(-1) !== Email; number++) {
    const { changed } = (await push(number)) as { changed: Record<string, { Email: string }> };
    seen.push(changed[`A${account.id}`]?.Email);
  }
  expect(seen.length).toBeLessThan(8);
});

test('what cannot be a subscription is invalidProperties, naming the properties', async () => {
  const wrong: [Json, string[]][] = [
    [{ deviceClientId: undefined }, ['deviceClientId']],
    [{ deviceClientId: '' }, ['deviceClientId']],
    [{ deviceClientId: 'x'.repeat(256) }, ['deviceClientId']],
    [{ url: undefined }, ['url']],
    [{ url: 'http://push.example.net/' }, ['url']],
    [{ url: 'https://127.0.0.1/' }, ['url']],
    [{ url: 'https://localhost/' }, ['url']],
    [{ url: 'https://push.example.net/'.padEnd(5000, 'x') }, ['url']],
    [{ keys: {} }, ['keys']],
    [{ keys: { p256dh: browser.keys.p256dh } }, ['keys']],
    [{ keys: { ...browser.keys, auth: 'AAAA' } }, ['keys']],
    [{ keys: { ...browser.keys, p256dh: browser.keys.auth } }, ['keys']],
    [{ keys: { ...browser.keys, p256dh: `BA${'A'.repeat(85)}` } }, ['keys']],
    [{ keys: { ...browser.keys, more: 1 } }, ['keys']],
    [{ verificationCode: 'x' }, ['verificationCode']],
    [{ expires: 'tomorrow' }, ['expires']],
    [{ expires: '2026-12-01T00:00:00+01:00' }, ['expires']],
    [{ types: 'Email' }, ['types']],
    [{ types: [1] }, ['types']],
    [{ types: Array.from({ length: 65 }, (_, index) => `T${index}`) }, ['types']],
    [{ id: 'P1' }, ['id']],
    [{ x: 1, url: 1 }, ['x', 'url']],
  ];
  const create = Object.fromEntries(wrong.map(([more], index) => [`k${index}`, draft(more)]));
  const { created, notCreated } = await set({ create });
  expect(created).toBeNull();
  for (const [index, [, properties]] of wrong.entries())
    expect(notCreated?.[`k${index}`], JSON.stringify(wrong[index])).toMatchObject({ type: 'invalidProperties', properties });
  expect(posted).toEqual([]);
});

test('only code, expiry and types can change, and each refusal is named', async () => {
  const id = await subscribe();
  const url = `https://push.example.net/${count}`;
  const refused: [Json, Json][] = [
    [{ url: 'https://other.example.net/' }, { type: 'invalidProperties', properties: ['url'] }],
    [{ keys: null }, { type: 'invalidProperties', properties: ['keys'] }],
    [{ 'keys/auth': 'AAAA' }, { type: 'invalidProperties', properties: ['keys'] }],
    [{ deviceClientId: 'other' }, { type: 'invalidProperties', properties: ['deviceClientId'] }],
    [{ id: 'P1' }, { type: 'invalidProperties', properties: ['id'] }],
    [{ colour: 'blue' }, { type: 'invalidProperties', properties: ['colour'] }],
    [{ verificationCode: 'wrong' }, { type: 'invalidProperties', properties: ['verificationCode'] }],
    [{ verificationCode: null }, { type: 'invalidProperties', properties: ['verificationCode'] }],
    [{ types: 7 }, { type: 'invalidProperties', properties: ['types'] }],
    [{ expires: 7 }, { type: 'invalidProperties', properties: ['expires'] }],
    [{ 'nothing/here': 1 }, { type: 'invalidPatch' }],
  ];
  for (const [patch, error] of refused)
    expect((await set({ update: { [id]: patch } })).notUpdated?.[id], JSON.stringify(patch)).toMatchObject(error);
  const same = { id, url, keys: { auth: browser.keys.auth, p256dh: browser.keys.p256dh }, deviceClientId: 'device', types: ['Email'] };
  expect(await set({ update: { [id]: same } })).toMatchObject({ updated: { [id]: null } });
  expect(await list()).toMatchObject([{ id, types: ['Email'] }]);
  expect(await set({ update: { P9: {} }, destroy: ['P9', 'M1'] })).toMatchObject({
    notUpdated: { P9: { type: 'notFound' } },
    notDestroyed: { P9: { type: 'notFound' }, M1: { type: 'notFound' } },
  });
  expect(await set({ update: { [id]: { types: null } }, destroy: [id] })).toMatchObject({
    notUpdated: { [id]: { type: 'willDestroy' } },
    destroyed: [id],
  });
  expect(await list()).toEqual([]);
});

test('an expiry is at most 30 days ahead, and said when it is not the one asked for', async () => {
  const soon = `${new Date(Date.now() + 3 * DAY_MS).toISOString().slice(0, -5)}Z`;
  const { created } = await set({ create: { a: draft({ expires: soon }), b: draft({ expires: '2999-01-01T00:00:00Z' }), c: draft() } });
  expect(created?.a).not.toHaveProperty('expires');
  for (const key of ['b', 'c']) {
    const left = Date.parse(String(created?.[key]?.expires)) - Date.now();
    expect(Math.abs(left - 30 * DAY_MS)).toBeLessThan(60_000);
  }
  const id = String(created?.a?.id);
  expect((await set({ update: { [id]: { expires: null } } })).updated?.[id]).toEqual({ expires: expect.stringMatching(/Z$/) });
  expect((await set({ update: { [id]: { expires: soon } } })).updated?.[id]).toBeNull();
  expect(await list()).toEqual(expect.arrayContaining([expect.objectContaining({ id, expires: soon })]));
});

test('after ten wrong codes a subscription is gone', async () => {
  const id = await make();
  for (let tries = 0; tries < 10; tries++)
    expect(await set({ update: { [id]: { verificationCode: `wrong${tries}` } } })).toMatchObject({
      notUpdated: { [id]: { type: 'invalidProperties' } },
    });
  const { verificationCode } = await push(1);
  expect(await set({ update: { [id]: { verificationCode } } })).toMatchObject({ notUpdated: { [id]: { type: 'notFound' } } });
});

test('a created one can be updated and destroyed by its creation id', async () => {
  expect(await set({ create: { k: draft() }, update: { '#k': { types: ['Email'] } } })).toMatchObject({ updated: expect.any(Object) });
  expect(await list()).toMatchObject([{ types: ['Email'] }]);
  const { created, destroyed } = await set({ create: { k: draft() }, destroy: ['#k'] });
  expect(destroyed).toEqual([created?.k?.id]);
});

test('subscriptions are as many as announced, and so are verifications in an hour', async () => {
  const many = (number: number) => Object.fromEntries(Array.from({ length: number }, (_, index) => [`k${index}`, draft()]));
  const { created, notCreated } = await set({ create: many(SUBSCRIPTIONS_MAX + 1) });
  expect(Object.keys(created ?? {}).length).toBe(SUBSCRIPTIONS_MAX);
  expect(Object.values(notCreated ?? {})).toMatchObject([{ type: 'overQuota' }]);
  await set({ destroy: Object.values(created ?? {}).map(({ id }) => id) });
  const left = VERIFICATIONS_MAX - SUBSCRIPTIONS_MAX;
  const { created: more } = await set({ create: many(left) });
  await set({ destroy: Object.values(more ?? {}).map(({ id }) => id) });
  expect(await set({ create: many(1) })).toMatchObject({ created: null, notCreated: { k0: { type: 'rateLimit' } } });
});

test('URL and keys are never shown, and neither account nor state is part of the methods', async () => {
  const id = await make();
  const [, answer] = await call('PushSubscription/get', { ids: [id, 'P9'], properties: null });
  expect(Object.keys(answer)).toEqual(['list', 'notFound']);
  expect(answer.notFound).toEqual(['P9']);
  expect(Object.keys((answer.list as Json[])[0] ?? {})).toEqual(['id', 'deviceClientId', 'verificationCode', 'expires', 'types']);
  for (const properties of [['url'], ['id', 'keys']])
    expect(await call('PushSubscription/get', { ids: null, properties })).toMatchObject(['error', { type: 'forbidden' }]);
  expect(await call('PushSubscription/get', { properties: ['colour'] })).toMatchObject(['error', { type: 'invalidArguments' }]);
  expect(await call('PushSubscription/get', { ids: [id], properties: ['types'] })).toMatchObject([
    expect.any(String),
    { list: [{ id, types: null }] },
  ]);
  expect(Object.keys((await call('PushSubscription/set', { destroy: [id] }))[1]).sort()).toEqual([
    'created',
    'destroyed',
    'notCreated',
    'notDestroyed',
    'notUpdated',
    'updated',
  ]);
  for (const [name, args] of [
    ['PushSubscription/get', { accountId: `A${account.id}` }],
    ['PushSubscription/set', { accountId: `A${account.id}` }],
    ['PushSubscription/set', { ifInState: '0' }],
    ['PushSubscription/set', { create: [] }],
    ['PushSubscription/set', { destroy: 'P1' }],
  ] as const)
    expect(await call(name, args), JSON.stringify(args)).toMatchObject(['error', { type: 'invalidArguments' }]);
});

test('a login sees and changes only what it made itself', async () => {
  const id = await make();
  await makeAppPassword(env, account, `${SECRETS[1]}${count}`);
  const other = basic(`${SECRETS[1]}${count}`);
  expect(await list(other)).toEqual([]);
  expect(await set({ update: { [id]: { types: [] } }, destroy: [id] }, other)).toMatchObject({
    notUpdated: { [id]: { type: 'notFound' } },
    notDestroyed: { [id]: { type: 'notFound' } },
  });
  expect(await list()).toMatchObject([{ id }]);
});

test('a subscription ends with the app password or the session that made it, and its URL is erased everywhere', async () => {
  const own = await subscribe();
  const post = (path: string, body: unknown) => postJson(env, path, body, { origin: ORIGIN });
  const session = { cookie: cookieOf(await scramLogin(post, account.address, DEMO_PASSWORD, { session: 'cookie' })), origin: ORIGIN };
  const { created } = await set({ create: { k: draft() } }, session);
  expect(created?.k).not.toHaveProperty('expires');
  expect((await app.request(`${ORIGIN}/auth/logout`, { method: 'POST', headers: session }, env)).status).toBe(204);
  expect((await kept()).map(({ id }) => id)).toEqual([Number(own.slice(1))]);
  await removeAppPassword(env, account.id, appPassword);
  await endSockets(env, account.id);
  expect(await kept()).toEqual([]);
  const hub = await runInDurableObject(hubOf(env, account.id), async (_, { storage }) => JSON.stringify([...(await storage.list())]));
  expect(hub).not.toContain('push.example.net');
});

async function kept(): Promise<{ id: number; url: string }[]> {
  const sql = 'SELECT key % 4294967296 AS id, url FROM push_subscription WHERE key / 4294967296 = ?1';
  return (await env.MAIL_0.prepare(sql).bind(account.id).all<{ id: number; url: string }>()).results;
}

test('an endpoint that says 410 loses its subscription', async () => {
  await subscribe();
  answers = () => new Response(null, { status: 410 });
  await deliverRaw(env, account, rawMessage());
  await push(2);
  await vi.waitUntil(async () => (await list()).length === 0, { timeout: 20_000 });
  await deliverRaw(env, account, rawMessage());
  expect(posted.length).toBe(2);
});

test('a push service that is busy is asked later, with all that changed until then', async () => {
  await subscribe({ types: ['Email', 'Identity'] });
  answers = () => new Response('x'.repeat(100_000), { status: 429, headers: { 'retry-after': '3600' } });
  await deliverRaw(env, account, rawMessage());
  await push(2);
  await quiet();
  await openMail(env, account).changeIdentities({ create: [{ email: 'me@example.test' }] });
  const due = await runInDurableObject(hubOf(env, account.id), (_, { storage }) => storage.getAlarm());
  expect((due ?? 0) - Date.now()).toBeGreaterThan(3_500_000);
  expect(posted.length).toBe(2);
  answers = () => new Response(null, { status: 201 });
  await alarmAt(due ?? 0);
  const { Email, Identity } = await openMail(env, account).states();
  expect(await push(3)).toMatchObject({ changed: { [`A${account.id}`]: { Email, Identity } } });
});

test('a redirect is not followed, and an endpoint that cannot be reached harms nobody', async () => {
  await subscribe();
  answers = () => new Response(null, { status: 307, headers: { location: 'https://10.0.0.1/' } });
  await deliverRaw(env, account, rawMessage());
  await push(2);
  await quiet();
  answers = () => {
    throw new TypeError('connection refused');
  };
  await deliverRaw(env, account, rawMessage());
  await push(3);
  await quiet();
  expect(posted.map(({ url }) => new URL(url).hostname)).toEqual(Array(3).fill('push.example.net'));
  expect((await list()).length).toBe(1);
});

test('an expired subscription is destroyed, and nothing is pushed to it', async () => {
  await subscribe({ expires: `${new Date(Date.now() + 2 * DAY_MS).toISOString().slice(0, -5)}Z` });
  await alarmAt(Date.now() + 3 * DAY_MS);
  expect(await kept()).toEqual([]);
  await deliverRaw(env, account, rawMessage());
  expect(posted.length).toBe(1);
});

test('another VAPID key ends what was subscribed with the old one', async () => {
  await subscribe();
  await env.MAIL_0.prepare("UPDATE push_subscription SET serverKey = 'old' WHERE key / 4294967296 = ?1").bind(account.id).run();
  await set({ create: { k: draft({ url: `https://second.example.net/${count}` }) } });
  await push(2);
  await deliverRaw(env, account, rawMessage());
  await vi.waitUntil(async () => (await list()).length === 1, { timeout: 20_000 });
  expect(posted.length).toBe(2);
});

test('a hub without subscriptions stores nothing and sets no alarm', async () => {
  await deliverRaw(env, account, rawMessage());
  const hub = hubOf(env, account.id);
  expect(await runInDurableObject(hub, async (_, { storage }) => [(await storage.list()).size, await storage.getAlarm()])).toEqual([
    0,
    null,
  ]);
  expect(await runDurableObjectAlarm(hub)).toBe(false);
});
