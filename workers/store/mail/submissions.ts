/**
 * Submissions (RFC 8621 §7), which are the outbox: a row per submitted message, found by the cron through the partial
 * index of what is due. A row is made once per idempotency key. One that was destroyed, or that no client made, is hidden
 * from JMAP by its `destroyedModseq` and goes on being delivered.
 */
import type { Env, OutboxAddress } from '../../env.ts';
import { moveClock, movedAccount, NEXT } from './clock.ts';
import { mailDatabase, mailDatabases } from './database.ts';
import { tellHub } from './hub.ts';
import { idOf, keyOf, keysJson } from './keys.ts';
import type { NewSubmissionRow, SubmissionChange, SubmissionRow } from './submission-rows.ts';
import type { Account } from './types.ts';

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
  parameters: string | null;
  deliveryStatus: string;
  reports: string;
}

const COLUMNS = `key, dueAt, attempts, undoStatus, sendAt, identity, email, thread, sha256, mailFrom, rcptTo, parameters, deliveryStatus,
  (SELECT json_group_array(json_object('kind', kind, 'sha256', sha256)) FROM
    (SELECT r.kind, r.sha256 FROM submission_report r WHERE r.submission = submission.key ORDER BY r.at, r.sha256)) AS reports`;

/** Those named, or the newest thousand, without what JMAP does not see. */
export async function readSubmissions(env: Env, account: Account, ids: number[] | null): Promise<SubmissionRow[]> {
  const db = mailDatabase(env, account.shard);
  const statement =
    ids === null
      ? db
          .prepare(
            `SELECT ${COLUMNS} FROM submission WHERE account = ?1 AND destroyedModseq IS NULL ORDER BY sendAt DESC, key DESC LIMIT ?2`,
          )
          .bind(account.id, SUBMISSIONS_LISTED_MAX)
      : db
          .prepare(`SELECT ${COLUMNS} FROM submission WHERE key IN (SELECT value FROM json_each(?1)) AND destroyedModseq IS NULL`)
          .bind(keysJson(account.id, ids));
  const { results } = await statement.run<StoredSubmission>();
  return results.map(readRow);
}

/** One row, whether JMAP sees it or not. */
export async function readSubmission(env: Env, account: Account, id: number): Promise<SubmissionRow | null> {
  const statement = mailDatabase(env, account.shard).prepare(`SELECT ${COLUMNS} FROM submission WHERE key = ?1`);
  const row = await statement.bind(keyOf(account.id, id)).first<StoredSubmission>();
  return row && readRow(row);
}

function readRow({ key, rcptTo, deliveryStatus, parameters, reports, ...row }: StoredSubmission): SubmissionRow {
  return {
    ...row,
    id: idOf(key),
    rcptTo: JSON.parse(rcptTo) as string[],
    parameters: parameters === null ? null : (JSON.parse(parameters) as SubmissionRow['parameters']),
    deliveryStatus: JSON.parse(deliveryStatus) as SubmissionRow['deliveryStatus'],
    reports: JSON.parse(reports) as SubmissionRow['reports'],
  };
}

/** Creates the row once per `idempotency` key; returns the id of the first one when it exists. */
export async function addSubmission(env: Env, account: Account, idempotency: string, submission: NewSubmissionRow): Promise<number> {
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
  submission: NewSubmissionRow,
): Promise<number> {
  const { isListed = true } = submission;
  const number = isListed ? moveClock(db, account.id, 'EmailSubmission', 'nextSubmission') : takeNumber(db, account.id);
  const [moved] = await db.batch([number, insertRow(db, account, idempotency, submission)]);
  const state = movedAccount(moved);
  if (!state) throw new Error(`account ${account.id} has no mail here`);
  if (isListed) tellHub(env, state);
  return state.nextSubmission - 1;
}

/** Nothing that a client could see changes with a hidden row, so the clock stands. */
function takeNumber(db: D1Database, account: number): D1PreparedStatement {
  return db.prepare('UPDATE account SET nextSubmission = nextSubmission + 1 WHERE id = ?1 RETURNING *').bind(account);
}

function insertRow(db: D1Database, account: Account, idempotency: string, submission: NewSubmissionRow): D1PreparedStatement {
  const { dueAt, undoStatus, sendAt, identity, email, thread, sha256, mailFrom, rcptTo, deliveryStatus } = submission;
  const { parameters = null, messageHash = null, isListed = true } = submission;
  return db
    .prepare(
      `INSERT INTO submission (key, account, idempotency, modseq, createdModseq, dueAt, attempts, undoStatus, sendAt, identity, email,
         thread, sha256, mailFrom, rcptTo, deliveryStatus, parameters, messageHash, destroyedModseq)
       SELECT id * 4294967296 + nextSubmission - 1, id, ?2, modseq, modseq, ?3, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
         CASE WHEN ?15 THEN NULL ELSE modseq END FROM account WHERE id = ?1`,
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
      parameters && JSON.stringify(parameters),
      messageHash,
      isListed ? 1 : 0,
    );
}

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
  const key = keyOf(account.id, id);
  const [moved, written] = await db.batch([
    moveClockFor(db, account.id, key, onlyIf),
    db
      .prepare(
        `UPDATE submission SET modseq = ${MARK}, undoStatus = coalesce(?3, undoStatus),
           deliveryStatus = json_patch(deliveryStatus, coalesce(?4, '{}')), dueAt = CASE WHEN ?5 THEN ?6 ELSE dueAt END,
           attempts = coalesce(?7, attempts)
         WHERE key = ?2 AND (?8 IS NULL OR undoStatus = ?8) RETURNING key`,
      )
      .bind(account.id, key, undoStatus, status, 'dueAt' in change ? 1 : 0, dueAt, attempts, onlyIf ?? null),
  ]);
  tellMoved(env, moved);
  return (written?.results.length ?? 0) > 0;
}

/** The clock for what JMAP sees; what it does not see keeps the mark of when that began. `?1` is the account. */
export const MARK = `CASE WHEN destroyedModseq IS NULL THEN ${NEXT} ELSE modseq END`;

/** Moves the clock if JMAP sees this submission, and its undoStatus is as expected: nothing changes for a client otherwise. */
export function moveClockFor(db: D1Database, account: number, key: number, onlyIf?: SubmissionRow['undoStatus']): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE account SET modseq = modseq + 1, submissionModseq = modseq + 1 WHERE id = ?1 AND EXISTS
         (SELECT 1 FROM submission WHERE key = ?2 AND destroyedModseq IS NULL AND (?3 IS NULL OR undoStatus = ?3)) RETURNING *`,
    )
    .bind(account, key, onlyIf ?? null);
}

/** Tells the hub, if the clock moved. */
export function tellMoved(env: Env, moved: D1Result | undefined): void {
  const state = movedAccount(moved);
  if (state) tellHub(env, state);
}

/** Hides the record (RFC 8621 §7: its deliveries go on); false when there is none. */
export async function destroySubmission(env: Env, account: Account, id: number): Promise<boolean> {
  const db = mailDatabase(env, account.shard);
  const key = keyOf(account.id, id);
  const [moved, written] = await db.batch([
    moveClockFor(db, account.id, key),
    db
      .prepare(`UPDATE submission SET modseq = ${NEXT}, destroyedModseq = ${NEXT} WHERE key = ?2 AND destroyedModseq IS NULL RETURNING key`)
      .bind(account.id, key),
  ]);
  tellMoved(env, moved);
  return (written?.results.length ?? 0) > 0;
}

/** A submission, and when it is due. */
export interface DueSubmission extends OutboxAddress {
  dueAt: number;
}

/** Submissions of all accounts that are due at `before`, the longest waiting first. One query a shard, as many rows as are due. */
export async function dueSubmissions(env: Env, before: number, limit: number): Promise<DueSubmission[]> {
  const due: DueSubmission[] = [];
  for (const db of mailDatabases(env)) {
    const statement = db
      .prepare('SELECT key, account, dueAt FROM submission WHERE dueAt <= ?1 ORDER BY dueAt LIMIT ?2')
      .bind(before, limit);
    const { results } = await statement.run<{ key: number; account: number; dueAt: number }>();
    due.push(...results.map(({ key, ...row }) => ({ ...row, submission: idOf(key) })));
  }
  return due;
}

/** Deletes records destroyed before the horizon that have nothing left to deliver. Their originals are found unused later. */
export function forgetSubmissions(db: D1Database, max: number): D1PreparedStatement[] {
  const forgotten = `SELECT s.key FROM account a CROSS JOIN submission s ON s.account = a.id AND s.destroyedModseq IS NOT NULL
    AND s.destroyedModseq <= a.horizon WHERE s.dueAt IS NULL LIMIT ${max}`;
  return [
    db.prepare(`DELETE FROM submission_report WHERE submission IN (${forgotten})`),
    db.prepare(`DELETE FROM submission WHERE key IN (${forgotten})`),
  ];
}
