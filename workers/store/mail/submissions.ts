/**
 * Submissions (RFC 8621 §7), which are the outbox: a row per submitted message, found by the cron through the partial
 * index of what is due. A row is made once per idempotency key.
 */
import type { Env, OutboxAddress } from '../../env.ts';
import { moveClock, movedAccount, NEXT } from './clock.ts';
import { mailDatabase, mailDatabases } from './database.ts';
import { tellHub } from './hub.ts';
import { idOf, keyOf, keyRange, keysJson } from './keys.ts';
import type { Account, SubmissionRow } from './types.ts';

/** Submissions one listing returns. */
const SUBMISSIONS_LISTED_MAX = 1000;

interface StoredSubmission {
  key: number;
  dueAt: number | null;
  attempts: number;
  undoStatus: SubmissionRow['undoStatus'];
  sendAt: number;
  identity: number;
  email: number | null;
  thread: number | null;
  sha256: string;
  mailFrom: string;
  rcptTo: string;
  deliveryStatus: string;
}

const COLUMNS = 'key, dueAt, attempts, undoStatus, sendAt, identity, email, thread, sha256, mailFrom, rcptTo, deliveryStatus';

/** Those named, or the newest thousand. */
export async function readSubmissions(env: Env, account: Account, ids: number[] | null): Promise<SubmissionRow[]> {
  const db = mailDatabase(env, account.shard);
  const statement =
    ids === null
      ? db
          .prepare(`SELECT ${COLUMNS} FROM submission WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT ?3`)
          .bind(...keyRange(account.id), SUBMISSIONS_LISTED_MAX)
      : db.prepare(`SELECT ${COLUMNS} FROM submission WHERE key IN (SELECT value FROM json_each(?1))`).bind(keysJson(account.id, ids));
  const { results } = await statement.run<StoredSubmission>();
  return results.map(({ key, rcptTo, deliveryStatus, ...row }) => ({
    ...row,
    id: idOf(key),
    rcptTo: JSON.parse(rcptTo) as string[],
    deliveryStatus: JSON.parse(deliveryStatus) as SubmissionRow['deliveryStatus'],
  }));
}

/** Creates the row once per `idempotency` key; returns the id of the first one when it exists. */
export async function addSubmission(
  env: Env,
  account: Account,
  idempotency: string,
  submission: Omit<SubmissionRow, 'id' | 'attempts'>,
): Promise<number> {
  const db = mailDatabase(env, account.shard);
  const find = db.prepare('SELECT key FROM submission WHERE account = ?1 AND idempotency = ?2').bind(account.id, idempotency);
  const existing = await find.first<{ key: number }>();
  if (existing) return idOf(existing.key);
  try {
    return await insertSubmission(env, db, account, idempotency, submission);
  } catch (error) {
    const first = /UNIQUE constraint failed/.test(String(error)) ? await find.first<{ key: number }>() : null;
    if (!first) throw error;
    return idOf(first.key);
  }
}

async function insertSubmission(
  env: Env,
  db: D1Database,
  account: Account,
  idempotency: string,
  submission: Omit<SubmissionRow, 'id' | 'attempts'>,
): Promise<number> {
  const { dueAt, undoStatus, sendAt, identity, email, thread, sha256, mailFrom, rcptTo, deliveryStatus } = submission;
  const [moved] = await db.batch([
    moveClock(db, account.id, 'EmailSubmission', 'nextSubmission'),
    db
      .prepare(
        `INSERT INTO submission (key, account, idempotency, modseq, createdModseq, dueAt, attempts, undoStatus, sendAt, identity, email,
           thread, sha256, mailFrom, rcptTo, deliveryStatus)
         SELECT id * 4294967296 + nextSubmission - 1, id, ?2, modseq, modseq, ?3, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 FROM account WHERE id = ?1`,
      )
      .bind(
        account.id,
        idempotency,
        dueAt,
        undoStatus,
        sendAt,
        identity,
        email,
        thread,
        sha256,
        mailFrom,
        JSON.stringify(rcptTo),
        JSON.stringify(deliveryStatus),
      ),
  ]);
  const state = movedAccount(moved);
  if (!state) throw new Error(`account ${account.id} has no mail here`);
  await tellHub(env, state);
  return state.nextSubmission - 1;
}

export type SubmissionChange = Partial<Pick<SubmissionRow, 'undoStatus' | 'deliveryStatus' | 'dueAt' | 'attempts'>>;

/** Changes the given fields; false when there is no such submission, or `onlyIf` is no longer its undoStatus. */
export async function updateSubmission(
  env: Env,
  account: Account,
  id: number,
  change: SubmissionChange,
  onlyIf?: SubmissionRow['undoStatus'],
): Promise<boolean> {
  const { undoStatus = null, deliveryStatus, dueAt = null, attempts = null } = change;
  const status = deliveryStatus === undefined ? null : JSON.stringify(deliveryStatus);
  const db = mailDatabase(env, account.shard);
  const [moved, written] = await db.batch([
    moveClock(db, account.id, 'EmailSubmission'),
    db
      .prepare(
        `UPDATE submission SET modseq = ${NEXT}, undoStatus = coalesce(?3, undoStatus), deliveryStatus = coalesce(?4, deliveryStatus),
           dueAt = CASE WHEN ?5 THEN ?6 ELSE dueAt END, attempts = coalesce(?7, attempts)
         WHERE key = ?2 AND (?8 IS NULL OR undoStatus = ?8) RETURNING key`,
      )
      .bind(account.id, keyOf(account.id, id), undoStatus, status, 'dueAt' in change ? 1 : 0, dueAt, attempts, onlyIf ?? null),
  ]);
  const state = movedAccount(moved);
  if (state) await tellHub(env, state);
  return (written?.results.length ?? 0) > 0;
}

/** Submissions of all accounts that are due, the longest waiting first. One query a shard, as many rows as are due. */
export async function dueSubmissions(env: Env, now: number, limit: number): Promise<OutboxAddress[]> {
  const due: OutboxAddress[] = [];
  for (const db of mailDatabases(env)) {
    const statement = db.prepare('SELECT key, account FROM submission WHERE dueAt <= ?1 ORDER BY dueAt LIMIT ?2').bind(now, limit);
    const { results } = await statement.run<{ key: number; account: number }>();
    due.push(...results.map(({ key, account }) => ({ account, submission: idOf(key) })));
  }
  return due;
}
