/**
 * The main job on real mail: a thousand messages of the data set over eight SMTP connections, then read back by
 * every door. Invariants 1 (one store, three doors), 2 (originals are sacred) and 3 (250 means durable).
 */
import type { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadDataset } from '../support/dataset.ts';
import { belowTrace, countMessages, jmap, openImap, openSmtp, type Posthouse, startPosthouse, until } from '../support/posthouse.ts';

const MESSAGES = 1000;
const CONNECTIONS = 8;

describe('a thousand real messages', () => {
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
    const waits: number[] = [];
    for (let i = 0; i < 20; i++) waits.push(await deliveryToIdle(smtp, i));
    smtp.close();
    waits.sort((a, b) => a - b);
    const p95 = waits[Math.floor(waits.length * 0.95)] ?? 0;
    console.log(`250 to EXISTS over IDLE: median ${waits[10]} ms, p95 ${p95} ms`);
    expect(p95).toBeLessThan(1000);
  });

  async function deliveryToIdle(smtp: Awaited<ReturnType<typeof openSmtp>>, i: number): Promise<number> {
    const seen = new Promise<number>((resolve) => imap.once('exists', () => resolve(Date.now())));
    await smtp.send('a@sender.test', ['me@example.test'], Buffer.from(`Subject: idle ${i}\r\n\r\nHello\r\n`));
    const accepted = Date.now();
    return Math.max(0, (await seen) - accepted);
  }
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

/** The JMAP id of the first demo account. */
async function accountId({ ready }: Posthouse): Promise<string> {
  const { address, appPassword } = ready.accounts[0] ?? { address: '', appPassword: '' };
  const answer = await fetch(`${ready.http}/jmap/session`, {
    headers: { authorization: `Basic ${Buffer.from(`${address}:${appPassword}`).toString('base64')}` },
  });
  const session = (await answer.json()) as { primaryAccounts: Record<string, string> };
  return session.primaryAccounts['urn:ietf:params:jmap:mail'] ?? '';
}
