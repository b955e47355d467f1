/** mbsync (isync) with 2,000 real messages: flags, moves, deletions and new mail on both sides at once; afterwards both hold the same. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadDataset } from '../support/dataset.ts';
import { ImapClient } from '../support/imap-client.ts';
import { openImap, type Posthouse, startPosthouse } from '../support/posthouse.ts';
import { appendAll } from './filling.ts';
import { MARK, marked, readMailbox, readMaildir } from './mailfolders.ts';
import { isInstalled } from './programs.ts';

const run = promisify(execFile);
const MESSAGES = 2000;
/** Messages that each side changes in each way. */
const SHARE = 100;
const FOLDERS = ['INBOX', 'Archive', 'Projects/2026'];
const MBSYNC_MS = 300_000;

describe.runIf(isInstalled('mbsync'))('mbsync', () => {
  let posthouse: Posthouse;
  let folder: string;
  let imap: ImapFlow;
  beforeAll(async () => {
    posthouse = await startPosthouse();
    folder = await mkdtemp(path.join(os.tmpdir(), 'posthouse-mbsync-'));
    imap = await openImap(posthouse);
    await writeFile(path.join(folder, 'mbsyncrc'), settings(posthouse, folder));
    await mkdir(path.join(folder, 'mail'));
  });
  afterAll(async () => {
    await imap?.logout();
    await posthouse?.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  const sync = () => run('mbsync', ['-c', path.join(folder, 'mbsyncrc'), '-a'], { timeout: MBSYNC_MS, maxBuffer: 1 << 26 });
  const maildir = (name: string) => path.join(folder, 'mail', name);

  async function expectEqual(): Promise<number> {
    let messages = 0;
    for (const name of FOLDERS) {
      const [near, far] = [await readMaildir(maildir(name)), await readMailbox(imap, name)];
      expect([...near].sort(), name).toEqual([...far].sort());
      messages += far.size;
    }
    return messages;
  }

  test('fetches 2,000 messages as they are', { timeout: 600_000 }, async () => {
    await imap.mailboxCreate('Projects/2026');
    const client = await ImapClient.logIn(posthouse.ready.imap);
    const messages = (await loadDataset(MESSAGES)).map(({ raw }, number) => ({
      raw: marked(`far-${number}`, raw),
      flags: number % 3 === 0 ? '\\Seen' : '',
    }));
    await appendAll(client, 'INBOX', messages);
    client.close();
    await sync();
    expect(await expectEqual()).toBe(MESSAGES);
  });

  test('brings changes of both sides together in one run, and has nothing left to do in the next', { timeout: 600_000 }, async () => {
    await changeFar();
    await changeNear();
    await sync();
    // What the server says in the middle of a run is taken up by the next one.
    await sync();
    const messages = await expectEqual();
    expect(messages).toBe(MESSAGES - 2 * SHARE + 2 * SHARE);
    expect((await readMailbox(imap, 'Archive')).size).toBe(2 * SHARE);
    expect((await readMailbox(imap, 'INBOX')).get('far-10')).toBe('\\Flagged');
    const before = await snapshot();
    await sync();
    expect(await snapshot()).toEqual(before);
  });

  /** The server's side: flags, deletions, moves to Archive, new mail. */
  async function changeFar(): Promise<void> {
    const lock = await imap.getMailboxLock('INBOX');
    const uids = await uidsByMark();
    const those = (first: number) => Array.from({ length: SHARE }, (_value, index) => uids.get(`far-${first + index}`) ?? 0).join(',');
    await imap.messageFlagsAdd(those(500), ['\\Flagged', '\\Answered'], { uid: true });
    await imap.messageDelete(those(600), { uid: true });
    await imap.messageMove(those(700), 'Archive', { uid: true });
    lock.release();
    for (let number = 0; number < SHARE; number++) {
      await imap.append(
        number % 2 === 0 ? 'INBOX' : 'Projects/2026',
        marked(`new-far-${number}`, Buffer.from(`Subject: far ${number}\r\n\r\nx\r\n`)),
      );
    }
  }

  async function uidsByMark(): Promise<Map<string, number>> {
    const uids = new Map<string, number>();
    for await (const { uid, headers } of imap.fetch('1:*', { headers: [MARK] })) {
      uids.set(headers?.toString().split(': ')[1]?.trim() ?? '', uid);
    }
    return uids;
  }

  /** The Maildir's side, as a mail program that works on files does it. */
  async function changeNear(): Promise<void> {
    const files = new Map<string, string>();
    for (const part of ['cur', 'new']) {
      for (const file of await readdir(path.join(maildir('INBOX'), part))) {
        const mark = new RegExp(`^${MARK}: *far-(\\d+)`, 'm').exec(await readFile(path.join(maildir('INBOX'), part, file), 'latin1'))?.[1];
        if (mark !== undefined) files.set(mark, path.join(maildir('INBOX'), part, file));
      }
    }
    const each = async (first: number, change: (file: string) => Promise<void>) => {
      for (let number = first; number < first + SHARE; number++) await change(files.get(String(number)) ?? '');
    };
    await each(0, (file) => setLetters(file, 'F'));
    await each(200, (file) => setLetters(file, 'T'));
    await each(300, (file) => rename(file, path.join(maildir('Archive'), 'cur', `moved.${path.basename(file).replace(/,U=\d+/, '')}`)));
    for (let number = 0; number < SHARE; number++) {
      const target = path.join(maildir('INBOX'), 'cur', `${1_700_000_000 + number}.near.example:2,${number % 2 === 0 ? 'S' : ''}`);
      await writeFile(
        target,
        marked(`new-near-${number}`, Buffer.from(`Subject: near ${number}\n\nx\n`))
          .toString()
          .replaceAll('\r\n', '\n'),
      );
    }
  }

  async function setLetters(file: string, letters: string): Promise<void> {
    const name = path.basename(file).replace(/:2,.*$/, '');
    await rename(file, path.join(maildir('INBOX'), 'cur', `${name}:2,${letters}`));
  }

  async function snapshot(): Promise<unknown> {
    const all: unknown[] = [];
    for (const name of FOLDERS) all.push([...(await readMailbox(imap, name))].sort());
    return all;
  }
});

function settings({ ready }: Posthouse, folder: string): string {
  const { address = '', password = '' } = ready.accounts[0] ?? {};
  return [
    'IMAPAccount far',
    'Host localhost',
    `Port ${ready.imaps}`,
    `User ${address}`,
    `Pass ${password}`,
    'SSLType IMAPS',
    `CertificateFile ${ready.ca}`,
    'PipelineDepth 50',
    '',
    'IMAPStore far',
    'Account far',
    '',
    'MaildirStore near',
    `Path ${folder}/mail/`,
    `Inbox ${folder}/mail/INBOX`,
    'SubFolders Verbatim',
    '',
    'Channel all',
    'Far :far:',
    'Near :near:',
    'Patterns *',
    'Create Both',
    'Expunge Both',
    'SyncState *',
    '',
  ].join('\n');
}
