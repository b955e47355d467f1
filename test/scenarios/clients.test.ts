/**
 * Programs people have: curl reads over `imaps://` and `pop3s://`, msmtp sends through 465 and 587. Left out, and said so, where a
 * machine lacks them.
 */
import { execFile, spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countMessages, openImap, openSmtp, type Posthouse, startPosthouse, until } from '../support/posthouse.ts';

const run = promisify(execFile);
const has = (program: string) => spawnSync(program, ['--version']).status === 0;

let posthouse: Posthouse;
beforeAll(async () => {
  posthouse = await startPosthouse();
});
afterAll(() => posthouse?.dispose());

describe.runIf(has('curl'))('curl', () => {
  test('reads a message over imaps', async () => {
    const smtp = await openSmtp(posthouse);
    await smtp.send('a@sender.test', ['me@example.test'], Buffer.from('Subject: for curl\r\n\r\nHello curl\r\n'));
    smtp.close();
    const imap = await openImap(posthouse);
    await until('the message', async () => (await countMessages(imap)) === 1);
    await imap.logout();
    const { ca, imaps, accounts } = posthouse.ready;
    const { stdout } = await run('curl', [
      '-sS',
      '--cacert',
      ca,
      '-u',
      `${accounts[0]?.address}:${accounts[0]?.password}`,
      `imaps://localhost:${imaps}/INBOX;UID=1`,
    ]);
    expect(stdout).toContain('Subject: for curl');
    expect(stdout).toContain('Hello curl');
  });

  test('reads the same message over pop3s', async () => {
    const { ca, pop3s, accounts } = posthouse.ready;
    const user = `${accounts[0]?.address}:${accounts[0]?.appPassword}`;
    const { stdout } = await run('curl', ['-sS', '--cacert', ca, '-u', user, `pop3s://localhost:${pop3s}/1`]);
    expect(stdout).toContain('Subject: for curl');
    expect(stdout.endsWith('Hello curl\r\n')).toBe(true);
  });
});

describe.runIf(has('msmtp'))('msmtp', () => {
  test.each([
    { name: '465 with TLS', port: 'submissions', starttls: 'off' },
    { name: '587 with STARTTLS', port: 'submission', starttls: 'on' },
  ] as const)('sends through $name; the message is in sent/ and once in Sent', async ({ port, starttls }) => {
    const subject = `msmtp with tls_starttls ${starttls}`;
    await msmtp(
      posthouse.ready[port],
      starttls,
      `From: me@example.test\nTo: Friend <friend@elsewhere.test>\nBcc: secret@elsewhere.test\nSubject: ${subject}\n\nHello\n`,
    );
    const left = await until('the message in sent/', () => findSent(subject));
    expect(left.envelope).toMatchObject({ mailFrom: 'me@example.test', rcptTo: ['friend@elsewhere.test', 'secret@elsewhere.test'] });
    expect(left.raw).toMatch(/^Message-ID: <.+@.+>\r$/im);
    expect(left.raw).toMatch(/^Date: /im);
    expect(left.raw).not.toMatch(/^Bcc:/im);
    const kept = await sentCopies(subject);
    expect(kept).toHaveLength(1);
    expect(kept[0]).toMatch(/^Bcc: secret@elsewhere\.test\r$/im);
  });

  test('a sender address that is not the account’s own is refused with 550 5.7.1', async () => {
    const failure = await msmtp(
      posthouse.ready.submissions,
      'off',
      'From: you@example.test\nTo: a@elsewhere.test\nSubject: no\n\nHello\n',
    ).catch((error) => error.stderr);
    expect(failure).toMatch(/550[ -]5\.7\.1/);
  });

  test('a recipient here is delivered here, and an unknown one is refused with 550', async () => {
    await msmtp(posthouse.ready.submissions, 'off', 'From: me@example.test\nTo: you@example.test\nSubject: local\n\nHello\n');
    const imap = await openImap(posthouse, 1);
    await until('the message in the other Inbox', async () => (await countMessages(imap)) === 1);
    await imap.logout();
    const failure = await msmtp(
      posthouse.ready.submissions,
      'off',
      'From: me@example.test\nTo: nobody@example.test\nSubject: no\n\nHello\n',
    ).catch((error) => error.stderr);
    expect(failure).toMatch(/550[ -]5\.1\.1/);
  });
});

/** Sends with msmtp as a person would configure it: password from a file, our authority trusted. */
async function msmtp(port: number, starttls: 'on' | 'off', message: string): Promise<void> {
  const { ca, accounts } = posthouse.ready;
  const config = path.join(posthouse.home, `msmtprc-${port}`);
  await writeFile(
    config,
    `account default\nhost localhost\nport ${port}\ntls on\ntls_starttls ${starttls}\ntls_trust_file ${ca}\nauth plain\nuser ${accounts[0]?.address}\npassword ${accounts[0]?.password}\nfrom me@example.test\nundisclosed_recipients off\nremove_bcc_headers off\n`,
    { mode: 0o600 },
  );
  const child = run('msmtp', ['-C', config, '-t']);
  child.child.stdin?.end(message);
  await child;
}

async function findSent(subject: string): Promise<{ raw: string; envelope: unknown } | null> {
  const folder = path.join(posthouse.home, 'sent');
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.endsWith('.eml')) continue;
    const raw = await readFile(path.join(folder, name), 'latin1');
    if (raw.includes(`Subject: ${subject}\r\n`))
      return { raw, envelope: JSON.parse(await readFile(path.join(folder, name.replace(/eml$/, 'json')), 'utf8')) };
  }
  return null;
}

/** The messages of that subject in Sent, as source text. */
async function sentCopies(subject: string): Promise<string[]> {
  const imap = await openImap(posthouse);
  await imap.mailboxOpen('Sent');
  const found: string[] = [];
  for await (const message of imap.fetch({ subject }, { source: true })) found.push(message.source?.toString('latin1') ?? '');
  await imap.logout();
  return found;
}
