/** POP3 (RFC 1939) over the memory session: transcripts, and what a transcript cannot say. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MemoryAccount } from '../../../receiver/imap/memory-account.ts';
import { MemoryBackend } from '../../../receiver/imap/memory-session.ts';
import { Stuffing, Top } from '../../../receiver/pop3/lines.ts';
import { type Pop3Options, type Pop3Server, startPop3 } from '../../../receiver/pop3/server.ts';
import { ImapClient } from '../../support/imap-client.ts';
import { certificate, PASSWORD, USER } from '../../support/imap-server.ts';
import { StagedMemory } from '../../support/staged-memory.ts';
import { playTranscript } from '../../support/transcript.ts';

const LETTERS = [
  { text: 'Subject: one\r\nMessage-ID: <1@x>\r\n\r\nhello\r\nmore of it\r\n' },
  { text: 'Subject: dots\r\nMessage-ID: <2@x>\r\n\r\n.\r\n.begins with a dot\r\none. two\r\n..\r\nlast' },
  { text: 'Subject: marked\r\nMessage-ID: <3@x>\r\n\r\nhidden\r\n', flags: ['\\Deleted'] },
  { text: 'Subject: long\r\nMessage-ID: <4@x>\r\n\r\nThe fourth of the letters in this mailbox\r\n\r\n' },
];

let server: Pop3Server;
let account: MemoryAccount;
let backend: MemoryBackend;
let defects: string[];

async function start(options: Partial<Pop3Options> = {}): Promise<void> {
  backend = new MemoryBackend();
  account = backend.add(USER, PASSWORD);
  defects = [];
  server = await startPop3({
    listen: '127.0.0.1',
    ports: { pop3: 0, pop3s: 0 },
    tls: certificate,
    backend,
    hostname: 'mail.example.test',
    log: { warn: (event, fields) => defects.push(`${event} ${JSON.stringify(fields)}`) },
    ...options,
  });
  for (const { text, flags = [] } of LETTERS) await append(Buffer.from(text), flags);
}

async function append(body: Uint8Array, flags: string[] = []): Promise<void> {
  await account.append(account.byName('INBOX'), { flags, body });
}

async function logIn(port = server.pop3): Promise<ImapClient> {
  const client = await ImapClient.open(port);
  await client.line('the greeting');
  for (const line of [`USER ${USER}`, `PASS ${PASSWORD}`]) {
    client.send(`${line}\r\n`);
    expect(await client.line(line)).toMatch(/^\+OK /);
  }
  return client;
}

async function ask(client: ImapClient, command: string): Promise<string | null> {
  client.send(`${command}\r\n`);
  return client.line(command);
}

/** The lines of an answer up to its dot, stuffing undone. */
async function lines(client: ImapClient): Promise<string[]> {
  const all: string[] = [];
  for (let line = await client.line('a line'); line !== null && line !== '.'; line = await client.line('a line')) {
    all.push(line.startsWith('.') ? line.slice(1) : line);
  }
  return all;
}

const flagsOf = (uid: number) => {
  const placement = account.byName('INBOX').placement(uid);
  return placement ? account.flagsOf(placement).list : null;
};

beforeEach(() => start());
afterEach(async () => {
  await server.close();
  expect(defects).toEqual([]);
});

const folder = path.join(import.meta.dirname, '../../transcripts/pop3');
test.each(readdirSync(folder))('POP3 answers as %s says', (file) =>
  playTranscript(readFileSync(path.join(folder, file), 'utf8'), { port: async () => server.pop3 }),
);

describe('what a session leaves behind', () => {
  test('QUIT makes what was read whole \\Seen, and leaves what only TOP showed', async () => {
    const client = await logIn();
    await ask(client, 'RETR 1');
    await lines(client);
    await ask(client, 'TOP 2 1');
    await lines(client);
    expect(flagsOf(1)).toEqual([]);
    expect(await ask(client, 'QUIT')).toBe('+OK Goodbye');
    expect(flagsOf(1)).toEqual(['\\Seen']);
    expect(flagsOf(2)).toEqual([]);
  });

  test('a connection that ends without QUIT removes nothing and frees the maildrop', async () => {
    const client = await logIn();
    expect(await ask(client, 'DELE 1')).toMatch(/^\+OK/);
    client.close();
    const next = await whenFree();
    expect(await ask(next, 'STAT')).toBe('+OK 3 212');
    next.close();
  });

  test('numbers stay as they were when an IMAP client removes a message meanwhile', async () => {
    const client = await logIn();
    const inbox = account.byName('INBOX');
    account.remove(inbox, inbox.those([1]));
    expect(await ask(client, 'RETR 1')).toBe('-ERR Another program has removed this message');
    expect(await ask(client, 'LIST 2')).toBe('+OK 2 77');
    expect(await ask(client, 'DELE 1')).toMatch(/^\+OK/);
    expect(await ask(client, 'QUIT')).toBe('+OK Goodbye');
    expect(flagsOf(2)).toEqual([]);
  });

  async function whenFree(): Promise<ImapClient> {
    for (;;) {
      const client = await ImapClient.open(server.pop3);
      await client.line('the greeting');
      await ask(client, `USER ${USER}`);
      const answer = await ask(client, `PASS ${PASSWORD}`);
      if (answer?.startsWith('+OK')) return client;
      expect(answer).toContain('[IN-USE]');
      client.close();
    }
  }
});

describe('the way out', () => {
  test('TLS from the first octet works on the other port', async () => {
    const client = await ImapClient.open(server.pop3s, true);
    expect(await client.line('the greeting')).toMatch(/^\+OK/);
    client.send('CAPA\r\n');
    expect(await lines(client)).not.toContain('STLS');
    client.close();
  });

  test('a message of 8 MB arrives octet for octet', async () => {
    const body = `${'x'.repeat(70)}\r\n.${'y'.repeat(20)}\r\n`.repeat(85_000);
    await append(Buffer.from(`Subject: big\r\n\r\n${body}`));
    const client = await logIn();
    expect(await ask(client, 'RETR 4')).toBe(`+OK ${body.length + 16} octets`);
    expect((await lines(client)).slice(2).join('\r\n')).toBe(body.slice(0, -2));
    client.close();
  });

  test('whatever a message is made of, undoing the dots gives its lines again', () => {
    const text = fc.string({ unit: fc.constantFrom('.', '\r\n', 'a', '.\r\n', '\n', '\r\n.\r\n'), maxLength: 40 });
    fc.assert(
      fc.property(text, fc.nat(7), (message, cut) => {
        const stuffing = new Stuffing();
        const octets = Buffer.from(message);
        const sent = [octets.subarray(0, cut), octets.subarray(cut)].map((chunk) => Buffer.from(stuffing.take(chunk)).toString()).join('');
        const whole = sent + stuffing.end();
        expect(whole.endsWith('\r\n.\r\n') || whole === '.\r\n').toBe(true);
        const received = whole.slice(0, -3).split('\r\n');
        expect(received.slice(0, -1)).not.toContain('.');
        const undone = received.map((line) => (line.startsWith('.') ? line.slice(1) : line)).join('\r\n');
        const wanted = message.replace(/\r?\n/g, '\r\n');
        expect(undone).toBe(wanted === '' || wanted.endsWith('\r\n') ? wanted : `${wanted}\r\n`);
      }),
    );
  });

  test('TOP gives as many lines of the body as asked, however the octets are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('', 'a', 'bc'), { maxLength: 6 }), fc.nat(8), fc.nat(30), (body, count, cut) => {
        const octets = Buffer.from(`Subject: x\r\n\r\n${body.map((line) => `${line}\r\n`).join('')}`);
        const top = new Top(count);
        let out = '';
        for (const chunk of [octets.subarray(0, cut), octets.subarray(cut)]) if (!top.done) out += Buffer.from(top.take(chunk)).toString();
        const wanted = body.slice(0, count).map((line) => `${line}\r\n`);
        expect(out).toBe(`Subject: x\r\n\r\n${wanted.join('')}`);
      }),
    );
  });
});

describe('hostile clients', () => {
  test('an endless line ends the connection with a reason', async () => {
    const client = await ImapClient.open(server.pop3);
    await client.line('the greeting');
    client.send('X'.repeat(10_000));
    expect(await client.line('the refusal')).toBe('-ERR Line too long');
    expect(await client.line('the end')).toBeNull();
  });

  test('a client of another protocol is let go after ten lines', async () => {
    const client = await ImapClient.open(server.pop3);
    await client.line('the greeting');
    client.send('GET / HTTP/1.1\r\n'.repeat(12));
    for (let line = 0; line < 10; line++) expect(await client.line('a refusal')).toBe('-ERR Unknown command');
    expect(await client.line('the end')).toBeNull();
  });

  test('random lines in both states never break it', async () => {
    const word = fc.constantFrom(
      'USER',
      'PASS',
      'AUTH',
      'STAT',
      'LIST',
      'RETR',
      'TOP',
      'UIDL',
      'DELE',
      'RSET',
      'NOOP',
      'CAPA',
      'PLAIN',
      '1',
      '2',
      '-1',
      '*',
      '=',
      '\0',
      '☃',
      '',
    );
    const line = fc.array(word, { maxLength: 4 }).map((words) => words.join(' '));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.boolean(), async (sent, loggedIn) => {
        await server.close();
        await start();
        const client = loggedIn ? await logIn() : await ImapClient.open(server.pop3);
        client.send(`${sent.join('\r\n')}\r\n*\r\nQUIT\r\n`);
        for (let answer = await client.line('an answer'); answer !== null; answer = await client.line('an answer'));
        expect(defects).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test('a listener that others reach takes no password without TLS', async () => {
    await server.close();
    await start({ listen: '0.0.0.0' });
    const client = await ImapClient.open(server.pop3);
    await client.line('the greeting');
    client.send('CAPA\r\n');
    expect(await lines(client)).not.toContain('USER');
    expect(await ask(client, `USER ${USER}`)).toBe('-ERR STLS comes first');
    expect(await ask(client, 'AUTH PLAIN AG1lQGV4YW1wbGUudGVzdABwb3N0aG91c2UtZGVtbw==')).toBe('-ERR STLS comes first');
    client.close();
  });

  test('who does not log in, and who falls silent, is told so', async () => {
    await server.close();
    await start({ timeouts: { login: 300, idle: 60_000 } });
    const stranger = await ImapClient.open(server.pop3);
    await stranger.line('the greeting');
    expect(await stranger.line('the end')).toBe('-ERR [SYS/TEMP] Too slow to log in');
    await server.close();
    await start({ timeouts: { login: 60_000, idle: 300 } });
    const sleeper = await logIn();
    expect(await sleeper.line('the end')).toBe('-ERR [SYS/TEMP] Idle for too long');
  });

  test('who came with a login that has ended is shown out', async () => {
    await server.close();
    const store = new StagedMemory();
    await start({ backend: store.backend });
    const client = await logIn();
    store.revoke();
    expect(await client.line('the end')).toBe('-ERR [AUTH] This login is no longer valid');
    await client.closed();
  });

  test('beyond the limit a connection is turned away, and a shutdown tells who is there', async () => {
    await server.close();
    await start({ limits: { total: 1, perNetwork: 1 } });
    const first = await logIn();
    const second = await ImapClient.open(server.pop3);
    expect(await second.line('the refusal')).toBe('-ERR [SYS/TEMP] Too many connections');
    const closing = server.close();
    expect(await first.line('the goodbye')).toBe('-ERR [SYS/TEMP] Server is shutting down');
    await closing;
    await start();
  });
});
