/**
 * Where given emails stand in the results of a query, as Email/queryChanges asks (RFC 8620 §5.6). By date that costs the rows down
 * to the deepest of them; in any other order all that match.
 */
import { idOf } from '../keys.ts';
import { hourSql, textRow } from '../text-rows.ts';
import { textSteps } from './hits.ts';
import { rankedSql } from './rank.ts';
import { conditionsOf, contextOf, directionOf, hitConditions, type Plan, walkSource } from './source.ts';
import { type Step, type Steps, walkSteps } from './steps.ts';
import { isByDate } from './walk.ts';

/** Index in the results by email id; emails that are not in them are left out. `keys` are to hold whole threads where threads collapse. */
export async function positionsOf(plan: Plan, keys: readonly number[]): Promise<Map<number, number>> {
  if (keys.length === 0) return new Map();
  if (!isByDate(plan.query)) return rankedPositions(plan, keys);
  const matching = await matchingAmong(plan, keys);
  if (plan.match === null && !plan.query.collapseThreads) return countedPositions(plan, matching);
  const results = plan.match === null ? walkSteps(plan) : textSteps(plan, plan.match);
  return (await metPositions(plan, results, matching)) ?? rankedPositions(plan, keys);
}

/** Those of the emails that are in the results, in their order. */
async function matchingAmong(plan: Plan, keys: readonly number[]): Promise<Step[]> {
  const context = contextOf(plan);
  const { direction } = directionOf(plan);
  const row = textRow(plan.account, hourSql('e.receivedAt'), 'e.key');
  const words =
    plan.match === null
      ? []
      : [`EXISTS (SELECT 1 FROM email_text WHERE email_text MATCH ${context.values.add(plan.match)} AND rowid = ${row})`];
  const sql = `SELECT e.key AS key, e.thread AS thread, e.receivedAt AS date FROM json_each(${context.values.add(keys)}) k
    CROSS JOIN email e ON e.key = k.value WHERE ${conditionsOf({ where: hitConditions(plan, context) }, ...words)}
    ORDER BY e.receivedAt ${direction}, e.key ${direction}`;
  const { results } = await context.values.statement(plan.db, sql).run<Step>();
  const first = new Map<number, Step>();
  for (const step of results) if (!first.has(step.thread)) first.set(step.thread, step);
  return plan.query.collapseThreads ? [...first.values()] : results;
}

/** Counts the rows of the index between one and the next. */
async function countedPositions(plan: Plan, steps: readonly Step[]): Promise<Map<number, number>> {
  if (steps.length === 0) return new Map();
  const context = contextOf(plan);
  const source = walkSource(plan, context);
  const { after } = directionOf(plan);
  const before = after === '<' ? '>' : '<';
  const spans = steps.map(({ date, key }, index) => [date, key, steps[index - 1]?.date ?? null, steps[index - 1]?.key ?? null]);
  const [date, key, fromDate, fromKey] = [0, 1, 2, 3].map((index) => `(s.value->>${index})`);
  const between = [
    `${source.date} ${before}= ${date}`,
    `(${source.date} ${before} ${date} OR ${source.key} ${before} ${key})`,
    `${source.date} ${after}= coalesce(${fromDate}, ${after === '<' ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER})`,
    `(${fromDate} IS NULL OR ${source.date} ${after} ${fromDate} OR ${source.key} ${after}= ${fromKey})`,
  ];
  const sql = `SELECT (SELECT COUNT(*) FROM ${source.from} WHERE ${conditionsOf(source, ...between)}) AS rows
    FROM json_each(${context.values.add(spans)}) s ORDER BY s.id`;
  const { results } = await context.values.statement(plan.db, sql).run<{ rows: number }>();
  let position = 0;
  return new Map(
    steps.map(({ key }, index) => {
      position += results[index]?.rows ?? 0;
      return [idOf(key), position];
    }),
  );
}

/** Reads results until all are met; null when that is too far down. */
async function metPositions({ query }: Plan, results: Steps, wanted: readonly Step[]): Promise<Map<number, number> | null> {
  const positions = new Map<number, number>();
  const threads = new Set<number>();
  const missing = new Set(wanted.map(({ key }) => key));
  let position = 0;
  for await (const steps of results) {
    if (steps === null) return null;
    for (const { key, thread } of steps) {
      const isWanted = missing.delete(key);
      if (query.collapseThreads && threads.has(thread)) continue;
      threads.add(thread);
      if (isWanted) positions.set(idOf(key), position);
      position++;
    }
    if (missing.size === 0) break;
  }
  return positions;
}

async function rankedPositions(plan: Plan, keys: readonly number[]): Promise<Map<number, number>> {
  const context = contextOf(plan);
  const sql = `WITH ${rankedSql(plan, context)}
    SELECT key, position FROM ranked WHERE key IN (SELECT value FROM json_each(${context.values.add(keys)}))`;
  const { results } = await context.values.statement(plan.db, sql).run<{ key: number; position: number }>();
  return new Map(results.map(({ key, position }) => [idOf(key), position]));
}
