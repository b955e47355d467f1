/**
 * The usual query, by date: it walks an index in order and stops when the page is full, so its cost does not depend on the
 * mailbox. An anchor is found by its key; its position is a count along the covering index.
 */
import { readTogether } from '../database.ts';
import { idOf, keyOf } from '../keys.ts';
import type { EmailQuery, EmailQueryResult } from './email-query.ts';
import { NEWEST_FIRST } from './sort.ts';
import { conditionsOf, contextOf, directionOf, type Plan, walkSource } from './source.ts';
import { type Cursor, cutPage, readSteps, walkSteps } from './steps.ts';

/** Whether the order is that of the index by date. */
export function isByDate({ sort, position, anchor }: EmailQuery): boolean {
  return sort.length <= 1 && (sort[0] ?? NEWEST_FIRST).property === 'receivedAt' && (anchor !== undefined || position >= 0);
}

/** Walks to the page asked; null when the anchor is not in the results, undefined when it lies too far down. */
export async function walk(plan: Plan): Promise<EmailQueryResult | undefined> {
  const { query } = plan;
  if (query.collapseThreads) return cutPage(query, walkSteps(plan));
  if (query.anchor === undefined) return { ids: await walkPage(plan, null, query.position), position: query.position };
  const anchor = await findAnchor(plan, query.anchor);
  if (!anchor) return null;
  const offset = query.anchorOffset ?? 0;
  const position = Math.max(0, anchor.position + offset);
  const ids = offset >= 0 ? await walkPage(plan, anchor, offset) : await walkPage(plan, null, position);
  return { ids, position };
}

/** Up to `limit` ids, `skip` rows after the start or after the anchor (which is the first row). */
async function walkPage(plan: Plan, from: Cursor | null, skip: number): Promise<number[]> {
  const steps = await readSteps(plan, from, skip, plan.query.limit);
  return steps.map(({ key }) => idOf(key));
}

/** Where the anchor stands. Its position is a count along the covering index: a jump costs its position. */
async function findAnchor(plan: Plan, anchor: number): Promise<(Cursor & { position: number }) | null> {
  const key = keyOf(plan.account, anchor);
  const context = contextOf(plan);
  const source = walkSource(plan, context);
  const { after } = directionOf(plan);
  const before = after === '<' ? '>' : '<';
  const anchorDate = `(SELECT receivedAt FROM email WHERE key = ${key})`;
  const sql = `SELECT ${anchorDate} AS date,
    EXISTS (SELECT 1 FROM ${source.from} WHERE ${conditionsOf(source, `${source.key} = ${key}`, `${source.date} = ${anchorDate}`)}) AS found,
    (SELECT COUNT(*) FROM ${source.from} WHERE ${conditionsOf(
      source,
      `${source.date} ${before}= ${anchorDate}`,
      `(${source.date} ${before} ${anchorDate} OR ${source.key} ${before} ${key})`,
    )}) AS position`;
  type Anchor = { date: number; found: number; position: number };
  const row = (await readTogether<Anchor>(plan.db, context.values.statement(plan.db, sql))).results[0];
  return row?.found ? { date: row.date, key, inclusive: true, position: row.position } : null;
}
