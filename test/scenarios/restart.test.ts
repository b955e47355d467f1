/** Restarting loses nothing and keeps UIDs and UIDVALIDITY, by SIGTERM and by kill -9; caches may be deleted (invariant 5). */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countMessages, openImap, openSmtp, type Posthouse, startPosthouse, until } from '../support/posthouse.ts';

let posthouse: Posthouse;

beforeAll(async () => {
  posthouse = await startPosthouse();
  const smtp = await openSmtp(posthouse);
  for (let i = 0; i < 20; i++) await smtp.send('a@sender.test', ['me@example.test'], Buffer.from(`Subject: n${i}\r\n\r\nbody ${i}\r\n`));
  smtp.close();
  const imap = await openImap(posthouse);
  await until('twenty messages', async () => (await countMessages(imap)) === 20);
  await imap.mailboxOpen('INBOX');
  await imap.messageFlagsAdd('3', ['\\Flagged', '$Forwarded']);
  await imap.messageDelete('5');
  await imap.messageCopy('6', 'Archive');
  await imap.logout();
});
afterAll(() => posthouse?.dispose());

/** Everything a client would compare: uidvalidity, and each message's uid, flags, date, size and subject. */
async function picture(): Promise<unknown> {
  const imap = await openImap(posthouse);
  const mailboxes: Record<string, unknown> = {};
  for (const { path: name } of await imap.list()) {
    const mailbox = await imap.mailboxOpen(name);
    const messages = [];
    for await (const m of mailbox.exists > 0
      ? imap.fetch('1:*', { uid: true, flags: true, internalDate: true, size: true, envelope: true })
      : []) {
      messages.push([m.uid, [...(m.flags ?? [])].sort(), m.internalDate, m.size, m.envelope?.subject]);
    }
    mailboxes[name] = { uidValidity: mailbox.uidValidity, uidNext: mailbox.uidNext, messages };
  }
  await imap.logout();
  return mailboxes;
}

test('a stop by SIGTERM takes less than 10 s, and the next start finds everything with its UIDs', async () => {
  const before = await picture();
  const started = Date.now();
  expect(await posthouse.stop()).toBe(0);
  expect(Date.now() - started).toBeLessThan(10_000);
  await posthouse.start();
  expect(await picture()).toEqual(before);
});

test('after kill -9 of the supervisor the next start finds everything, and the app passwords are the same', async () => {
  const before = await picture();
  const { accounts, adminToken } = posthouse.ready;
  await posthouse.kill();
  await posthouse.start();
  expect(await picture()).toEqual(before);
  expect(posthouse.ready).toMatchObject({ accounts, adminToken });
});

test('the VPS is disposable: with its mirror and cache deleted, the same mail is there', async () => {
  const before = await picture();
  await posthouse.stop();
  for (const folder of ['mirror', 'cache']) await rm(path.join(posthouse.home, folder), { recursive: true });
  await posthouse.start();
  expect(await picture()).toEqual(before);
});
