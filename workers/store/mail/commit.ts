/**
 * One commit of a receiver's mirror: its operations in one batch, remembered under the commit's id, so that a commit whose
 * answer was lost can be sent again (every call is idempotent). The answer carries all changes since the mirror's cursor: the
 * commit's own, as it was worked out, or those read by the batch that writes.
 */
import {
  CHANGES_PAGE_MAX,
  type ChangesPage,
  type CommitAnswer,
  type CommitRequest,
  type OperationResult,
} from '../../../shared/protocol.ts';
import type { Env } from '../../env.ts';
import { findOriginals } from '../blobs.ts';
import { applyOperations, type Made, type Reads } from './apply.ts';
import { feedStatements, makePage, pageOfChange, readChanges } from './bridge.ts';
import { mailDatabase } from './database.ts';
import type { Change } from './ledger.ts';
import type { Account } from './types.ts';

const DAY_MS = 86_400_000;
/** Days a commit's id is remembered: a receiver repeats within minutes. */
export const COMMITS_KEPT_DAYS = 2;

/** The day a commit is filed under, so that sweeping deletes a range. */
export function commitDay(now: number): number {
  return Math.floor(now / DAY_MS);
}

/** Applies a commit once. `put`: the originals that came with this very request; they may be on their way into R2 still. */
export async function commit(env: Env, account: Account, request: CommitRequest, put: Reads['blobs'] = new Set()): Promise<CommitAnswer> {
  const db = mailDatabase(env, account.shard);
  const limit = CHANGES_PAGE_MAX + itemsOf(request);
  let own: ChangesPage | null = null;
  const after = (change: Change) => {
    own = pageOfChange(change, request.since);
    return own ? [] : feedStatements(db, account, request.since, limit);
  };
  const made = await applyOnce(env, account, request, put, after);
  if ('known' in made)
    return {
      results: JSON.parse(String(made.known.results)) as OperationResult[],
      changes: await readChanges(env, account, request.since, limit),
    };
  const read = () =>
    made.after ? makePage(db, account, request.since, limit, made.after) : readChanges(env, account, request.since, limit);
  return { results: made.result, changes: own ?? (await read()) };
}

/** What the commit itself changes comes in one page: a STORE of thousands of messages costs the receiver one round trip. */
function itemsOf({ operations }: CommitRequest): number {
  return operations.reduce((sum, operation) => sum + ('uids' in operation ? operation.uids.length : 1), 0);
}

async function applyOnce(
  env: Env,
  account: Account,
  { id, operations, atomic }: CommitRequest,
  put: Reads['blobs'],
  after: Reads['after'],
): Promise<Made<OperationResult[]>> {
  const db = mailDatabase(env, account.shard);
  const day = commitDay(Date.now());
  const elsewhere = operations.flatMap((operation) => (operation.op === 'append' && operation.inline === 0 ? [operation.sha256] : []));
  const blobs = Promise.all([put, findOriginals(env, account.id, elsewhere)]).then(([own, found]) => new Set([...own, ...found]));
  // The change waits for it, but may fail before: then it is nobody's.
  blobs.catch(() => {});
  const log = {
    read: db.prepare('SELECT results FROM committed WHERE day IN (?1, ?1 - 1) AND account = ?2 AND id = ?3').bind(day, account.id, id),
    write: (results: unknown) =>
      db
        .prepare('INSERT INTO committed (day, account, id, results) VALUES (?1, ?2, ?3, ?4)')
        .bind(day, account.id, id, JSON.stringify(results)),
  };
  return applyOperations(env, account, operations, blobs, { log, after, atomic });
}
