/**
 * DSNs and MDNs of submissions (RFC 8621 §7: dsnBlobIds, mdnBlobIds). A report names the message by its Message-ID; it is
 * kept once with the submission, together with what it says of recipients.
 */
import { hashMessageId } from '../../../shared/threads.ts';
import type { Env } from '../../env.ts';
import { mailDatabase } from './database.ts';
import { idOf, keyOf } from './keys.ts';
import type { DeliveryStatusRow, ReportKind, SubmissionRow } from './submission-rows.ts';
import { MARK, moveClockFor, readSubmission, tellMoved } from './submissions.ts';
import type { Account } from './types.ts';

/** Reports kept of one submission: two for each of its hundred recipients. Whoever sends more is playing. */
const REPORTS_MAX = 200;
/** Message-IDs of one report that are looked up. */
const MESSAGE_IDS_MAX = 5;

/** The newest submission of a message with one of these ids; null when there is none. Two queries. */
export async function findSubmitted(env: Env, account: Account, messageIds: readonly string[]): Promise<SubmissionRow | null> {
  const hashes = await Promise.all(messageIds.slice(0, MESSAGE_IDS_MAX).map(hashMessageId));
  const row = await mailDatabase(env, account.shard)
    .prepare(
      `SELECT key FROM submission WHERE account = ?1 AND messageHash IN (SELECT value FROM json_each(?2)) AND messageHash IS NOT NULL
       ORDER BY key DESC LIMIT 1`,
    )
    .bind(account.id, JSON.stringify(hashes))
    .first<{ key: number }>();
  return row && readSubmission(env, account, idOf(row.key));
}

/** A report that came for a submission. */
export interface SubmissionReport {
  kind: ReportKind;
  /** The whole message, which is in R2. */
  sha256: string;
  at: number;
  /** What it says of recipients, merged into deliveryStatus. */
  deliveryStatus: Record<string, Partial<DeliveryStatusRow>>;
}

/** Keeps it with the submission, once however often it comes. Three queries. */
export async function addReport(env: Env, account: Account, submission: number, report: SubmissionReport): Promise<void> {
  const { kind, sha256, at, deliveryStatus } = report;
  const db = mailDatabase(env, account.shard);
  const key = keyOf(account.id, submission);
  const [moved] = await db.batch([
    moveClockFor(db, account.id, key),
    db
      .prepare(`UPDATE submission SET modseq = ${MARK}, deliveryStatus = json_patch(deliveryStatus, ?3) WHERE key = ?2`)
      .bind(account.id, key, JSON.stringify(deliveryStatus)),
    db
      .prepare(
        `INSERT INTO submission_report (submission, sha256, kind, at, account) SELECT ?2, ?3, ?4, ?5, ?1
         WHERE (SELECT count(*) FROM submission_report WHERE submission = ?2) < ${REPORTS_MAX} ON CONFLICT DO NOTHING`,
      )
      .bind(account.id, key, sha256, kind, at),
  ]);
  tellMoved(env, moved);
}
