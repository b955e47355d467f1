/** A client library in wide use, imapflow, does its daily work with us. */
import { ImapFlow } from 'imapflow';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PASSWORD, startTestServer, type TestServer, USER } from '../../support/imap-server.ts';

let server: TestServer;
let client: ImapFlow;
beforeEach(async () => {
  server = await startTestServer();
  client = new ImapFlow({
    host: '127.0.0.1',
    port: server.imaps,
    secure: true,
    tls: { rejectUnauthorized: false },
    auth: { user: USER, pass: PASSWORD },
    logger: false,
  });
  await client.connect();
});
afterEach(async () => {
  await client.logout();
  await server.close();
  expect(server.defects).toEqual([]);
});

const MESSAGE = [
  'From: Ann <ann@example.org>',
  'To: me@example.test',
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  'Date: Sun, 1 Feb 2026 10:00:00 +0000',
  'Message-ID: <flow@example.org>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/alternative; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Hello Wörld',
  '--b',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Hello</p>',
  '--b--',
  '',
].join('\r\n');

test('imapflow lists, appends, fetches, searches, flags, moves and deletes', async () => {
  expect((await client.list()).map(({ path, specialUse }) => [path, specialUse])).toContainEqual(['Sent', '\\Sent']);
  const lock = await client.getMailboxLock('INBOX');
  try {
    const appended = await client.append('INBOX', Buffer.from(MESSAGE), ['\\Seen'], new Date('2026-02-01T10:00:00Z'));
    expect(appended).toMatchObject({ uid: 1 });
    const message = await client.fetchOne('1', {
      uid: true,
      envelope: true,
      bodyStructure: true,
      flags: true,
      source: true,
      internalDate: true,
    });
    if (!message) throw new Error('the message was not fetched');
    expect(message).toMatchObject({ uid: 1, envelope: { subject: 'Grüße', from: [{ name: 'Ann', address: 'ann@example.org' }] } });
    expect(message.source?.toString()).toBe(MESSAGE);
    expect(message.bodyStructure?.childNodes?.map(({ type }) => type)).toEqual(['text/plain', 'text/html']);
    expect([...(message.flags ?? [])]).toEqual(['\\Seen']);
    const { content } = await client.download('1', '1');
    const chunks: Buffer[] = [];
    for await (const chunk of content ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('Hello Wörld');
    expect(await client.search({ subject: 'grüße' }, { uid: true })).toEqual([1]);
    expect(await client.search({ seen: false })).toEqual([]);
    await client.messageFlagsAdd('1', ['\\Flagged', '$Work']);
    await client.mailboxCreate('Projekte/Übung');
    expect(await client.messageMove('1', 'Projekte/Übung')).toMatchObject({ uidMap: new Map([[1, 1]]) });
    expect(await client.status('Projekte/Übung', { messages: true, unseen: true })).toMatchObject({ messages: 1, unseen: 0 });
  } finally {
    lock.release();
  }
  await client.mailboxRename('Projekte/Übung', 'Übung');
  await client.mailboxOpen('Übung');
  expect(await client.messageDelete('1:*')).toBe(true);
  await client.mailboxClose();
  await client.mailboxDelete('Übung');
});

test('imapflow hears of new mail while it idles', async () => {
  await client.mailboxOpen('INBOX');
  const heard = new Promise<number>((resolve) => client.once('exists', ({ count }: { count: number }) => resolve(count)));
  const idling = client.idle();
  await server.account.append(server.account.byName('INBOX'), { flags: [], body: Buffer.from(MESSAGE) });
  expect(await heard).toBe(1);
  await client.noop();
  await idling;
});
