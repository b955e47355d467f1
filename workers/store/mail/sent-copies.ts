/**
 * Messages that reached Sent in the last minutes, by the hash of their Message-ID. A client that submits and then
 * APPENDs its own copy, or the other way round, ends with one message there.
 */

/** How long after a submission an APPEND of the same Message-ID replaces our copy. */
export const SENT_COPY_WINDOW_MS = 10 * 60_000;

export interface SentCopyRow {
  hash: number;
  email: number;
  ours: number;
}

export function readSentCopies(db: D1Database, account: number, hashes: readonly number[], now: number): D1PreparedStatement {
  const sql = `SELECT hash, email, ours FROM json_each(?2) j JOIN sent_copy ON account = ?1 AND hash = j.value WHERE at > ?3`;
  return db.prepare(sql).bind(account, JSON.stringify(hashes), now - SENT_COPY_WINDOW_MS);
}
