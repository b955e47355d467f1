/** Any other query: found, ranked and cut in one statement that reads every row its source has. */
import { idOf, keyOf } from '../keys.ts';
import type { EmailQueryResult } from '../types.ts';
import { orderSql } from './sort.ts';
import { conditionsOf, contextOf, type Plan, sourceOf } from './source.ts';

/** `hits`: the keys that match the words, when they are few enough to be known. */
export async function rank(plan: Plan, hits: readonly number[] | null): Promise<EmailQueryResult> {
  const { query } = plan;
  const context = contextOf(plan);
  const source = sourceOf(plan, context, hits);
  const text =
    plan.match !== null && hits === null
      ? [`e.key IN (SELECT rowid FROM email_text WHERE email_text MATCH ${context.values.add(plan.match)})`]
      : [];
  const order = orderSql(query.sort, context.values);
  const leader = query.collapseThreads ? `, ROW_NUMBER() OVER (PARTITION BY e.thread ORDER BY ${order}) AS place` : ', 1 AS place';
  const anchor = query.anchor === undefined ? null : keyOf(plan.account, query.anchor);
  const start =
    anchor === null
      ? `(SELECT CASE WHEN ${query.position} >= 0 THEN ${query.position} ELSE max(0, COUNT(*) + ${query.position}) END FROM ranked)`
      : `(SELECT max(0, position + ${query.anchorOffset ?? 0}) FROM ranked WHERE key = ${anchor})`;
  const sql = `WITH found AS (SELECT e.key AS key, ROW_NUMBER() OVER (ORDER BY ${order}) AS rank${leader}
      FROM ${source.from} WHERE ${conditionsOf(source, ...text)}),
    ranked AS MATERIALIZED (SELECT key, ROW_NUMBER() OVER (ORDER BY rank) - 1 AS position FROM found WHERE place = 1),
    start AS MATERIALIZED (SELECT ${start} AS position, (SELECT COUNT(*) FROM ranked) AS total)
    SELECT start.position AS start, start.total AS total, r.key AS key FROM start
    LEFT JOIN ranked r ON r.position >= start.position AND r.position < start.position + ${query.limit} ORDER BY r.position`;
  const { results } = await context.values.statement(plan.db, sql).run<{ start: number | null; total: number; key: number | null }>();
  const first = results[0];
  if (!first || first.start === null) return null;
  const ids = results.flatMap(({ key }) => (key === null ? [] : [idOf(key)]));
  return { ids, position: first.start, ...(query.calculateTotal ? { total: first.total } : {}) };
}
