/**
 * Reads what a change needs, as one snapshot: the account's row, its mailboxes, and all emails of the threads it may
 * touch, because a mailbox's thread counters depend on the whole thread.
 */
import type { ThreadReferences } from '../../../shared/threads.ts';
import { THREAD_EMAILS_MAX } from '../../../shared/threads.ts';
import { rowsOf } from './database.ts';
import { idOf, keyOf, keyRange } from './keys.ts';
import {
  type AccountState,
  EMAIL_STATE_COLUMNS,
  type EmailState,
  type EmailStateRow,
  type MailboxState,
  type MailboxStateRow,
  readEmailState,
  readMailboxState,
} from './rows.ts';

/** The account has no row: it was removed, or never made. */
export class NoSuchAccount extends Error {}

export function readAccounts(db: D1Database, accounts: readonly number[]): D1PreparedStatement {
  return db.prepare('SELECT * FROM account WHERE id IN (SELECT value FROM json_each(?1))').bind(JSON.stringify(accounts));
}

/** Mailboxes that exist, of all the accounts. */
export function readMailboxes(db: D1Database, accounts: readonly number[]): D1PreparedStatement {
  const sql = `SELECT mailbox.* FROM json_each(?1) range
    JOIN mailbox ON mailbox.key BETWEEN range.value->>0 AND range.value->>1 WHERE destroyedModseq IS NULL`;
  return db.prepare(sql).bind(JSON.stringify(accounts.map(keyRange)));
}

/** All emails of the threads that hold these emails or places, without tombstones. */
export function readThreadsOf(
  db: D1Database,
  account: number,
  emails: readonly number[],
  places: readonly [number, number][],
): D1PreparedStatement {
  const sql = `SELECT ${EMAIL_STATE_COLUMNS} FROM email WHERE gone = 0 AND thread IN (
    SELECT thread FROM email WHERE key IN (SELECT value FROM json_each(?1))
    UNION SELECT p.thread FROM json_each(?2) j JOIN placement p ON p.mailbox = j.value->>0 AND p.uid = j.value->>1)`;
  const keys = emails.map((id) => keyOf(account, id));
  const pairs = places.map(([mailbox, uid]) => [keyOf(account, mailbox), uid]);
  return db.prepare(sql).bind(JSON.stringify(keys), JSON.stringify(pairs));
}

/** All emails of the threads with mail in these mailboxes, as far as `limit` placements of each. */
export function readThreadsIn(db: D1Database, account: number, mailboxes: readonly number[], limit: number): D1PreparedStatement {
  const sql = `SELECT ${EMAIL_STATE_COLUMNS} FROM email WHERE gone = 0 AND thread IN (
    SELECT thread FROM (SELECT p.thread FROM json_each(?1) j JOIN placement p ON p.mailbox = j.value LIMIT ?2))`;
  return db.prepare(sql).bind(JSON.stringify(mailboxes.map((id) => keyOf(account, id))), limit);
}

/** All emails of threads named by their keys. */
export function readThreads(db: D1Database, threads: readonly number[]): D1PreparedStatement {
  const sql = `SELECT ${EMAIL_STATE_COLUMNS} FROM email WHERE gone = 0 AND thread IN (SELECT value FROM json_each(?1))`;
  return db.prepare(sql).bind(JSON.stringify(threads));
}

export function readReferences(db: D1Database, pairs: readonly [account: number, hash: number][]): D1PreparedStatement {
  const sql = `SELECT account, hash, thread FROM json_each(?1) j JOIN reference ON account = j.value->>0 AND hash = j.value->>1`;
  return db.prepare(sql).bind(JSON.stringify(pairs));
}

export interface ReferenceRow {
  account: number;
  hash: number;
  thread: number;
}

export function accountsOf(result: D1Result | undefined): Map<number, AccountState> {
  return new Map(rowsOf<AccountState>(result).map((account) => [account.id, account]));
}

/** Mailboxes by account. */
export function mailboxesOf(result: D1Result | undefined): Map<number, MailboxState[]> {
  return group(rowsOf<MailboxStateRow>(result), readMailboxState);
}

/** Emails by account. */
export function emailsOf(result: D1Result | undefined): Map<number, EmailState[]> {
  return group(rowsOf<EmailStateRow>(result), readEmailState);
}

function group<Row extends { key: number }, State>(rows: Row[], read: (row: Row) => State): Map<number, State[]> {
  const groups = new Map<number, State[]>();
  for (const row of rows) {
    const account = (row.key - idOf(row.key)) / 2 ** 32;
    const group = groups.get(account);
    if (group) group.push(read(row));
    else groups.set(account, [read(row)]);
  }
  return groups;
}

/**
 * Reads the threads that new messages may join: for each the first known one that is not full. A full one
 * sends its message on to the next, so this may take a few reads, of which the first is nearly always the last.
 * Returns what was loaded, by account, and the threads (as keys) it covers.
 */
export async function loadCandidateThreads(
  db: D1Database,
  messages: readonly { account: number; references: ThreadReferences }[],
  known: (account: number, hash: number) => number | undefined,
): Promise<{ emails: Map<number, EmailState[]>; threads: Set<number> }> {
  const loaded = new Map<number, number>();
  const emails = new Map<number, EmailState[]>();
  for (let round = 0; round < CANDIDATE_ROUNDS; round++) {
    const wanted = new Set<number>();
    for (const { account, references } of messages) {
      const thread = firstOpenThread(account, references, known, loaded);
      if (thread !== undefined && !loaded.has(thread)) wanted.add(thread);
    }
    if (wanted.size === 0) break;
    const read = emailsOf(await readThreads(db, [...wanted]).run());
    for (const thread of wanted) loaded.set(thread, 0);
    for (const [account, states] of read) {
      for (const state of states) loaded.set(keyOf(account, state.thread), (loaded.get(keyOf(account, state.thread)) ?? 0) + 1);
      emails.set(account, [...(emails.get(account) ?? []), ...states]);
    }
  }
  return { emails, threads: new Set(loaded.keys()) };
}

/** Full threads a message may be sent on from; after that it begins its own. */
const CANDIDATE_ROUNDS = 3;

function firstOpenThread(
  account: number,
  { own, ancestors }: ThreadReferences,
  known: (account: number, hash: number) => number | undefined,
  sizes: ReadonlyMap<number, number>,
): number | undefined {
  const hashes = own === null ? ancestors : [...ancestors, own];
  return hashes.map((hash) => known(account, hash)).find((thread) => thread !== undefined && (sizes.get(thread) ?? 0) < THREAD_EMAILS_MAX);
}
