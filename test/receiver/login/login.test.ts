import { expect, onTestFinished, test, vi } from 'vitest';
import { EdgeRefused, EdgeUnavailable } from '../../../receiver/edge.ts';
import { FRESH_MS, makeLogin, REMEMBERED_MS } from '../../../receiver/login.ts';
import type { ScramFinishAnswer, ScramFinishRequest, ScramStartAnswer, ScramStartRequest } from '../../../shared/protocol.ts';
import { answerClientFinal, answerClientFirst, makeVerifier, newSalt, SCRAM_ITERATIONS_MIN } from '../../../shared/scram.ts';

const HOUR_MS = 3_600_000;

/** An edge with one user, `me@example.test` with `secret`, that can go away, lie, or hold its answers back. */
async function fakeEdge() {
  const verifier = await makeVerifier('secret', newSalt(), SCRAM_ITERATIONS_MIN);
  const exchanges = new Map<string, { firstBare: string; serverFirst: string }>();
  const edge = {
    away: null as Error | null,
    lies: false,
    storedKey: verifier.storedKey,
    starts: 0,
    finals: 0,
    running: 0,
    mostAtOnce: 0,
    seen: [] as string[],
    tokenLife: 24 * HOUR_MS,
    now: 1_000_000,
    gate: Promise.resolve(),
    async scramStart(request: ScramStartRequest): Promise<ScramStartAnswer> {
      edge.starts++;
      edge.seen.push(JSON.stringify(request));
      edge.mostAtOnce = Math.max(edge.mostAtOnce, ++edge.running);
      await edge.gate;
      if (edge.away) {
        edge.running--;
        throw edge.away;
      }
      const serverFirst = answerClientFirst(request.clientFirstBare, verifier) ?? '';
      exchanges.set(String(edge.starts), { firstBare: request.clientFirstBare, serverFirst });
      return { exchange: String(edge.starts), serverFirst };
    },
    async scramFinish(request: ScramFinishRequest): Promise<ScramFinishAnswer> {
      edge.running--;
      edge.finals++;
      edge.seen.push(JSON.stringify(request));
      const { firstBare, serverFirst } = exchanges.get(request.exchange) ?? { firstBare: '', serverFirst: '' };
      const expected = { ...verifier, storedKey: edge.storedKey };
      const proven = await answerClientFinal(expected, firstBare, serverFirst, request.clientFinal);
      if (proven === null) return { status: 'failed' };
      const serverFinal = edge.lies ? 'v=AAAA' : proven;
      return {
        status: 'ok',
        serverFinal,
        account: 7,
        address: 'me@example.test',
        token: `token ${edge.starts}`,
        expires: edge.now + edge.tokenLife,
      };
    },
  };
  return edge;
}

async function setUp() {
  const edge = await fakeEdge();
  const login = makeLogin(edge, { now: () => edge.now });
  const verify = (password = 'secret', username = 'me@example.test', from = '192.0.2.1') => login.verify(username, password, from);
  return { edge, login, verify };
}

test('the right password logs in with a token, a wrong one is null, and neither ever leaves the process', async () => {
  const { edge, verify } = await setUp();
  expect(await verify()).toEqual({ account: 7, address: 'me@example.test', token: 'token 1', expires: edge.now + edge.tokenLife });
  expect(await verify('wrong')).toBeNull();
  for (const text of edge.seen) expect(text).not.toMatch(/secret|wrong/);
});

test('an unknown name costs what a wrong password costs: the same two calls, the same derivation', async () => {
  const { edge, verify } = await setUp();
  const derive = vi.spyOn(crypto.subtle, 'deriveBits');
  onTestFinished(() => derive.mockRestore());
  const costs: unknown[] = [];
  for (const [password, name] of [
    ['wrong', 'me@example.test'],
    ['wrong', 'nobody@example.test'],
  ] as const) {
    derive.mockClear();
    const [starts, finals] = [edge.starts, edge.finals];
    expect(await verify(password, name)).toBeNull();
    costs.push([edge.starts - starts, edge.finals - finals, derive.mock.calls.map(([algorithm]) => algorithm)]);
  }
  expect(costs[0]).toEqual(costs[1]);
  expect(derive).toHaveBeenCalledOnce();
});

test('empty and absurdly long credentials are wrong without asking anybody', async () => {
  const { edge, verify } = await setUp();
  for (const [password, name] of [
    ['', 'me@example.test'],
    ['secret', ''],
    ['x'.repeat(2000), 'me@example.test'],
  ])
    expect(await verify(password, name)).toBeNull();
  expect(edge.starts).toBe(0);
});

test('an edge that cannot prove it holds the verifier is not believed', async () => {
  const { edge, verify } = await setUp();
  edge.lies = true;
  await expect(verify()).rejects.toThrow(EdgeUnavailable);
});

test('a fresh login is not asked about again; an older one is, and gets a new token', async () => {
  const { edge, verify } = await setUp();
  await verify();
  edge.now += FRESH_MS - 1;
  expect((await verify())?.token).toBe('token 1');
  expect((await verify('secret', ' ME@example.test'))?.token).toBe('token 1');
  edge.now += 1;
  expect((await verify())?.token).toBe('token 2');
  expect(edge.starts).toBe(2);
});

test('five connections of one client cost one derivation', async () => {
  const { edge, verify } = await setUp();
  const all = await Promise.all(Array.from({ length: 5 }, () => verify()));
  expect(new Set(all.map((user) => user?.token))).toEqual(new Set(['token 1']));
  expect(edge.starts).toBe(1);
});

test('while the edge is away, who was verified within 12 hours still logs in, and nobody else', async () => {
  const { edge, verify } = await setUp();
  await verify();
  edge.away = new EdgeUnavailable('away');
  edge.now += REMEMBERED_MS - 1;
  expect((await verify())?.token).toBe('token 1');
  await expect(verify('wrong')).rejects.toThrow(EdgeUnavailable);
  await expect(verify('secret', 'you@example.test')).rejects.toThrow(EdgeUnavailable);
  edge.now += 1;
  await expect(verify()).rejects.toThrow(EdgeUnavailable);
});

test('a remembered login does not outlive its token', async () => {
  const { edge, verify } = await setUp();
  edge.tokenLife = HOUR_MS;
  await verify();
  edge.away = new EdgeUnavailable('away');
  edge.now += HOUR_MS;
  await expect(verify()).rejects.toThrow(EdgeUnavailable);
});

test('an edge that refuses the receiver itself is no reason to trust memory', async () => {
  const { edge, verify } = await setUp();
  await verify();
  edge.now += FRESH_MS;
  edge.away = new EdgeRefused(401, 'revoked');
  await expect(verify()).rejects.toThrow(EdgeRefused);
});

test('a changed password is forgotten as soon as the edge has said so', async () => {
  const { edge, verify, login } = await setUp();
  await verify();
  edge.storedKey = (await makeVerifier('new', newSalt(), SCRAM_ITERATIONS_MIN)).storedKey;
  edge.now += FRESH_MS;
  expect(await verify()).toBeNull();
  edge.away = new EdgeUnavailable('away');
  await expect(verify()).rejects.toThrow(EdgeUnavailable);
  edge.away = null;
  login.forget('token 1');
  expect(await verify()).toBeNull();
});

test('a token the edge no longer takes makes the next login ask again', async () => {
  const { edge, verify, login } = await setUp();
  await verify();
  login.forget('token 1');
  expect((await verify())?.token).toBe('token 2');
  expect(edge.starts).toBe(2);
});

test('two logins derive at once, the rest wait their turn, and a flood is turned away', async () => {
  const { edge, verify } = await setUp();
  let open = () => {};
  edge.gate = new Promise((resolve) => {
    open = resolve;
  });
  const flood = Array.from({ length: 110 }, (_, i) => verify(`guess ${i}`, undefined, `192.0.2.${i}`).catch((error) => error));
  await Promise.all(flood.slice(102));
  open();
  const results = await Promise.all(flood);
  expect(results.filter((result) => result === null)).toHaveLength(102);
  expect(results.filter((result) => result instanceof EdgeUnavailable)).toHaveLength(8);
  expect(edge.mostAtOnce).toBe(2);
  expect((await verify())?.account).toBe(7);
});
