/** The listeners and the connection: TLS, limits, slow readers, large literals, pipelining, shutdown. */
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryBackend } from '../../../receiver/imap/memory-session.ts';
import { type Backend, Refusal } from '../../../receiver/imap/session.ts';
import { ImapClient } from '../../support/imap-client.ts';
import { PASSWORD, startTestServer, type TestServer, USER } from '../../support/imap-server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  await server.close();
  expect(server.defects).toEqual([]);
});

describe('TLS', () => {
  test('the TLS port needs no STARTTLS and offers none', async () => {
    const client = await ImapClient.open(server.imaps, true);
    expect(await client.response()).toMatch(/^\* OK \[CAPABILITY (?!.*STARTTLS).*AUTH=PLAIN/);
    expect((await client.command(`LOGIN ${USER} ${PASSWORD}`)).status).toBe('OK');
    client.close();
  });

  test('without TLS a password is refused before it is looked at, unless both ends are loopback', async () => {
    const open = await startTestServer({ listen: '0.0.0.0' });
    const client = await ImapClient.open(open.imap);
    expect(await client.response()).toMatch(/STARTTLS LOGINDISABLED\]/);
    expect(await client.command(`LOGIN ${USER} ${PASSWORD}`)).toMatchObject({ status: 'NO', code: 'PRIVACYREQUIRED' });
    expect(await client.command('AUTHENTICATE PLAIN')).toMatchObject({ status: 'NO', code: 'PRIVACYREQUIRED' });
    expect((await client.command('STARTTLS')).status).toBe('OK');
    await client.startTls();
    expect((await client.command(`LOGIN ${USER} ${PASSWORD}`)).status).toBe('OK');
    client.close();
    await open.close();
  });

  test('commands put behind STARTTLS in the clear take no effect', async () => {
    const client = await ImapClient.open(server.imap);
    await client.response();
    client.send(`a1 STARTTLS\r\na2 LOGIN ${USER} ${PASSWORD}\r\n`);
    expect(await client.line()).toMatch(/^a1 OK/);
    await client.startTls();
    expect((await client.command('SELECT INBOX')).status).toBe('BAD');
    client.close();
  });

  test('a handshake that is none ends the connection and nothing else', async () => {
    const client = await ImapClient.open(server.imap);
    await client.response();
    await client.command('STARTTLS');
    client.send('this is no handshake\r\n');
    await client.closed();
    expect((await ImapClient.logIn(server.imap)).ended).toBe(false);
  });

  test('who never begins the handshake does not hold up the end', async () => {
    const other = await startTestServer();
    const silent = connect(other.imaps, '127.0.0.1').on('error', () => {});
    await new Promise((resolve) => silent.once('connect', resolve));
    await (await ImapClient.open(other.imaps, true)).response();
    await other.close();
  });

  test('a new certificate is taken without a break', async () => {
    server.updateTls();
    const client = await ImapClient.open(server.imaps, true);
    expect(await client.response()).toMatch(/^\* OK/);
    client.close();
  });
});

describe('limits', () => {
  test('one connection too many is told so', async () => {
    const small = await startTestServer({ limits: { total: 1, perNetwork: 5 } });
    const first = await ImapClient.logIn(small.imap);
    const second = await ImapClient.open(small.imap);
    expect(await second.line()).toBe('* BYE [UNAVAILABLE] Too many connections');
    await second.closed();
    expect((await first.command('NOOP')).status).toBe('OK');
    await first.command('LOGOUT');
    await first.closed();
    await small.close();
  });

  test('a message above the size limit is refused, whichever way it comes', async () => {
    const small = await startTestServer({ messageSizeLimit: 1000 });
    const client = await ImapClient.logIn(small.imap);
    expect(await client.command('APPEND INBOX {1001}')).toMatchObject({ status: 'NO', code: 'TOOBIG' });
    expect(await client.append('INBOX', 'x'.repeat(1001))).toMatchObject({ status: 'NO', code: 'TOOBIG' });
    expect(await client.append('INBOX', 'x'.repeat(1000))).toMatchObject({ status: 'OK' });
    expect((await client.command('CAPABILITY')).untagged[0]).toContain(' APPENDLIMIT=1000');
    client.close();
    await small.close();
  });

  test('a large message is spooled, kept octet for octet, and its file removed', async () => {
    const spooled = () => readdirSync(tmpdir()).filter((name) => name.startsWith('posthouse-append-')).length;
    const before = spooled();
    const message = `Subject: large\r\n\r\n${'0123456789abcde\r\n'.repeat(200_000)}`;
    const client = await ImapClient.logIn(server.imap);
    expect((await client.append('INBOX', message)).status).toBe('OK');
    await client.command('EXAMINE INBOX');
    const answer = await client.command('FETCH 1 BODY[]');
    expect(answer.untagged[0]?.length).toBe(`* 1 FETCH (BODY[] {${message.length}}\r\n)`.length + message.length);
    expect(answer.untagged[0]?.includes(message)).toBe(true);
    expect(spooled()).toBe(before);
    client.close();
  });

  test('a client that goes away in the middle of a literal leaves no file behind', async () => {
    const spooled = () => readdirSync(tmpdir()).filter((name) => name.startsWith('posthouse-append-')).length;
    const before = spooled();
    const client = await ImapClient.logIn(server.imap);
    client.send(`x APPEND INBOX {5000000+}\r\n${'x'.repeat(2_000_000)}`);
    await expect.poll(spooled).toBe(before + 1);
    client.close();
    await expect.poll(spooled).toBe(before);
  });
});

describe('time limits', () => {
  test('who does not log in is let go, even in the middle of an exchange', async () => {
    const hasty = await startTestServer({ timeouts: { login: 50, idle: 60_000 } });
    const client = await ImapClient.open(hasty.imap);
    await client.response();
    client.send('a AUTHENTICATE PLAIN\r\n');
    expect(await client.line()).toBe('+ ');
    expect(await client.line()).toBe('* BYE Too slow to log in');
    await client.closed();
    await hasty.close();
  });

  test('who is silent for too long is told and let go; a login in time stops the first clock', async () => {
    const hasty = await startTestServer({ timeouts: { login: 200, idle: 400 } });
    const client = await ImapClient.logIn(hasty.imap);
    expect(await client.line()).toBe('* BYE Idle for too long');
    await client.closed();
    await hasty.close();
  });
});

describe('answers', () => {
  test('pipelined commands are answered in their order', async () => {
    const client = await ImapClient.logIn(server.imap);
    client.send('p1 NOOP\r\np2 SELECT INBOX\r\np3 FETCH 1:* FLAGS\r\np4 LIST "" *\r\np5 NOOP\r\n');
    for (const tag of ['p1', 'p2', 'p3', 'p4', 'p5']) expect((await client.completion(tag)).status).toBe('OK');
    client.close();
  });

  test('a client that does not read is waited for and holds nobody up', async () => {
    const inbox = server.account.byName('INBOX');
    await server.account.append(inbox, { flags: [], body: Buffer.alloc(4 * 1024 * 1024, 0x61) });
    const slow = await ImapClient.logIn(server.imap);
    await slow.command('EXAMINE INBOX');
    slow.socket.pause();
    let reads = 0;
    const original = server.account.original.bind(server.account);
    server.account.original = (id) => {
      reads += 1;
      return original(id);
    };
    for (let count = 0; count < 50; count += 1) slow.send(`s${count} FETCH 1 BODY[]\r\n`);
    const other = await ImapClient.logIn(server.imap);
    for (let count = 0; count < 20; count += 1) expect((await other.command('STATUS INBOX (MESSAGES)')).status).toBe('OK');
    // What the kernel takes in for the client is a few messages; the rest has not even been read.
    expect(reads).toBeLessThan(10);
    other.close();
    slow.socket.resume();
    for (let count = 0; count < 3; count += 1) expect((await slow.completion(`s${count}`)).status).toBe('OK');
    slow.close();
  });

  test('a login that nobody can check is UNAVAILABLE, not wrong', async () => {
    const away: Backend = {
      login: async () => {
        throw new Refusal('UNAVAILABLE', 'The mail store is away');
      },
    };
    const lonely = await startTestServer({ backend: away });
    const client = await ImapClient.open(lonely.imap);
    await client.response();
    expect(await client.command(`LOGIN ${USER} ${PASSWORD}`)).toMatchObject({ status: 'NO', code: 'UNAVAILABLE' });
    client.close();
    await lonely.close();
  });

  test('a defect in the store is a NO with SERVERBUG, is logged, and the connection goes on', async () => {
    const broken = new MemoryBackend();
    const account = broken.add(USER, PASSWORD);
    account.create = () => {
      throw new TypeError('broken on purpose');
    };
    const host = await startTestServer({ backend: broken });
    const client = await ImapClient.logIn(host.imap);
    expect(await client.command('CREATE x')).toMatchObject({ status: 'NO', code: 'SERVERBUG' });
    expect((await client.command('NOOP')).status).toBe('OK');
    expect(host.defects).toHaveLength(1);
    client.close();
    await host.close();
  });

  test('shutting down says goodbye, also to who is idle', async () => {
    const host = await startTestServer();
    const client = await ImapClient.logIn(host.imap);
    client.send('i IDLE\r\n');
    expect(await client.line()).toBe('+ idling');
    const closing = host.close();
    expect(await client.line()).toBe('* BYE [UNAVAILABLE] Server is shutting down');
    await client.closed();
    await closing;
    await expect(ImapClient.open(host.imap)).rejects.toThrow();
  });

  test('a connection that is reset at once harms nobody', async () => {
    for (let count = 0; count < 20; count += 1) {
      const socket = connect(server.imap, '127.0.0.1', () => socket.resetAndDestroy());
    }
    expect((await (await ImapClient.logIn(server.imap)).command('NOOP')).status).toBe('OK');
  });
});
