/**
 * One commit of a receiver's mirror: its operations in one batch, remembered under the commit's id, so that a commit whose
 * answer was lost can be sent again (every call is idempotent). The answer carries all changes since the mirror's cursor,
 * read by the batch that writes.
 */
import { CHANGES_PAGE_MAX, type CommitAnswer, type CommitRequest, type OperationResult } from '../../../shared/protocol.ts';
import type { Env } from '../../env.ts';
import { findOriginals } from '../blobs.ts';
import { applyOperations, type Made, type Reads } from './apply.ts';
import { feedStatements, makePage, readChanges, readIndexes } from './bridge.ts';
import { mailDatabase } from './database.ts';
import { keyOf } from './keys.ts';
import type { Change } from './ledger.ts';
import type { Account } from './types.ts';

const DAY_MS = 86_400_000;
/** Days a commit's id is remembered: a receiver repeats within minutes. */
export const COMMITS_KEPT_DAYS = 2;

/** New emails whose indexes come with the batch that stores them; those of more are read when the page is known, which bounds their length. */
const INDEXES_MAX = 16;

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
  const db = mailDatabase(env, account.shard);
  const limit = CHANGES_PAGE_MAX + itemsOf(request);
  const after = ({ created }: Change) => {
    const keys = created.slice(0, INDEXES_MAX).map(({ email }) => keyOf(account.id, email.id));
    return [...feedStatements(db, account, request.since, limit), ...(keys.length > 0 ? [readIndexes(db, keys)] : [])];
  };
  const made = await applyOnce(env, account, request, blobs, after);
  const found = 'known' in made ? null : made.after;
  return {
    results: 'known' in made ? (JSON.parse(String(made.known.results)) as OperationResult[]) : made.result,
    changes: found ? await makePage(db, account, request.since, limit, found) : await readChanges(env, account, request.since, limit),
  };
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
  after: Reads['after'],
): Promise<Made<OperationResult[]>> {
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
  return applyOperations(env, account, operations, blobs, { log, after, atomic });
}
