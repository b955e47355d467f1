/**
 * Mail that is broken in every way the fixtures know: stored byte for byte, listed, and readable by each door; and
 * clients that break the protocols, after which everybody else is served as before.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImapClient } from '../support/imap-client.ts';
import { belowTrace, countMessages, jmap, openImap, openSmtp, type Posthouse, startPosthouse, until } from '../support/posthouse.ts';

const FIXTURES = path.join(import.meta.dirname, '../fixtures/mime');
/** SMTP refuses bare CR and LF inside DATA, so the fixtures that hold them cannot come that way. */
const REFUSED = new Set(['bare-lf.eml', 'nul-and-bare-cr.eml']);
const fixtures = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.eml') && !REFUSED.has(name))
  .map((name) => ({ name, raw: readFileSync(path.join(FIXTURES, name)) }))
  .filter(({ raw }) => !/[^\r]\n|\r[^\n]/.test(raw.toString('latin1')));

let posthouse: Posthouse;
beforeAll(async () => {
  posthouse = await startPosthouse();
});
afterAll(() => posthouse?.dispose());

describe('broken mail', () => {
  test('is accepted, stored byte for byte and described by IMAP', async () => {
    expect(fixtures.length).toBeGreaterThan(5);
    const smtp = await openSmtp(posthouse);
    for (const { raw } of fixtures) await smtp.send('a@sender.test', ['me@example.test'], raw);
    smtp.close();
    const imap = await openImap(posthouse);
    await until('all of it', async () => (await countMessages(imap)) === fixtures.length);
    await imap.mailboxOpen('INBOX');
    const stored: string[] = [];
    for await (const message of imap.fetch('1:*', { source: true, envelope: true, size: true })) {
      stored.push(belowTrace(message.source ?? Buffer.alloc(0)).toString('latin1'));
      expect(message.size).toBe(message.source?.length);
    }
    await imap.logout();
    // imapflow gives up on a structure a hundred levels deep, so the repository's own client asks for it.
    const client = await ImapClient.logIn(posthouse.ready.imap);
    await client.command('SELECT INBOX');
    const { untagged } = await client.command('FETCH 1:* BODYSTRUCTURE');
    expect(untagged.filter((line) => line.includes('BODYSTRUCTURE ('))).toHaveLength(fixtures.length);
    client.close();
    // SMTP ends a message with a line break, so one that has none gains it.
    const sent = fixtures
      .map(({ raw }) => raw.toString('latin1'))
      .map((text) => (text.endsWith('\r\n') || text === '' ? text : `${text}\r\n`));
    expect(stored.sort()).toEqual(sent.sort());
  });

  test('is listed and readable by JMAP, every property of it', async () => {
    const [[name, answer]] = (await jmap(posthouse, [
      [
        'Email/get',
        {
          accountId: 'A1',
          ids: fixtures.map((_, index) => `M${index + 1}`),
          fetchAllBodyValues: true,
          properties: ['subject', 'from', 'preview', 'bodyStructure', 'bodyValues', 'textBody', 'attachments', 'size'],
        },
        'a',
      ],
    ])) as unknown as [[string, { list: { bodyStructure: object; size: number }[]; notFound: string[] }]];
    expect(name).toBe('Email/get');
    expect(answer.notFound).toEqual([]);
    expect(answer.list).toHaveLength(fixtures.length);
    for (const email of answer.list) expect(email.size).toBeGreaterThan(0);
  });
});

describe('clients that break the protocol', () => {
  test.each([
    ['SMTP', 'smtp', 'EHLO x\r\n'],
    ['submission', 'submission', 'EHLO x\r\n'],
    ['IMAP', 'imap', 'a1 CAPABILITY\r\n'],
  ] as const)('random octets, overlong lines and half sentences on %s leave it serving', async (_, port, greeting) => {
    const noise = [
      randomBytes(4096),
      Buffer.alloc(200_000, 'A'),
      Buffer.from('\0\r\n'.repeat(100)),
      Buffer.from('a1 LOGIN {99999999999+}\r\n'),
      Buffer.from(`${'('.repeat(10_000)}\r\n`),
    ];
    for (const octets of noise) await converse(posthouse.ready[port], octets);
    expect(await converse(posthouse.ready[port], Buffer.from(greeting))).toMatch(
      port === 'imap' ? /CAPABILITY IMAP4rev1|IMAP4rev2/ : /250/,
    );
    expect(posthouse.output()).not.toMatch(/defect|process\.died/);
  });
});

/** Sends octets and reads until the server has been silent for its answer or has closed. */
function converse(port: number, octets: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => resolve(heard));
    socket.on('close', () => resolve(heard));
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
    });
    socket.once('data', () => socket.write(octets, () => socket.end()));
  });
}
