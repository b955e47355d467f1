/**
 * Whether a mirror's file may be used unseen. It is never fsynced, so a crash of the machine may tear it. Therefore a mark beside the
 * file tells which process has it in use or, once it is closed, during which run of the machine ("boot") that was, and how it was
 * left. A file whose mark does not fit is looked through before anything in it is shown (docs/decisions/0021-sound-mirror.md).
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

const MARK = '-mark';
/** What the mark says of a file that this very process has in use. */
const IN_USE = `in use by ${randomUUID()}`;
/** SQLite's log and shared memory. */
const COMPANIONS = ['-wal', '-shm', MARK];

/** Looks a file through: seconds for 100,000 messages, so nobody shall wait for it but those who want the file. */
const CHECK = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { DatabaseSync } = require('node:sqlite');
  const database = new DatabaseSync(workerData);
  parentPort.postMessage(database.prepare('PRAGMA quick_check(1)').get().quick_check);
  database.close();`;

const boot = readBoot();

/** Another one after each start of the machine; empty where the system does not tell. */
function readBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** This process has it in use, or it was closed during this run of the machine and nobody has changed it since. */
export function isSound(path: string): boolean {
  const [when, left] = readMark(path).split('\n');
  return left === IN_USE || (boot !== '' && when === boot && left === stateOf(path));
}

export function markInUse(path: string): void {
  writeFileSync(`${path}${MARK}`, `${boot}\n${IN_USE}`, { mode: 0o600 });
}

/** The file is closed: who changes it from here on is not SQLite. */
export function markClosed(path: string): void {
  try {
    writeFileSync(`${path}${MARK}`, `${boot}\n${stateOf(path)}`);
  } catch {
    // Half a mark, on a full disk, fits nothing: the file will be looked through.
  }
}

/**
 * Call it before a file is opened. One that is not known to be sound is looked through in a thread of its own, and thrown away when it is
 * damaged. Answers what is wrong with it, null when nothing is, or when there is none.
 */
export async function makeSure(path: string): Promise<string | null> {
  if (!existsSync(path) || isSound(path)) return null;
  const verdict = await lookThrough(path);
  if (verdict === 'ok') {
    markInUse(path);
    return null;
  }
  removeDatabase(path);
  return verdict;
}

function lookThrough(path: string): Promise<string> {
  return new Promise((resolve) => {
    const thread = new Worker(CHECK, { eval: true, workerData: path });
    let verdict = 'the check broke off';
    thread.on('message', (message) => {
      verdict = String(message);
    });
    thread.on('error', (error) => {
      verdict = String(error);
    });
    // Not before the thread has let go of the file.
    thread.on('exit', () => resolve(verdict));
  });
}

/** Removes a database and what lies beside it. */
export function removeDatabase(path: string): void {
  for (const suffix of ['', ...COMPANIONS]) rmSync(`${path}${suffix}`, { force: true });
}

/** A closed database takes the place of another one. */
export function replaceDatabase(path: string, by: string): void {
  removeDatabase(path);
  renameSync(by, path);
  renameSync(`${by}${MARK}`, `${path}${MARK}`);
}

function readMark(path: string): string {
  try {
    return readFileSync(`${path}${MARK}`, 'utf8');
  } catch {
    return '';
  }
}

function stateOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat ? `${stat.size} ${stat.mtimeNs}` : '';
}
