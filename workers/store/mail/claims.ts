/**
 * Claiming a due submission, so that of several workers that hear of it one sends it. The claim is a later due
 * time: when the claimer dies, the cron finds the row again after it. From here on it cannot be taken back.
 */
import type { Env, OutboxAddress } from '../../env.ts';
import { mailDatabase, mailDatabases } from './database.ts';
import { idOf, keyOf } from './keys.ts';
import { readSubmissions } from './submissions.ts';
import type { Account, SubmissionRow } from './types.ts';

/** The row, now due at `until`; null when it is not due, finished, canceled, or somebody else's. Two queries. */
export async function claimSubmission(env: Env, account: Account, id: number, now: number, until: number): Promise<SubmissionRow | null> {
  const claimed = await mailDatabase(env, account.shard)
    .prepare(
      "UPDATE submission SET dueAt = ?3, undoStatus = 'final' WHERE key = ?1 AND dueAt <= ?2 AND undoStatus <> 'canceled' RETURNING key",
    )
    .bind(keyOf(account.id, id), now, until)
    .first<{ key: number }>();
  if (!claimed) return null;
  const [row] = await readSubmissions(env, account, [id]);
  return row ?? null;
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
