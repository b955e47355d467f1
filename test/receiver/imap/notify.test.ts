/** NOTIFY (RFC 5465) under load and beside others: slow readers, floods, limits. What it says is in `transcripts/imap/23-notify.txt`. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ImapClient } from '../../support/imap-client.ts';
import { startTestServer, type TestServer } from '../../support/imap-server.ts';
import { makeWorld } from '../mirror/harness.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  await server.close();
  expect(server.defects).toEqual([]);
});

const MESSAGES = '(MessageNew MessageExpunge FlagChange)';

test('too many groups and too many names are refused with NOTIFICATIONOVERFLOW, and nothing changes', async () => {
  const client = await ImapClient.logIn(server.imap);
  const groups = Array.from({ length: 33 }, () => `(personal ${MESSAGES})`).join(' ');
  expect(await client.command(`NOTIFY SET ${groups}`)).toMatchObject({ status: 'NO', code: 'NOTIFICATIONOVERFLOW' });
  const names = Array.from({ length: 1001 }, (_, index) => `m${index}`).join(' ');
  expect(await client.command(`NOTIFY SET (mailboxes (${names}) ${MESSAGES})`)).toMatchObject({
    status: 'NO',
    code: 'NOTIFICATIONOVERFLOW',
  });
  await client.append('INBOX', 'x');
  expect((await client.command('SELECT INBOX')).untagged).toContain('* 1 EXISTS');
  client.close();
});

test('a flood in one turn is one answer, and of very many new messages only the number is told', async () => {
  const world = makeWorld();
  const over = await startTestServer({ backend: world.mirrors.backend });
  const client = await ImapClient.logIn(over.imap, 'user1', 'right');
  await client.command('SELECT INBOX');
  await client.command(`NOTIFY SET (selected (MessageNew (UID) MessageExpunge)) (personal ${MESSAGES})`);
  await expect.poll(() => world.bridge.sockets.some(({ socket }) => socket.readyState === socket.OPEN)).toBe(true);
  const { account } = world;
  world.bridge.mutePush = true;
  for (let count = 0; count < 600; count++) account.deliver();
  world.bridge.mutePush = false;
  account.deliver();
  expect(await client.response()).toBe('* 601 EXISTS');
  account.deliver();
  expect(await client.response()).toBe('* 602 EXISTS');
  expect(await client.response()).toBe('* 602 FETCH (UID 602)');
  client.close();
  await over.close();
});

test('news and commands do not get into each other’s way', async () => {
  const watcher = await ImapClient.logIn(server.imap);
  await watcher.command('SELECT INBOX');
  await watcher.command(`NOTIFY SET (selected (MessageNew (UID BODY.PEEK[]) MessageExpunge FlagChange)) (personal ${MESSAGES})`);
  const writer = await ImapClient.logIn(server.imap);
  const body = `Subject: x\r\n\r\n${'y'.repeat(100_000)}`;
  const count = 30;
  const appended = (async () => {
    for (let index = 0; index < count; index++) await writer.append('INBOX', body);
  })();
  const untagged: string[] = [];
  for (let index = 0; index < count; index++) {
    const answer = await watcher.command('UID FETCH 1:* (FLAGS)');
    expect(answer.status).toBe('OK');
    untagged.push(...answer.untagged);
  }
  await appended;
  const bodies = () => untagged.filter((line) => line.includes('BODY[]'));
  while (bodies().length < count) untagged.push((await watcher.response()) ?? '');
  // Every answer is whole: nothing was written into the middle of a literal.
  for (const line of bodies()) expect(line).toContain(`{${body.length}}\r\n${body}`);
  expect(new Set(bodies().map((line) => /UID (\d+)/.exec(line)?.[1])).size).toBe(count);
  watcher.close();
  writer.close();
});

test('a client that does not read holds nobody up, and learns the end of it when it reads again', async () => {
  const deaf = await ImapClient.logIn(server.imap);
  await deaf.command(`NOTIFY SET (personal ${MESSAGES})`);
  deaf.socket.pause();
  const writer = await ImapClient.logIn(server.imap);
  for (let index = 0; index < 300; index++) await writer.append('INBOX', 'x');
  deaf.socket.resume();
  let line = '';
  while (!line.includes('MESSAGES 300')) line = (await deaf.response()) ?? '';
  expect(line).toMatch(/^\* STATUS INBOX \(MESSAGES 300 UIDNEXT 301 UIDVALIDITY \d+ UNSEEN 300\)$/);
  deaf.close();
  writer.close();
});

test('a client that enabled CONDSTORE hears HIGHESTMODSEQ as well', async () => {
  const client = await ImapClient.logIn(server.imap);
  await client.command('ENABLE CONDSTORE');
  const { untagged } = await client.command(`NOTIFY SET STATUS (mailboxes INBOX ${MESSAGES})`);
  expect(untagged[0]).toMatch(/^\* STATUS INBOX \(MESSAGES 0 UIDNEXT 1 UIDVALIDITY \d+ UNSEEN 0 HIGHESTMODSEQ \d+\)$/);
  client.close();
});
