/**
 * The main job on real mail: a thousand messages of the data set over eight SMTP connections, then read back by
 * every door. Invariants 1 (one store, three doors), 2 (originals are sacred) and 3 (250 means durable).
 */
import type { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasDataset, loadDataset } from '../support/dataset.ts';
import { ImapClient } from '../support/imap-client.ts';
import { belowTrace, countMessages, jmap, openImap, openSmtp, type Posthouse, startPosthouse, until } from '../support/posthouse.ts';

const MESSAGES = 1000;
const CONNECTIONS = 8;
const DELIVERIES = 40;
/** The goal is a second on an idle machine; ten means that something polls, or waits for a timer. */
const IDLE_PATIENCE_MS = 10_000;

describe.runIf(hasDataset)('a thousand real messages', () => {
  let posthouse: Posthouse;
  let imap: ImapFlow;
  const sent: Uint8Array[] = [];

  beforeAll(async () => {
    const messages = await loadDataset(MESSAGES);
    sent.push(...messages.map(({ raw }) => raw));
    posthouse = await startPosthouse();
    imap = await openImap(posthouse);
    await imap.mailboxOpen('INBOX');
    const started = Date.now();
    await sendAll(posthouse, sent);
    const accepted = Date.now();
    await until('all messages in the Inbox', async () => (await countMessages(imap)) === MESSAGES, 120_000);
    const rate = (milliseconds: number) => Math.round((MESSAGES * 1000) / milliseconds);
    console.log(`${MESSAGES} messages: accepted at ${rate(accepted - started)}/s, visible over IMAP at ${rate(Date.now() - started)}/s`);
  }, 300_000);

  afterAll(async () => {
    await imap?.logout();
    await posthouse?.dispose();
  });

  test('are returned byte for byte below the trace headers by FETCH BODY.PEEK[]', async () => {
    const missing = new Map<string, number>();
    for (const raw of sent) {
      const key = Buffer.from(raw).toString('latin1');
      missing.set(key, (missing.get(key) ?? 0) + 1);
    }
    for await (const message of imap.fetch('1:*', { source: true, uid: true })) {
      const key = belowTrace(message.source ?? Buffer.alloc(0)).toString('latin1');
      expect(missing.get(key), `uid ${message.uid} is none of those sent: ${key.slice(0, 200)}`).toBeGreaterThan(0);
      missing.set(key, (missing.get(key) ?? 0) - 1);
    }
    expect([...missing.values()].every((count) => count === 0)).toBe(true);
  });

  test('are counted the same by JMAP', async () => {
    const [[, mailboxes], [, query]] = (await jmap(posthouse, [
      ['Mailbox/get', { accountId: await accountId(posthouse), ids: null }, 'a'],
      ['Email/query', { accountId: await accountId(posthouse), calculateTotal: true, limit: 1 }, 'b'],
    ])) as unknown as [[string, { list: { role: string; totalEmails: number; unreadEmails: number }[] }], [string, { total: number }]];
    const inbox = mailboxes.list.find(({ role }) => role === 'inbox');
    expect(inbox).toMatchObject({ totalEmails: MESSAGES, unreadEmails: MESSAGES });
    expect(query.total).toBe(MESSAGES);
  });

  test('have nothing left in the spool', async () => {
    const { readdir } = await import('node:fs/promises');
    const left = (await readdir(`${posthouse.home}/spool`, { recursive: true })).filter((name) => /\.(eml|json)$/.test(name));
    expect(left).toEqual([]);
  });

  test('a message is visible over IMAP IDLE within a second of its 250 (p95)', async () => {
    const smtp = await openSmtp(posthouse);
    const idler = await ImapClient.logIn(posthouse.ready.imap);
    await idler.command('SELECT INBOX');
    idler.send(`${idler.nextTag()} IDLE\r\n`);
    expect(await idler.line()).toMatch(/^\+/);
    const waits: number[] = [];
    for (let i = 0; i < DELIVERIES; i++) {
      const exists = lineLike(idler, /^\* \d+ EXISTS/).then(() => performance.now());
      await smtp.send('a@sender.test', ['me@example.test'], Buffer.from(`Subject: idle ${i}\r\n\r\nHello\r\n`));
      const accepted = performance.now();
      waits.push(Math.max(0, (await exists) - accepted));
    }
    smtp.close();
    idler.close();
    waits.sort((a, b) => a - b);
    const at = (share: number) => Math.round(waits[Math.ceil(waits.length * share) - 1] ?? 0);
    console.log(`250 to EXISTS over IDLE: median ${at(0.5)} ms, p95 ${at(0.95)} ms`);
    // Machines that run this are noisy; the figure of a quiet one is in docs/performance.md.
    expect(at(0.95)).toBeLessThan(IDLE_PATIENCE_MS);
  });
});

async function sendAll(posthouse: Posthouse, messages: Uint8Array[]): Promise<void> {
  const queue = [...messages];
  const work = async () => {
    const smtp = await openSmtp(posthouse);
    for (let raw = queue.shift(); raw; raw = queue.shift()) await smtp.send('sender@elsewhere.test', ['me@example.test'], raw);
    smtp.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
}

/** Reads lines until one matches. */
async function lineLike(client: ImapClient, pattern: RegExp): Promise<string> {
  for (;;) {
    const line = await client.line();
    if (line === null) throw new Error('the connection ended');
    if (pattern.test(line)) return line;
  }
}

/** The JMAP id of the first demo account. */
async function accountId({ ready }: Posthouse): Promise<string> {
  const { address, appPassword } = ready.accounts[0] ?? { address: '', appPassword: '' };
  const answer = await fetch(`${ready.http}/jmap/session`, {
    headers: { authorization: `Basic ${Buffer.from(`${address}:${appPassword}`).toString('base64')}` },
  });
  const session = (await answer.json()) as { primaryAccounts: Record<string, string> };
  return session.primaryAccounts['urn:ietf:params:jmap:mail'] ?? '';
}
