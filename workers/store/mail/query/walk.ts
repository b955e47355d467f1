/**
 * The usual query, by date: it walks an index in order and stops when the page is full, so its cost does not depend on the
 * mailbox. An anchor is found by its key; its position is a count along the covering index.
 */
import { idOf, keyOf } from '../keys.ts';
import type { EmailQuery, EmailQueryResult } from '../types.ts';
import { rank } from './rank.ts';
import { NEWEST_FIRST } from './sort.ts';
import { conditionsOf, contextOf, type Plan, walkSource } from './source.ts';

/** Rows and queries of a walk that collapses threads; a page further down is ranked by the database. */
const COLLAPSE_CHUNK_MAX = 1000;
const COLLAPSE_CHUNKS_MAX = 12;

/** Whether the order is that of the index by date. */
export function isWalk({ sort, position, anchor }: EmailQuery): boolean {
  return sort.length <= 1 && (sort[0] ?? NEWEST_FIRST).property === 'receivedAt' && (anchor !== undefined || position >= 0);
}

/** Walks to the page asked; null when the anchor is not in the results. */
export async function walk(plan: Plan): Promise<EmailQueryResult> {
  const { query } = plan;
  const page = query.collapseThreads ? await walkThreads(plan) : await walkEmails(plan);
  if (page === undefined) return rank(plan, null);
  if (page === null || !query.calculateTotal) return page;
  return { ...page, total: await countAll(plan) };
}

/** One row of the walk: keys of an email and its thread. */
export interface Step {
  key: number;
  thread: number;
}

async function walkEmails(plan: Plan): Promise<EmailQueryResult> {
  const { query } = plan;
  if (query.anchor === undefined) return { ids: await walkPage(plan, null, query.position), position: query.position };
  const anchor = await findAnchor(plan, query.anchor);
  if (!anchor) return null;
  const offset = query.anchorOffset ?? 0;
  const position = Math.max(0, anchor.position + offset);
  const ids = offset >= 0 ? await walkPage(plan, anchor, offset) : await walkPage(plan, null, position);
  return { ids, position };
}

/** Up to `limit` ids, `skip` rows after the start or after the anchor (which is the first row). */
async function walkPage(plan: Plan, anchor: { date: number; key: number } | null, skip: number): Promise<number[]> {
  const steps = await readSteps(plan, anchor, skip, plan.query.limit);
  return steps.map(({ key }) => idOf(key));
}

/** Rows of the walk from a row on (it is the first), or from the start. */
export async function readSteps(plan: Plan, from: { date: number; key: number } | null, skip: number, limit: number): Promise<Step[]> {
  const context = contextOf(plan);
  const source = walkSource(plan, context);
  const { direction, after } = directionOf(plan.query);
  const start = from
    ? [`${source.date} ${after}= ${from.date}`, `(${source.date} ${after} ${from.date} OR ${source.key} ${after}= ${from.key})`]
    : [];
  const sql = `SELECT ${source.key} AS key, ${source.thread} AS thread FROM ${source.from} WHERE ${conditionsOf(source, ...start)}
    ORDER BY ${source.date} ${direction}, ${source.key} ${direction} LIMIT ${limit} OFFSET ${skip}`;
  const { results } = await context.values.statement(plan.db, sql).run<Step>();
  return results;
}

function directionOf({ sort }: EmailQuery): { direction: 'ASC' | 'DESC'; after: '<' | '>' } {
  return (sort[0] ?? NEWEST_FIRST).isAscending ? { direction: 'ASC', after: '>' } : { direction: 'DESC', after: '<' };
}

/** Where the anchor stands. Its position is a count along the covering index: a jump costs its position. */
async function findAnchor(plan: Plan, anchor: number): Promise<{ date: number; key: number; position: number } | null> {
  const key = keyOf(plan.account, anchor);
  const context = contextOf(plan);
  const source = walkSource(plan, context);
  const { after } = directionOf(plan.query);
  const before = after === '<' ? '>' : '<';
  const anchorDate = `(SELECT receivedAt FROM email WHERE key = ${key})`;
  const sql = `SELECT ${anchorDate} AS date,
    EXISTS (SELECT 1 FROM ${source.from} WHERE ${conditionsOf(source, `${source.key} = ${key}`, `${source.date} = ${anchorDate}`)}) AS found,
    (SELECT COUNT(*) FROM ${source.from} WHERE ${conditionsOf(
      source,
      `${source.date} ${before}= ${anchorDate}`,
      `(${source.date} ${before} ${anchorDate} OR ${source.key} ${before} ${key})`,
    )}) AS position`;
  const row = await context.values.statement(plan.db, sql).first<{ date: number; found: number; position: number }>();
  return row?.found ? { date: row.date, key, position: row.position } : null;
}

/** Walks from the start, one email per thread; undefined when the page lies too far down to walk. */
async function walkThreads(plan: Plan): Promise<EmailQueryResult | undefined> {
  const { query } = plan;
  const seen = new Set<number>();
  const ids: number[] = [];
  const wanted = (): number | null => {
    const anchored = query.anchor === undefined ? query.position : ids.indexOf(query.anchor);
    return query.anchor !== undefined && anchored === -1
      ? null
      : Math.max(0, anchored + (query.anchor === undefined ? 0 : (query.anchorOffset ?? 0)));
  };
  let size = Math.min(COLLAPSE_CHUNK_MAX, 2 * (query.position + query.limit) + 20);
  for (let chunk = 0, skip = 0; chunk < COLLAPSE_CHUNKS_MAX; chunk++) {
    const steps = await readSteps(plan, null, skip, size);
    for (const { key, thread } of steps) {
      if (seen.has(thread)) continue;
      seen.add(thread);
      ids.push(idOf(key));
    }
    const start = wanted();
    const isEnd = steps.length < size;
    if (start !== null && (isEnd || ids.length >= start + query.limit))
      return { ids: ids.slice(start, start + query.limit), position: start };
    if (isEnd) return null;
    skip += size;
    size = COLLAPSE_CHUNK_MAX;
  }
  return undefined;
}

/** All matches; the kept counters know it for a mailbox as a whole. */
async function countAll(plan: Plan): Promise<number> {
  const { collapseThreads } = plan.query;
  if (plan.mailbox !== null && plan.rest === null && !plan.unseen && plan.match === null) {
    const sql = `SELECT ${collapseThreads ? 'threads' : 'emails'} AS total FROM mailbox WHERE key = ?1 AND destroyedModseq IS NULL`;
    return (await plan.db.prepare(sql).bind(keyOf(plan.account, plan.mailbox)).first<number>('total')) ?? 0;
  }
  const context = contextOf(plan);
  const source = walkSource(plan, context);
  const counted = collapseThreads ? `DISTINCT ${source.thread}` : '*';
  const sql = `SELECT COUNT(${counted}) AS total FROM ${source.from} WHERE ${conditionsOf(source)}`;
  return (await context.values.statement(plan.db, sql).first<number>('total')) ?? 0;
}
