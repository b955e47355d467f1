/**
 * `/changes` of each JMAP type (RFC 8620 §5.2), read from the marks that every change leaves. What was created and destroyed
 * since the state appears nowhere. Reads as many index entries as rows changed, and one row per answer.
 */
import type { Env } from '../../env.ts';
import { mailDatabase, rowsOf } from './database.ts';
import { idOf, keyRange } from './keys.ts';
import type { AccountState } from './rows.ts';
import { formatPosition, type Position, parsePosition } from './states.ts';
import type { Account, TypeChanges } from './types.ts';

/** One changed object: since when it exists for JMAP, and whether it still does. */
interface ChangedRow {
  key: number;
  modseq: number;
  createdModseq: number;
  destroyedModseq: number | null;
}

/** Rows after a position, with one more than asked so that it is known whether more wait. */
type Reader = (db: D1Database, account: number, position: Position, limit: number) => D1PreparedStatement;

const AFTER = '(modseq > ?3 OR (modseq = ?3 AND key > ?4)) AND modseq >= ?3';

const readEmails: Reader = (db, account, { base, modseq, key }, limit) =>
  db
    .prepare(
      `SELECT key, modseq, createdModseq, destroyedModseq FROM email WHERE account = ?1 AND ${AFTER}
       AND (destroyedModseq IS NULL OR (destroyedModseq > ?2 AND bornModseq <= ?3)) ORDER BY modseq, key LIMIT ?5`,
    )
    .bind(account, base, modseq, key, limit);

/**
 * Threads follow the emails that came or went. A thread existed at `base` when one of its emails was visible then, and
 * exists now when one is visible now. Past the first page the asker may know of any, so all that went are told.
 */
const readThreads: Reader = (db, account, { base, modseq, key }, limit) =>
  db
    .prepare(
      `SELECT * FROM (SELECT e.thread AS key, e.modseq AS modseq, e.key AS email,
         CASE WHEN EXISTS (SELECT 1 FROM email o WHERE o.thread = e.thread AND o.createdModseq <= ?2
           AND (o.destroyedModseq IS NULL OR o.destroyedModseq > ?2)) THEN ?2 ELSE ?2 + 1 END AS createdModseq,
         CASE WHEN EXISTS (SELECT 1 FROM email n WHERE n.thread = e.thread AND n.gone = 0 AND n.live = 1) THEN NULL ELSE ?2 + 1 END AS destroyedModseq
       FROM email e WHERE e.account = ?1 AND (e.modseq > ?3 OR (e.modseq = ?3 AND e.key > ?4)) AND e.modseq >= ?3
       AND (e.createdModseq > ?2 OR e.destroyedModseq > ?2))
       WHERE createdModseq = ?2 OR destroyedModseq IS NULL OR ?3 > ?2 ORDER BY modseq, email LIMIT ?5`,
    )
    .bind(account, base, modseq, key, limit);

const readMailboxes: Reader = (db, account, { base, modseq, key }, limit) =>
  db
    .prepare(
      `SELECT key, modseq, createdModseq, destroyedModseq, propertiesModseq FROM mailbox WHERE key BETWEEN ?1 AND ?6 AND ${AFTER}
       AND (destroyedModseq IS NULL OR createdModseq <= ?3) ORDER BY modseq, key LIMIT ?5`,
    )
    .bind(keyRange(account)[0], base, modseq, key, limit, keyRange(account)[1]);

const readIdentities: Reader = (db, account, { base, modseq, key }, limit) =>
  db
    .prepare(
      `SELECT key, modseq, createdModseq, destroyedModseq FROM identity WHERE key BETWEEN ?1 AND ?6 AND ${AFTER}
       AND (destroyedModseq IS NULL OR createdModseq <= ?3) ORDER BY modseq, key LIMIT ?5`,
    )
    .bind(keyRange(account)[0], base, modseq, key, limit, keyRange(account)[1]);

/** What never showed (submissions.ts) was destroyed as it was made. */
const readSubmissions: Reader = (db, account, { base, modseq, key }, limit) =>
  db
    .prepare(
      `SELECT key, modseq, createdModseq, destroyedModseq FROM submission WHERE account = ?1 AND ${AFTER}
       AND (destroyedModseq IS NULL OR (destroyedModseq > createdModseq AND createdModseq <= ?3)) ORDER BY modseq, key LIMIT ?5`,
    )
    .bind(account, base, modseq, key, limit);

const TYPES = {
  Email: { read: readEmails, state: 'emailModseq' },
  Thread: { read: readThreads, state: 'threadModseq' },
  Mailbox: { read: readMailboxes, state: 'mailboxModseq' },
  Identity: { read: readIdentities, state: 'identityModseq' },
  EmailSubmission: { read: readSubmissions, state: 'submissionModseq' },
} as const;

/** Changes of one type since a state, at most `max` ids; null when they cannot be calculated. Two queries. */
export async function typeChanges(
  env: Env,
  account: Account,
  type: keyof typeof TYPES,
  since: string,
  max: number,
): Promise<TypeChanges | null> {
  const db = mailDatabase(env, account.shard);
  const asked = parsePosition(since, { modseq: Number.MAX_SAFE_INTEGER, horizon: 0 });
  if (!asked) return null;
  const { read, state } = TYPES[type];
  const [accounts, changed] = await db.batch([
    db.prepare('SELECT * FROM account WHERE id = ?1').bind(account.id),
    read(db, account.id, asked, max + 1),
  ]);
  const row = rowsOf<AccountState>(accounts)[0];
  if (!row || !parsePosition(since, row)) return null;
  // Rows may have moved for IMAP's sake alone, when the state has not (settle.ts).
  const isCurrent = !since.includes('-') && asked.base >= row[state];
  const rows = isCurrent ? [] : rowsOf<ChangedRow & { email?: number; propertiesModseq?: number }>(changed);
  const page = rows.slice(0, max);
  const last = page.at(-1);
  const hasMore = rows.length > max;
  const newState =
    hasMore && last ? formatPosition({ base: asked.base, modseq: last.modseq, key: last.email ?? last.key }) : String(row[state]);
  const changes = { ...classify(page, asked.base), newState, hasMore };
  if (type !== 'Mailbox') return changes;
  const moved = new Set(page.filter(({ propertiesModseq = 0 }) => propertiesModseq > asked.base).map(({ key }) => idOf(key)));
  const countsOnly = changes.updated.length > 0 && moved.size === 0;
  return { ...changes, beyondCounts: changes.updated.filter((id) => moved.has(id)), ...(countsOnly ? { countsOnly } : {}) };
}

function classify(rows: ChangedRow[], base: number): Pick<TypeChanges, 'created' | 'updated' | 'destroyed'> {
  const created = new Set<number>();
  const updated = new Set<number>();
  const destroyed = new Set<number>();
  for (const { key, createdModseq, destroyedModseq } of rows) {
    if (destroyedModseq !== null) destroyed.add(idOf(key));
    else if (createdModseq > base) created.add(idOf(key));
    else updated.add(idOf(key));
  }
  return { created: [...created], updated: [...updated], destroyed: [...destroyed] };
}
