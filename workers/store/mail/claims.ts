/**
 * Claiming a due submission, so that of several workers that hear of it one sends it. The claim is a later due
 * time: when the claimer dies, the cron finds the row again after it. From here on it cannot be taken back.
 */
import type { Env } from '../../env.ts';
import { mailDatabase } from './database.ts';
import { keyOf } from './keys.ts';
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
