/**
 * The Worker is away: workerd is stopped, so that every call hangs as on a broken network. SMTP keeps accepting for known recipients, IMAP
 * keeps reading, writes are answered UNAVAILABLE, and everything arrives when it is back.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countMessages, openImap, openSmtp, type Posthouse, startPosthouse, until } from '../support/posthouse.ts';
import { edgePid, workerdPid } from '../support/processes.ts';

let posthouse: Posthouse;
beforeAll(async () => {
  posthouse = await startPosthouse();
});
afterAll(() => posthouse?.dispose());

test('mail is accepted and read while the edge is away, and arrives when it is back', async () => {
  const smtp = await openSmtp(posthouse);
  const send = (to: string, subject: string) => smtp.send('a@sender.test', [to], Buffer.from(`Subject: ${subject}\r\n\r\nHello\r\n`));
  await send('me@example.test', 'before');
  const imap = await openImap(posthouse);
  await imap.mailboxOpen('INBOX');
  await until('the first message', async () => (await countMessages(imap)) === 1);
  expect((await imap.fetchOne('1', { source: true })) || {}).toHaveProperty('source');

  const workerd = await workerdPid(posthouse);
  process.kill(workerd, 'SIGSTOP');
  try {
    await send('me@example.test', 'while away');
    await expect(send('nobody-asked-before@example.test', 'unknown')).rejects.toMatchObject({ responseCode: 451 });
    expect(await imap.fetchOne('1', { envelope: true, source: true })).toMatchObject({ envelope: { subject: 'before' } });
    const again = await openImap(posthouse);
    await again.mailboxOpen('INBOX');
    expect(await again.messageFlagsAdd('1', ['\\Flagged'])).toBe(false);
    await again.logout();
  } finally {
    process.kill(workerd, 'SIGCONT');
  }
  await until('the second message', async () => (await countMessages(imap)) === 2, 60_000);
  smtp.close();
  await imap.logout();
}, 120_000);

test('an edge process that dies is started again, and nothing is lost', async () => {
  const smtp = await openSmtp(posthouse);
  process.kill(await edgePid(posthouse), 'SIGKILL');
  await smtp.send('a@sender.test', ['me@example.test'], Buffer.from('Subject: after\r\n\r\nHello\r\n'));
  smtp.close();
  const imap = await until('a login', () => openImap(posthouse).catch(() => null), 60_000);
  await until('the third message', async () => (await countMessages(imap)) === 3, 60_000);
  await imap.logout();
}, 120_000);
