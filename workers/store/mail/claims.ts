/**
 * Claiming a due submission, so that of several workers that hear of it one sends it. The claim is a later due
 * time: when the claimer dies, the cron finds the row again after it. From here on it cannot be taken back, which is a
 * change that clients are told of.
 */
import type { Env, OutboxAddress } from '../../env.ts';
import { NEXT } from './clock.ts';
import { mailDatabase, mailDatabases } from './database.ts';
import { idOf, keyOf } from './keys.ts';
import type { SubmissionRow } from './submission-rows.ts';
import { readSubmission, tellMoved } from './submissions.ts';
import type { Account } from './types.ts';

const CLAIMABLE = "key = ?2 AND dueAt <= ?3 AND undoStatus <> 'canceled'";
/** The first claim makes it final, and only that is a change. */
const SHOWS = "undoStatus = 'pending' AND destroyedModseq IS NULL";

/** The row, now due at `until`; null when it is not due, finished, canceled, or somebody else's. Three queries. */
export async function claimSubmission(env: Env, account: Account, id: number, now: number, until: number): Promise<SubmissionRow | null> {
  const db = mailDatabase(env, account.shard);
  const key = keyOf(account.id, id);
  const [moved, claimed] = await db.batch([
    db
      .prepare(
        `UPDATE account SET modseq = modseq + 1, submissionModseq = modseq + 1
         WHERE id = ?1 AND EXISTS (SELECT 1 FROM submission WHERE ${CLAIMABLE} AND ${SHOWS}) RETURNING *`,
      )
      .bind(account.id, key, now),
    db
      .prepare(
        `UPDATE submission SET modseq = CASE WHEN ${SHOWS} THEN ${NEXT} ELSE modseq END, dueAt = ?4, undoStatus = 'final'
         WHERE ${CLAIMABLE} RETURNING key`,
      )
      .bind(account.id, key, now, until),
  ]);
  tellMoved(env, moved);
  return claimed && claimed.results.length > 0 ? readSubmission(env, account, id) : null;
}

/** The id of the submission made with this idempotency key; null when there is none yet. One query. */
export async function findSubmission(env: Env, account: Account, idempotency: string): Promise<number | null> {
  const row = await mailDatabase(env, account.shard)
    .prepare('SELECT key FROM submission WHERE account = ?1 AND idempotency = ?2')
    .bind(account.id, idempotency)
    .first<{ key: number }>();
  return row ? idOf(row.key) : null;
}

/** Nobody works on it any more: its account was removed. One query a shard. */
export async function abandonSubmission(env: Env, { account, submission }: OutboxAddress): Promise<void> {
  for (const db of mailDatabases(env)) {
    await db.prepare('UPDATE submission SET dueAt = NULL WHERE key = ?1').bind(keyOf(account, submission)).run();
  }
}
