/**
 * A receiver that slept: the process was stopped or its machine suspended, the connections to the edge died without a word, and the
 * clock on the wall has gone on. Over real connections, with the clock and the ping's timer in the test's hand.
 */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Edge } from '../../../receiver/edge.ts';
import type { Session } from '../../../receiver/imap/session.ts';
import { HttpEdge } from '../../support/http-edge.ts';
import { makeWorld, picture, plain, select, uidsOf, until, type World } from './harness.ts';

const HOUR_MS = 3_600_000;
/** The ping's; the head request's is ten times that. */
const INTERVAL_MS = 30_000;

let world: World;
let server: HttpEdge;
let edge: Edge;
let session: Session;
let slept: number;
const now = Date.now;

beforeEach(async () => {
  slept = 0;
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  vi.spyOn(Date, 'now').mockImplementation(() => now() + slept);
  world = makeWorld();
  server = new HttpEdge(world.bridge);
  edge = new Edge({ url: await server.start(), receiver: 1, key: new Uint8Array(32) });
  for (let count = 0; count < 3; count++) world.account.deliver();
  await world.restart({ edge });
  session = await world.session();
  // The push stands, and what it makes the mirror ask has been answered.
  await until(() => /upgrade.*changes/s.test(server.requests.join()));
  await session.refresh();
});
afterEach(async () => {
  await world.mirrors.close();
  edge.close();
  await server.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** What happens while nobody here runs. */
function sleep(milliseconds: number): void {
  server.fallSilent();
  slept += milliseconds;
  world.account.deliver();
  world.account.setKeywords(world.account.inbox, 1, ['$seen']);
  world.account.expunge(world.account.inbox, [2]);
}

it('asks what it missed at its first tick, over a new connection, and tells the clients', async () => {
  const box = select(session, 'INBOX');
  const told: unknown[] = [];
  box.subscribe((change) => told.push(change));
  sleep(2 * HOUR_MS);
  expect(uidsOf(box)).toEqual([1, 2, 3]);
  vi.advanceTimersByTime(INTERVAL_MS);
  await until(() => told.length > 0);
  expect(told).toEqual([{ added: [4], expunged: [2], flags: [1] }]);
  expect(plain(picture(session))).toEqual(plain(world.account.picture()));
});

it('serves a client that asks before the first tick', async () => {
  const box = select(session, 'INBOX');
  sleep(8 * HOUR_MS);
  await session.refresh();
  expect(uidsOf(box)).toEqual([1, 3, 4]);
  await box.store({ uids: [4], mode: 'add', flags: ['\\Flagged'] });
  expect(box.flags(4)?.text).toBe('(\\Flagged)');
});

it('finds a push that died without a word at the second ping, even when it did not sleep', async () => {
  const box = select(session, 'INBOX');
  sleep(0);
  vi.advanceTimersByTime(INTERVAL_MS);
  vi.advanceTimersByTime(INTERVAL_MS);
  await until(() => uidsOf(box).length === 3 && uidsOf(box)[2] === 4);
});

it('shows the clients out when their login ended meanwhile, and keeps the mail from them', async () => {
  let revoked = 0;
  session.onRevoked(() => {
    revoked += 1;
  });
  sleep(40 * 24 * HOUR_MS);
  world.bridge.refusedTokens.add('token-1-0');
  vi.advanceTimersByTime(INTERVAL_MS);
  await until(() => revoked === 1);
});

it('a clock that jumped, while the edge’s did not, loses no login and holds nothing up', async () => {
  server.now = now;
  const box = select(session, 'INBOX');
  let revoked = 0;
  session.onRevoked(() => {
    revoked += 1;
  });
  sleep(400 * 24 * HOUR_MS);
  vi.advanceTimersByTime(INTERVAL_MS);
  await Promise.all([session.refresh(), box.store({ uids: [3], mode: 'add', flags: ['\\Flagged'] }), world.mirrors.checkHeads()]);
  await session.append('INBOX', [{ flags: [], body: Buffer.from('Subject: small\r\n\r\n') }]);
  await until(() => server.requests.filter((request) => request === 'upgrade').length === 2);
  expect(uidsOf(box)).toEqual([1, 3, 4, 5]);
  expect(revoked).toBe(0);
});
