/**
 * Email/queryChanges (RFC 8620 §5.6, RFC 8621 §4.5). What changed since a state in a way the query can see is taken out of the client's
 * list, and what of it is in the results now is put back where it stands; where the query looks at threads, so is every email of
 * a thread with such a change. All others keep their order, because it depends on nothing that changed.
 */
import type { Env } from '../../../env.ts';
import { mailDatabase, rowsOf } from '../database.ts';
import { idOf, keyOf } from '../keys.ts';
import { type AccountState, readPlacements } from '../rows.ts';
import { parsePosition, readAccount } from '../states.ts';
import type { Account } from '../types.ts';
import type { EmailFilter, EmailQuery, QueryChanges } from './email-query.ts';
import { preparePlan } from './plan.ts';
import { positionsOf } from './positions.ts';
import { countAll } from './total.ts';

/** Changed emails, and emails of their threads, that are looked at; a client that missed more queries anew. */
const CHANGED_MAX = 1000;
const TOUCHED_MAX = 5000;
/** Times the results are read again because mail changed meanwhile. */
const ATTEMPTS = 3;

/** What in a query may change: RFC 8620 §5.6 speaks of mutable properties. */
interface Dependencies {
  keywords: boolean;
  mailboxes: boolean;
  threads: boolean;
}

interface TouchedRow {
  key: number;
  thread: number;
  bornModseq: number;
  createdModseq: number;
  destroyedModseq: number | null;
}

interface ChangedRow extends TouchedRow {
  keywordsModseq: number;
  placements: string;
}

/** Changes since `since`; null when they cannot be calculated. `upTo`: the last email the client knows of, if it named one. */
export async function queryChanges(
  env: Env,
  account: Account,
  query: EmailQuery,
  since: string,
  upTo: number | null,
): Promise<QueryChanges | null> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const changes = await changesOnce(env, account, query, since, upTo);
    if (changes === null) return null;
    // Positions of one state in a list of another would be wrong.
    if (changes.newState === String((await readAccount(env, account)).emailModseq)) return changes;
  }
  return null;
}

async function changesOnce(
  env: Env,
  account: Account,
  query: EmailQuery,
  since: string,
  upTo: number | null,
): Promise<QueryChanges | null> {
  const depends = dependenciesOf(query);
  const found = await touchedSince(env, account, since, depends);
  if (found === null) return null;
  const { base, state, touched } = found;
  const plan = await preparePlan(env, account, query);
  const isImmutable = !depends.keywords && !depends.mailboxes && !depends.threads;
  const last = isImmutable && upTo !== null ? [keyOf(account.id, upTo)] : [];
  const positions = await positionsOf(plan, [...touched.map(({ key }) => key), ...last]);
  const end = last.length > 0 && upTo !== null ? (positions.get(upTo) ?? Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER;
  const added = touched
    .flatMap(({ key }) => {
      const index = positions.get(idOf(key));
      return index === undefined || index > end ? [] : [{ id: idOf(key), index }];
    })
    .sort((a, b) => a.index - b.index);
  const removed = touched.filter((row) => mayHaveBeen(row, base)).map(({ key }) => idOf(key));
  return { removed, added, newState: state, ...(query.calculateTotal ? { total: await countAll(plan) } : {}) };
}

/** JMAP may have seen the email at the state. */
function mayHaveBeen({ bornModseq, destroyedModseq }: TouchedRow, base: number): boolean {
  return bornModseq <= base && (destroyedModseq === null || destroyedModseq > base);
}

/** The emails whose place in the results may have changed, tombstones too; null when that is not known, or they are too many. */
async function touchedSince(
  env: Env,
  account: Account,
  since: string,
  depends: Dependencies,
): Promise<{ base: number; state: string; touched: TouchedRow[] } | null> {
  const db = mailDatabase(env, account.shard);
  const asked = /^\d+$/.test(since) ? parsePosition(since, { modseq: Number.MAX_SAFE_INTEGER, horizon: 0 }) : null;
  if (!asked) return null;
  const columns = 'key, thread, bornModseq, createdModseq, destroyedModseq';
  const [accounts, results] = await db.batch([
    db.prepare('SELECT * FROM account WHERE id = ?1').bind(account.id),
    db
      .prepare(`SELECT ${columns}, keywordsModseq, placements FROM email WHERE account = ?1 AND modseq > ?2 LIMIT ${CHANGED_MAX + 1}`)
      .bind(account.id, asked.base),
  ]);
  const row = rowsOf<AccountState>(accounts)[0];
  const changed = rowsOf<ChangedRow>(results);
  if (!row || !parsePosition(since, row) || changed.length > CHANGED_MAX) return null;
  const seen = changed.filter((email) => isSeen(email, asked.base, depends));
  const touched = depends.threads ? await threadsOf(db, columns, seen) : seen;
  return touched.length > TOUCHED_MAX ? null : { base: asked.base, state: String(row.emailModseq), touched };
}

async function threadsOf(db: D1Database, columns: string, emails: readonly ChangedRow[]): Promise<TouchedRow[]> {
  const threads = JSON.stringify([...new Set(emails.map(({ thread }) => thread))]);
  const sql = `SELECT ${columns} FROM email WHERE thread IN (SELECT value FROM json_each(?1)) LIMIT ${TOUCHED_MAX + 1}`;
  return (await db.prepare(sql).bind(threads).run<TouchedRow>()).results;
}

/** Whether the query can see what changed about the email. */
function isSeen({ createdModseq, destroyedModseq, keywordsModseq, placements }: ChangedRow, base: number, depends: Dependencies): boolean {
  if (createdModseq > base || (destroyedModseq ?? 0) > base) return true;
  if (depends.keywords && keywordsModseq > base) return true;
  return depends.mailboxes && readPlacements(placements).some(({ modseq, expunged = 0 }) => Math.max(modseq, expunged) > base);
}

function dependenciesOf({ filter, sort, collapseThreads }: EmailQuery): Dependencies {
  const properties = new Set([...propertiesOf(filter), ...sort.map(({ property }) => property)]);
  const has = (...names: string[]) => names.some((name) => properties.has(name));
  const inThread = has('allInThreadHaveKeyword', 'someInThreadHaveKeyword', 'noneInThreadHaveKeyword');
  return {
    keywords: inThread || has('hasKeyword', 'notKeyword'),
    mailboxes: has('inMailbox', 'inMailboxOtherThan'),
    threads: inThread || collapseThreads,
  };
}

function propertiesOf(filter: EmailFilter | null): string[] {
  if (filter === null) return [];
  return 'operator' in filter ? filter.conditions.flatMap(propertiesOf) : Object.keys(filter);
}
