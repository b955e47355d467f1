/**
 * Queries with words: up to 2,001 hits of the full text are taken, and sorted when they are fewer; a word that is more frequent
 * is looked for along the walk by date instead, where it is soon met.
 */
import { idOf, keyRange } from '../keys.ts';
import type { EmailQueryResult } from '../types.ts';
import { filterSql } from './filter.ts';
import { rank } from './rank.ts';
import { contextOf, type Plan } from './source.ts';
import { isWalk, readSteps, type Step } from './walk.ts';

/** Hits that are sorted; a word with more is common enough to be met soon along the walk. */
const HITS_MAX = 2000;
/** Rows of the walk that are asked for a frequent word, before the whole result is sorted after all. */
const TEXT_CHUNKS = [120, 400, 1000];

/** Answers a query whose words are `match`. */
export async function runTextQuery(plan: Plan, match: string): Promise<EmailQueryResult> {
  const sql = `SELECT rowid AS key FROM email_text WHERE email_text MATCH ?1 AND rowid BETWEEN ?2 AND ?3 LIMIT ${HITS_MAX + 1}`;
  const { results } = await plan.db
    .prepare(sql)
    .bind(match, ...keyRange(plan.account))
    .run<{ key: number }>();
  if (results.length <= HITS_MAX) {
    const hits = results.map(({ key }) => key);
    return rank(plan, hits);
  }
  return (await walkForText(plan, match)) ?? rank(plan, null);
}

/** The walk by date, asked chunk by chunk for a frequent word; null when that does not fill the page. */
async function walkForText(plan: Plan, match: string): Promise<EmailQueryResult> {
  const { query } = plan;
  if (!isWalk(query) || query.anchor !== undefined || query.collapseThreads || query.calculateTotal) return null;
  const wanted = query.position + query.limit;
  const found: number[] = [];
  let skip = 0;
  for (const size of TEXT_CHUNKS) {
    const steps = await readSteps({ ...plan, rest: null, match: null }, null, skip, size);
    found.push(...(await keepMatching(plan, match, steps)));
    if (found.length >= wanted) return { ids: found.slice(query.position, wanted).map(idOf), position: query.position };
    skip += size;
  }
  return null;
}

/** The keys of `steps` that match the words and the rest of the filter, in the same order. */
async function keepMatching(plan: Plan, match: string, steps: readonly Step[]): Promise<number[]> {
  const context = contextOf(plan);
  const rest = plan.rest === null ? '1' : filterSql(plan.rest, context);
  const sql = `SELECT e.key AS key FROM json_each(${context.values.add(steps.map(({ key }) => key))}) s CROSS JOIN email e ON e.key = s.value
    WHERE ${rest} AND EXISTS (SELECT 1 FROM email_text WHERE email_text MATCH ${context.values.add(match)} AND rowid = e.key)`;
  const { results } = await context.values.statement(plan.db, sql).run<{ key: number }>();
  const kept = new Set(results.map(({ key }) => key));
  return steps.map(({ key }) => key).filter((key) => kept.has(key));
}
