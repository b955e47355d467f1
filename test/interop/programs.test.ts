/** Programs that do one thing each: Python's imaplib, curl, imapflow, offlineimap, NeoMutt; against one `npm start`. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadDataset } from '../support/dataset.ts';
import { ImapClient } from '../support/imap-client.ts';
import { openImap, type Posthouse, startPosthouse, until } from '../support/posthouse.ts';
import { appendAll } from './filling.ts';
import { marked, readMailbox, readMaildir } from './mailfolders.ts';
import { isInstalled, PROGRAMS } from './programs.ts';

const run = promisify(execFile);
const OFFLINE_MESSAGES = 200;

let posthouse: Posthouse;
let folder: string;
beforeAll(async () => {
  posthouse = await startPosthouse();
  folder = await mkdtemp(path.join(os.tmpdir(), 'posthouse-interop-'));
});
afterAll(async () => {
  await posthouse?.dispose();
  await rm(folder, { recursive: true, force: true });
});

const account = () => posthouse.ready.accounts[0] ?? { address: '', password: '', appPassword: '' };

describe.runIf(isInstalled('python'))('imaplib', () => {
  test('does everything it knows', async () => {
    const { imaps, ca } = posthouse.ready;
    const script = path.join(import.meta.dirname, 'with-imaplib.py');
    const { stdout } = await run(PROGRAMS.python.command, [script, 'localhost', String(imaps), ca, account().address, account().password]);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('done');
  });
});

describe.runIf(isInstalled('curl'))('curl', () => {
  const curl = async (...args: string[]) => {
    const { stdout } = await run('curl', [
      '-sS',
      '--cacert',
      posthouse.ready.ca,
      '-u',
      `${account().address}:${account().appPassword}`,
      ...args,
    ]);
    return stdout;
  };
  const url = (rest: string) => `imaps://localhost:${posthouse.ready.imaps}/${rest}`;

  test('uploads, lists, searches, reads a part and removes', async () => {
    const file = path.join(folder, 'curl.eml');
    await writeFile(file, 'Subject: by curl\r\nMessage-ID: <curl@x>\r\n\r\nsent by curl\r\n');
    await curl(url(''), '-X', 'CREATE Curl');
    await curl(url('Curl'), '-T', file);
    expect(await curl(url(''))).toContain('"/" "Curl"');
    expect(await curl(url('Curl?SUBJECT%20curl'))).toBe('* SEARCH 1\r\n');
    expect(await curl(url('Curl;UID=1'))).toBe(await readFile(file, 'utf8'));
    expect(await curl(url('Curl;UID=1;SECTION=TEXT'))).toBe('sent by curl\r\n');
    await curl(url('Curl'), '-X', 'STORE 1 +FLAGS (\\Deleted)');
    await curl(url('Curl'), '-X', 'EXPUNGE');
    expect(await curl(url('Curl?ALL'))).toBe('* SEARCH\r\n');
  });

  test('logs in by OAUTHBEARER', async () => {
    const { stdout } = await run('curl', [
      ...['-sS', '--cacert', posthouse.ready.ca, '-u', account().address, '--oauth2-bearer', account().appPassword],
      ...[url(''), '-X', 'STATUS INBOX (MESSAGES)'],
    ]);
    expect(stdout).toContain('MESSAGES');
  });

  test('reads by POP3 over STLS', async () => {
    const imap = await openImap(posthouse);
    await imap.append('INBOX', Buffer.from('Subject: by POP3\r\n\r\nHello\r\n'));
    await imap.logout();
    const pop3 = (rest: string) => curl('--ssl-reqd', `pop3://localhost:${posthouse.ready.pop3}/${rest}`);
    expect(await pop3('')).toMatch(/^1 \d+\r\n/);
    expect(await pop3('1')).toContain('Subject: by POP3');
  });
});

describe('imapflow', () => {
  test('compresses, follows modifications, and sees by IDLE what another session does', async () => {
    const flow = new ImapFlow({
      host: 'localhost',
      port: posthouse.ready.imaps,
      secure: true,
      auth: { user: account().address, pass: account().password },
      tls: { ca: await readFile(posthouse.ready.ca) },
      logger: false,
      qresync: true,
    });
    await flow.connect();
    const other = await openImap(posthouse);
    await other.mailboxCreate('Flow');
    for (let number = 0; number < 3; number++)
      await other.append('Flow', marked(`flow-${number}`, Buffer.from(`Subject: ${number}\r\n\r\nx\r\n`)));
    const seen: string[] = [];
    flow.on('exists', ({ count }) => seen.push(`exists ${count}`));
    flow.on('flags', ({ flags, modseq }) => seen.push(`flags ${[...flags].join(' ')} ${typeof modseq}`));
    flow.on('expunge', ({ uid, vanished }) => seen.push(`expunge ${uid} ${vanished}`));
    const opened = await flow.mailboxOpen('Flow');
    expect(opened.highestModseq).toBeTypeOf('bigint');
    expect(flow.enabled.has('QRESYNC')).toBe(true);
    expect(flow.capabilities.has('COMPRESS=DEFLATE')).toBe(true);
    void flow.idle();
    const lock = await other.getMailboxLock('Flow');
    await other.messageFlagsAdd('1', ['\\Flagged']);
    lock.release();
    await other.append('Flow', marked('flow-3', Buffer.from('Subject: 3\r\n\r\nx\r\n')));
    const again = await other.getMailboxLock('Flow');
    await other.messageDelete('2');
    again.release();
    await until('the last change', async () => seen.includes('expunge 2 true'));
    expect(seen).toContain('flags \\Flagged bigint');
    expect(seen).toContain('exists 4');
    await flow.logout();
    await other.logout();
  });
});

describe.runIf(isInstalled('offlineimap'))('offlineimap', () => {
  test('synchronises both ways', { timeout: 400_000 }, async () => {
    const imap = await openImap(posthouse, 1);
    const client = await ImapClient.logIn(posthouse.ready.imap, 'you@example.test');
    await appendAll(
      client,
      'INBOX',
      (await loadDataset(OFFLINE_MESSAGES)).map(({ raw }, number) => ({ raw: marked(`m${number}`, raw) })),
    );
    client.close();
    const settings = path.join(folder, 'offlineimaprc');
    await writeFile(settings, offlineSettings(posthouse, folder));
    const sync = () =>
      run('offlineimap', ['-c', settings, '-o', '-u', 'basic'], { timeout: 300_000, env: { ...process.env, HOME: folder } });
    await sync();
    const inbox = path.join(folder, 'offline', 'INBOX');
    expect([...(await readMaildir(inbox))].sort()).toEqual([...(await readMailbox(imap, 'INBOX'))].sort());
    const lock = await imap.getMailboxLock('INBOX');
    await imap.messageFlagsAdd('1:20', ['\\Flagged']);
    await imap.messageDelete('21:40');
    lock.release();
    await mkdir(path.join(inbox, 'new'), { recursive: true });
    await writeFile(
      path.join(inbox, 'new', '1700000000.M1P1.near'),
      marked('near', Buffer.from('Subject: near\n\nx\n')).toString().replaceAll('\r\n', '\n'),
    );
    await sync();
    const far = await readMailbox(imap, 'INBOX');
    expect(far.size).toBe(OFFLINE_MESSAGES - 20 + 1);
    expect(far.has('near')).toBe(true);
    expect([...(await readMaildir(inbox))].sort()).toEqual([...far].sort());
    await imap.logout();
  });
});

describe.runIf(isInstalled('neomutt'))('NeoMutt', () => {
  test('flags, saves to another folder, deletes and synchronises', async () => {
    const imap = await openImap(posthouse);
    await imap.mailboxCreate('Mutt');
    await imap.mailboxCreate('Mutt-Kept');
    for (let number = 1; number <= 3; number++)
      await imap.append('Mutt', marked(`mutt-${number}`, Buffer.from(`Subject: mutt ${number}\r\n\r\nx\r\n`)));
    const settings = path.join(folder, 'neomuttrc');
    await writeFile(settings, muttSettings(posthouse));
    const keys = '<first-entry><flag-message><next-entry><save-message>=Mutt-Kept<enter><last-entry><delete-message><sync-mailbox><exit>';
    // `script` gives it the terminal that it insists on.
    const command = `neomutt -n -F ${settings} -f =Mutt -e 'push "${keys}"'`;
    await run('script', ['-qec', command, '/dev/null'], { timeout: 60_000, env: { ...process.env, HOME: folder, TERM: 'xterm' } });
    expect([...(await readMailbox(imap, 'Mutt'))]).toEqual([['mutt-1', '\\Flagged']]);
    expect([...(await readMailbox(imap, 'Mutt-Kept'))].map(([mark]) => mark)).toEqual(['mutt-2']);
    await imap.logout();
  });
});

function offlineSettings({ ready }: Posthouse, home: string): string {
  const { address = '', password = '' } = ready.accounts[1] ?? {};
  return [
    '[general]',
    'accounts = you',
    `metadata = ${home}/offlineimap`,
    '[Account you]',
    'localrepository = near',
    'remoterepository = far',
    '[Repository near]',
    'type = Maildir',
    `localfolders = ${home}/offline`,
    '[Repository far]',
    'type = IMAP',
    'remotehost = localhost',
    `remoteport = ${ready.imaps}`,
    'ssl = yes',
    `sslcacertfile = ${ready.ca}`,
    `remoteuser = ${address}`,
    `remotepass = ${password}`,
    "folderfilter = lambda name: name == 'INBOX'",
    '',
  ].join('\n');
}

function muttSettings({ ready }: Posthouse): string {
  return [
    `set folder = "imaps://localhost:${ready.imaps}/"`,
    `set imap_user = "${account().address}"`,
    `set imap_pass = "${account().password}"`,
    `set ssl_ca_certificates_file = "${ready.ca}"`,
    'set ssl_verify_host = yes',
    'set certificate_file = ""',
    'set confirmappend = no',
    'set delete = yes',
    'set quit = yes',
    'set resolve = no',
    'set wait_key = no',
    '',
  ].join('\n');
}
