/**
 * Forgetting: the marks that `/changes` and mirrors are answered from are kept for the change horizon and then deleted. What
 * asks from before it starts afresh (DESIGN.md, "Expunged marks"). Each step is a few statements with a bounded number of rows.
 */
import { COMMITS_KEPT_DAYS, commitDay } from './commit.ts';
import { SENT_COPY_WINDOW_MS } from './sent-copies.ts';
import { forgetSubmissions } from './submissions.ts';
import { forgetReplies } from './vacation.ts';

const DAY_MS = 86_400_000;
/** How long a client may be away and still be told what changed: at least this, at most twice this. */
export const HORIZON_MS = 30 * DAY_MS;
/** How long a spool entry's receipt is kept (DESIGN.md: idempotency for 30 days). */
export const RECEIPT_MS = 30 * DAY_MS;
/** Tombstones deleted in one run. */
const TOMBSTONES_MAX = 1000;

/** Moves the horizon of accounts whose last candidate is old enough, and takes the next candidate. */
export function advanceHorizons(db: D1Database, now: number): D1PreparedStatement {
  const sql = `UPDATE account SET horizon = max(horizon, nextHorizon), nextHorizon = modseq, nextHorizonAt = ?1 WHERE nextHorizonAt <= ?1 - ?2`;
  return db.prepare(sql).bind(now, HORIZON_MS);
}

/** Deletes tombstones behind the horizon; originals that nothing points to any more are condemned first. */
export function forget(db: D1Database, now: number): D1PreparedStatement[] {
  const forgotten = `SELECT e.key FROM account a CROSS JOIN email e ON e.account = a.id AND e.gone = 1 AND e.modseq <= a.horizon LIMIT ${TOMBSTONES_MAX}`;
  return [
    db
      .prepare(
        `INSERT INTO condemned (account, sha256, at) SELECT DISTINCT account, sha256, ?1 FROM email t WHERE key IN (${forgotten})
         AND NOT EXISTS (SELECT 1 FROM email l WHERE l.account = t.account AND l.sha256 = t.sha256 AND l.gone = 0)
         AND NOT EXISTS (SELECT 1 FROM submission s WHERE s.account = t.account AND s.sha256 = t.sha256)
         AND NOT EXISTS (SELECT 1 FROM submission_report r WHERE r.account = t.account AND r.sha256 = t.sha256)
         ON CONFLICT (account, sha256) DO NOTHING`,
      )
      .bind(now),
    db.prepare(`DELETE FROM email WHERE key IN (${forgotten})`),
    db.prepare(
      `DELETE FROM mailbox WHERE destroyedModseq IS NOT NULL AND destroyedModseq <= (SELECT horizon FROM account WHERE id = mailbox.key / 4294967296)`,
    ),
    db.prepare(
      `DELETE FROM identity WHERE destroyedModseq IS NOT NULL AND destroyedModseq <= (SELECT horizon FROM account WHERE id = identity.key / 4294967296)`,
    ),
    ...forgetSubmissions(db, TOMBSTONES_MAX),
  ];
}

/** Deletes receipts, remembered commits and notes on Sent that have served. */
export function forgetCalls(db: D1Database, now: number): D1PreparedStatement[] {
  const oldest = Math.max(0, now - RECEIPT_MS)
    .toString(16)
    .padStart(12, '0');
  return [
    db.prepare('DELETE FROM receipt WHERE spool < ?1').bind(oldest),
    db.prepare('DELETE FROM committed WHERE day < ?1').bind(commitDay(now) - COMMITS_KEPT_DAYS),
    db.prepare('DELETE FROM sent_copy WHERE at <= ?1').bind(now - SENT_COPY_WINDOW_MS),
    forgetReplies(db, now),
  ];
}
