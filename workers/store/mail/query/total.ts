/** How many results a query has (`calculateTotal`, RFC 8620 §5.5): the kept counters where they know it, a count otherwise. */
import { readTogether } from '../database.ts';
import { keyOf } from '../keys.ts';
import { conditionsOf, contextOf, type Plan, walkSource } from './source.ts';

/** All matches. A mailbox as a whole, and what is unseen in it, cost one row; everything else what it matches. */
export async function countAll(plan: Plan): Promise<number> {
  return (await keptTotal(plan)) ?? counted(plan);
}

async function keptTotal({ db, account, mailbox, rest, match, unseen, query, after, before }: Plan): Promise<number | null> {
  const isWhole = rest === null && match === null && after === null && before === null;
  if (mailbox === null || !isWhole || (unseen && query.collapseThreads)) return null;
  const sql = 'SELECT emails, threads, unseen, messages FROM mailbox WHERE key = ?1 AND destroyedModseq IS NULL';
  type Kept = { emails: number; threads: number; unseen: number; messages: number };
  const kept = (await readTogether<Kept>(db, db.prepare(sql).bind(keyOf(account, mailbox)))).results[0];
  if (!kept) return 0;
  if (!unseen) return query.collapseThreads ? kept.threads : kept.emails;
  // IMAP's count holds `\Deleted` and second placements too; where there are none it is JMAP's.
  return kept.messages === kept.emails ? kept.unseen : null;
}

async function counted(plan: Plan): Promise<number> {
  const context = contextOf(plan);
  const source = walkSource(plan, context);
  const what = plan.query.collapseThreads ? `DISTINCT ${source.thread}` : '*';
  const sql = `SELECT COUNT(${what}) AS total FROM ${source.from} WHERE ${conditionsOf(source)}`;
  const { results } = await readTogether<{ total: number }>(plan.db, context.values.statement(plan.db, sql));
  return results[0]?.total ?? 0;
}
