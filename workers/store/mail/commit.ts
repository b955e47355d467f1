/**
 * One commit of a receiver's mirror: its operations in one batch, remembered under the commit's id, so that a commit whose
 * answer was lost can be sent again (every call is idempotent). The answer carries all changes since the mirror's cursor.
 */
import { CHANGES_PAGE_MAX, type CommitAnswer, type CommitRequest, type OperationResult } from '../../../shared/protocol.ts';
import type { Env } from '../../env.ts';
import { findOriginals } from '../blobs.ts';
import { applyOperations } from './apply.ts';
import { readChanges } from './bridge.ts';
import { mailDatabase } from './database.ts';
import type { Account } from './types.ts';

const DAY_MS = 86_400_000;
/** Days a commit's id is remembered: a receiver repeats within minutes. */
export const COMMITS_KEPT_DAYS = 2;

/** The day a commit is filed under, so that sweeping deletes a range. */
export function commitDay(now: number): number {
  return Math.floor(now / DAY_MS);
}

/** Applies a commit once. `blobs`: digests put with this very request. */
export async function commit(
  env: Env,
  account: Account,
  request: CommitRequest,
  blobs: ReadonlySet<string> = new Set(),
): Promise<CommitAnswer> {
  const results = await applyOnce(env, account, request, blobs);
  return { results, changes: await readChanges(env, account, request.since, CHANGES_PAGE_MAX + itemsOf(request)) };
}

/** What the commit itself changes comes in one page: a STORE of thousands of messages costs the receiver one round trip. */
function itemsOf({ operations }: CommitRequest): number {
  return operations.reduce((sum, operation) => {
    if ('uids' in operation) return sum + operation.uids.length;
    return sum + ('emails' in operation ? operation.emails.length : 1);
  }, 0);
}

async function applyOnce(
  env: Env,
  account: Account,
  { id, operations, atomic }: CommitRequest,
  put: ReadonlySet<string>,
): Promise<OperationResult[]> {
  const db = mailDatabase(env, account.shard);
  const day = commitDay(Date.now());
  const wanted = operations.flatMap((operation) => (operation.op === 'append' && !put.has(operation.sha256) ? [operation.sha256] : []));
  const blobs = new Set([...put, ...(await findOriginals(env, account.id, wanted))]);
  const log = {
    read: db.prepare('SELECT results FROM committed WHERE day IN (?1, ?1 - 1) AND account = ?2 AND id = ?3').bind(day, account.id, id),
    write: (results: unknown) =>
      db
        .prepare('INSERT INTO committed (day, account, id, results) VALUES (?1, ?2, ?3, ?4)')
        .bind(day, account.id, id, JSON.stringify(results)),
  };
  const made = await applyOperations(env, account, operations, blobs, { log, atomic });
  return 'known' in made ? (JSON.parse(String(made.known.results)) as OperationResult[]) : made.results;
}
