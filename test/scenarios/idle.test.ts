/**
 * What happens behind the back of a client that idles, with the real processes: its app password is withdrawn, the receiver stands
 * still for a while, the receiver ends.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ImapClient } from '../support/imap-client.ts';
import { countMessages, jmap, openImap, openSmtp, type Posthouse, startPosthouse, until } from '../support/posthouse.ts';
import { receiverPid } from '../support/processes.ts';

const ADDRESS = 'me@example.test';
const COMMAND_LINE = path.resolve(import.meta.dirname, '../../receiver/cli/main.ts');

let posthouse: Posthouse;
beforeAll(async () => {
  posthouse = await startPosthouse();
});
afterAll(() => posthouse?.dispose());

/** Runs `posthouse …`. */
function run(...words: string[]): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, POSTHOUSE_HOME: posthouse.home };
  return promisify(execFile)(process.execPath, [COMMAND_LINE, ...words], { env });
}

async function idle(password: string): Promise<ImapClient> {
  const client = await ImapClient.logIn(posthouse.ready.imap, ADDRESS, password);
  await client.command('SELECT INBOX');
  client.send('i IDLE\r\n');
  expect(await client.response()).toBe('+ idling');
  return client;
}

/** As a JMAP client does it, so that the receiver has no part in it. */
async function flagEverything(): Promise<void> {
  const accountId = 'A1';
  const answers = await jmap(posthouse, [['Email/query', { accountId }, 'q']]);
  const ids = answers[0]?.[1].ids as string[];
  const update = Object.fromEntries(ids.map((email) => [email, { 'keywords/$flagged': true }]));
  await jmap(posthouse, [['Email/set', { accountId, update }, 's']]);
}

test('who idles with an app password that is withdrawn is shown out at once; other devices stay', async () => {
  const made = await run('app-password', 'add', ADDRESS, 'phone');
  const id = /App password (\d+)/.exec(made.stderr + made.stdout)?.[1] ?? '';
  const phone = await idle(made.stdout.trim());
  const laptop = await openImap(posthouse);
  await run('app-password', 'remove', ADDRESS, id);
  expect(await phone.response()).toBe('* BYE [EXPIRED] This login is no longer valid');
  await phone.closed();
  expect(await countMessages(laptop)).toBe(0);
  await laptop.logout();
});

test('a receiver that was stopped tells its clients afterwards what happened meanwhile', async () => {
  const smtp = await openSmtp(posthouse);
  const [account] = posthouse.ready.accounts;
  const imap = await openImap(posthouse);
  await smtp.send('a@sender.test', [ADDRESS], Buffer.from('Subject: before\r\n\r\nHello\r\n'));
  await until('the message', async () => (await countMessages(imap)) > 0);
  const client = await idle(account?.appPassword ?? '');
  const receiver = await receiverPid(posthouse);
  process.kill(receiver, 'SIGSTOP');
  try {
    await flagEverything();
  } finally {
    process.kill(receiver, 'SIGCONT');
  }
  expect(await client.response()).toBe('* 1 FETCH (FLAGS (\\Flagged))');
  client.close();
  smtp.close();
  await imap.logout();
});

test('a receiver that ends says goodbye to who idles', async () => {
  const client = await idle(posthouse.ready.accounts[0]?.appPassword ?? '');
  const ended = posthouse.stop();
  expect(await client.response()).toBe('* BYE [UNAVAILABLE] Server is shutting down');
  await client.closed();
  await ended;
});
