/** Limits and manners (RFC 9051 §5.4, RFC 5530): how much one stranger, one user, one network may take; goodbyes with a reason. */
import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { IDLE_TIMEOUT_MS } from '../../../receiver/imap/connection.ts';
import { inProgressLine, progressOf } from '../../../receiver/imap/progress.ts';
import { STRANGER_TEXT_MAX, TEXT_MAX } from '../../../receiver/imap/wire/decoder.ts';
import { ImapClient } from '../../support/imap-client.ts';
import { PASSWORD, startTestServer, type TestServer, USER } from '../../support/imap-server.ts';
import { makeWorld } from '../mirror/harness.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  await server.close();
  expect(server.defects).toEqual([]);
});

test('a stranger is held a few kilobytes, a user the longest command', async () => {
  const client = await ImapClient.open(server.imap);
  await client.response();
  expect((await client.command(`NOOP ${'x'.repeat(STRANGER_TEXT_MAX)}`)).text).toBe('Command line too long');
  expect((await client.command(`LOGIN ${USER} ${PASSWORD}`)).status).toBe('OK');
  const wide = 'x'.repeat(TEXT_MAX - 100);
  expect((await client.command(`NOOP ${wide}`)).text).toBe('Unexpected extra arguments');
  expect((await client.command(`NOOP ${wide}${'x'.repeat(200)}`)).text).toBe('Command line too long');
  client.close();
});

test("a user's connections are counted over all ways in, and given back when they end", async () => {
  const small = await startTestServer({ limits: { total: 50, perNetwork: 50, perUser: 2 } });
  const first = await ImapClient.logIn(small.imap);
  const second = await ImapClient.open(small.imaps, true);
  await second.response();
  expect((await second.command(`LOGIN ${USER.toUpperCase()} ${PASSWORD}`)).status).toBe('OK');
  const third = await ImapClient.open(small.imap);
  await third.response();
  expect(await third.command(`LOGIN ${USER} ${PASSWORD}`)).toMatchObject({ status: 'NO', code: 'LIMIT' });
  await first.command('LOGOUT');
  await first.closed();
  await expect.poll(async () => (await third.command(`LOGIN ${USER} ${PASSWORD}`)).status).toBe('OK');
  second.close();
  third.close();
  await small.close();
});

test('connections of one network are counted, and given back when they end; those of this machine are not', async () => {
  const small = await startTestServer({ limits: { total: 50, perNetwork: 2 } });
  let from = '203.0.113.7';
  // What `remoteAddress` reads, which itself cannot be replaced.
  const sockets = Socket.prototype as unknown as { _getpeername(): { address: string } };
  const address = vi.spyOn(sockets, '_getpeername').mockImplementation(() => ({ address: from }));
  onTestFinished(() => address.mockRestore());
  const greeted = async () => {
    const client = await ImapClient.open(small.imap);
    return { client, line: await client.line() };
  };
  const two = [await greeted(), await greeted()];
  const third = await greeted();
  expect(third.line).toBe('* BYE [LIMIT] Too many connections from your network');
  await third.client.closed();
  from = '203.0.113.8';
  expect((await greeted()).line).toMatch(/^\* OK/);
  from = '127.0.0.1';
  for (let count = 0; count < 5; count++) expect((await greeted()).line).toMatch(/^\* OK/);
  from = '203.0.113.7';
  two[0]?.client.close();
  await expect.poll(async () => (await greeted()).line).toMatch(/^\* OK/);
  await small.close();
});

test('a silent client is let go after half an hour, not before (RFC 9051 §5.4)', () => {
  expect(IDLE_TIMEOUT_MS).toBeGreaterThanOrEqual(30 * 60_000);
  expect(IDLE_TIMEOUT_MS).toBeLessThan(31 * 60_000);
});

test('a client that sends without end and reads nothing is held to a bounded memory', async () => {
  const client = await ImapClient.logIn(server.imap);
  await client.append('INBOX', `Subject: x\r\n\r\n${'x'.repeat(500_000)}`);
  await client.command('SELECT INBOX');
  client.socket.pause();
  const before = process.memoryUsage().rss;
  for (let count = 0; count < 2000; count++) client.send(`f${count} FETCH 1 BODY.PEEK[]\r\n`);
  const other = await ImapClient.logIn(server.imap);
  for (let count = 0; count < 200; count++) await other.command('NOOP');
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(32);
  other.close();
  client.close();
});

test('twenty bad commands in a row are enough; a good one between begins the count anew', async () => {
  const client = await ImapClient.logIn(server.imap);
  for (let count = 0; count < 19; count++) await client.command('XYZZY');
  expect((await client.command('NOOP')).status).toBe('OK');
  for (let count = 0; count < 19; count++) await client.command('XYZZY');
  client.send('last XYZZY\r\n');
  expect(await client.response()).toBe('last BAD Unknown command');
  expect(await client.response()).toBe('* BYE Too many bad commands');
  await client.closed();
});

describe('when the login is no longer valid', () => {
  test('the client is told and let go, in IDLE as well as between commands', async () => {
    const world = makeWorld();
    const over = await startTestServer({ backend: world.mirrors.backend });
    const idle = await ImapClient.logIn(over.imap, 'user1', 'right');
    idle.send('i IDLE\r\n');
    expect(await idle.response()).toBe('+ idling');
    const busy = await ImapClient.logIn(over.imap, 'user1', 'right');
    await expect.poll(() => world.bridge.sockets.some(({ socket }) => socket.readyState === socket.OPEN)).toBe(true);
    world.bridge.endLogins();
    expect(await idle.response()).toBe('* BYE [EXPIRED] This login is no longer valid');
    expect(await busy.response()).toBe('* BYE [EXPIRED] This login is no longer valid');
    await idle.closed();
    await busy.closed();
    await over.close();
  });

  test.each([0, 1])('whose it was (%i) is shown out, the other goes on', async (ended) => {
    const world = makeWorld();
    const over = await startTestServer({ backend: world.mirrors.backend });
    const clients = [await ImapClient.logIn(over.imap, 'user1', 'right'), await ImapClient.logIn(over.imap, 'user1', 'right')];
    const [lost, kept] = ended === 0 ? clients : clients.reverse();
    await expect.poll(() => world.bridge.sockets.length).toBe(1);
    world.bridge.endLogins([`token-1-${ended}`]);
    expect(await lost?.response()).toBe('* BYE [EXPIRED] This login is no longer valid');
    expect((await kept?.command('CREATE still'))?.status).toBe('OK');
    kept?.close();
    await over.close();
  });

  test('who is left with it alone is shown out, though a later login still counts', async () => {
    const world = makeWorld();
    const over = await startTestServer({ backend: world.mirrors.backend });
    const first = await ImapClient.logIn(over.imap, 'user1', 'right');
    const second = await ImapClient.logIn(over.imap, 'user1', 'right');
    await second.command('LOGOUT');
    await second.closed();
    await expect.poll(() => world.bridge.sockets.length).toBe(1);
    world.bridge.endLogins(['token-1-0']);
    expect(await first.response()).toBe('* BYE [EXPIRED] This login is no longer valid');
    await over.close();
  });
});

describe('INPROGRESS (RFC 9585)', () => {
  test.each([
    ['what is done and what is to do', [175, 1000], '* OK [INPROGRESS ("a1" 175 1000)] Still at it'],
    ['only what is done', [175], '* OK [INPROGRESS ("a1" 175 NIL)] Still at it'],
    ['nothing', [], '* OK [INPROGRESS ("a1" NIL NIL)] Still at it'],
    ['a goal that cannot be', [5, 3], '* OK [INPROGRESS ("a1" 5 NIL)] Still at it'],
    ['a goal of nothing', [0, 0], '* OK [INPROGRESS ("a1" 0 NIL)] Still at it'],
  ] as [string, number[], string][])('tells %s', (_what, [done, goal], line) => {
    expect(inProgressLine('a1', done, goal)).toBe(line);
  });

  test('is told no more often than the interval, and not where it is switched off', () => {
    const lines: string[] = [];
    const output = { line: (text: string) => lines.push(text), flush: () => {} };
    const client = { output, session: { without: new Set<string>() } } as unknown as Parameters<typeof progressOf>[0];
    const seldom = progressOf(client, 'a1', 3_600_000);
    for (let step = 0; step < 1000; step++) seldom(step, 1000);
    expect(lines).toEqual([]);
    const often = progressOf(client, 'a1', 0);
    often(1, 2);
    expect(lines).toHaveLength(1);
    const off = progressOf({ ...client, session: { without: new Set(['INPROGRESS']) } } as unknown as typeof client, 'a1', 0);
    off(1, 2);
    expect(lines).toHaveLength(1);
  });

  test('a COPY that waits for the edge says so', async () => {
    const world = makeWorld();
    const over = await startTestServer({ backend: world.mirrors.backend, timeouts: { login: 60_000, idle: 60_000, progress: 5 } });
    const client = await ImapClient.logIn(over.imap, 'user1', 'right');
    await client.append('INBOX', 'Subject: x\r\n\r\n');
    await client.command('CREATE target');
    await client.command('SELECT INBOX');
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.bridge.gate = (call) => (call === 'commit' ? held : Promise.resolve());
    client.send('c COPY 1 target\r\n');
    expect(await client.response()).toBe('* OK [INPROGRESS ("c" NIL NIL)] Still at it');
    release();
    const answer = await client.completion('c');
    expect(answer.status).toBe('OK');
    client.close();
    await over.close();
  });
});
