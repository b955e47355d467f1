/** Any other query: found, ranked and cut in one statement that reads every row its source has. */
import { readTogether } from '../database.ts';
import { idOf, keyOf } from '../keys.ts';
import type { EmailQueryResult } from './email-query.ts';
import { orderSql } from './sort.ts';
import { conditionsOf, contextOf, type Plan, sourceOf } from './source.ts';
import { countAll } from './total.ts';

/** The page asked for; null when the anchor is not in the results. */
export function rank(plan: Plan): Promise<EmailQueryResult> {
  const isPlain = plan.query.anchor === undefined && !plan.query.collapseThreads;
  return isPlain ? sorted(plan) : ranked(plan);
}

/** Sorted and cut: without an anchor or threads nothing needs its place. */
async function sorted(plan: Plan): Promise<EmailQueryResult> {
  const { query } = plan;
  const total = query.calculateTotal || query.position < 0 ? await countAll(plan) : 0;
  const position = query.position < 0 ? Math.max(0, total + query.position) : query.position;
  const context = contextOf(plan);
  const source = sourceOf(plan, context);
  const order = orderSql(query.sort, context.values);
  const sql = `SELECT e.key AS key FROM ${source.from} WHERE ${conditionsOf(source)} ORDER BY ${order} LIMIT ${query.limit} OFFSET ${position}`;
  const { results } = await readTogether<{ key: number }>(plan.db, context.values.statement(plan.db, sql));
  return { ids: results.map(({ key }) => idOf(key)), position, ...(query.calculateTotal ? { total } : {}) };
}

async function ranked(plan: Plan): Promise<EmailQueryResult> {
  const { query } = plan;
  const context = contextOf(plan);
  const anchor = query.anchor === undefined ? null : keyOf(plan.account, query.anchor);
  const start =
    anchor === null
      ? `(SELECT CASE WHEN ${query.position} >= 0 THEN ${query.position} ELSE max(0, COUNT(*) + ${query.position}) END FROM ranked)`
      : `(SELECT max(0, position + ${query.anchorOffset ?? 0}) FROM ranked WHERE key = ${anchor})`;
  const sql = `WITH ${rankedSql(plan, context)},
    start AS MATERIALIZED (SELECT ${start} AS position, (SELECT COUNT(*) FROM ranked) AS total)
    SELECT start.position AS start, start.total AS total, r.key AS key FROM start
    LEFT JOIN ranked r ON r.position >= start.position AND r.position < start.position + ${query.limit} ORDER BY r.position`;
  const { results } = await readTogether<{ start: number | null; total: number; key: number | null }>(
    plan.db,
    context.values.statement(plan.db, sql),
  );
  const first = results[0];
  if (!first || first.start === null) return null;
  const ids = results.flatMap(({ key }) => (key === null ? [] : [idOf(key)]));
  return { ids, position: first.start, ...(query.calculateTotal ? { total: first.total } : {}) };
}

/** The table `ranked`: key and position of every result. */
export function rankedSql(plan: Plan, context: ReturnType<typeof contextOf>): string {
  const source = sourceOf(plan, context);
  const order = orderSql(plan.query.sort, context.values);
  const leader = plan.query.collapseThreads ? `ROW_NUMBER() OVER (PARTITION BY e.thread ORDER BY ${order})` : '1';
  return `found AS (SELECT e.key AS key, ROW_NUMBER() OVER (ORDER BY ${order}) AS rank, ${leader} AS place
      FROM ${source.from} WHERE ${conditionsOf(source)}),
    ranked AS MATERIALIZED (SELECT key, ROW_NUMBER() OVER (ORDER BY rank) - 1 AS position FROM found WHERE place = 1)`;
}
