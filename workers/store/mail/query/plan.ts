/**
 * How an Email/query is answered. The usual one, by date within a mailbox, walks a covering index and stops when the page
 * is full, so its cost does not depend on the mailbox. A search takes up to 2,001 hits of the full text and sorts those; a
 * word that is more frequent is looked for along the walk instead. Everything else is found, ranked and cut in one
 * statement that reads what matches.
 */
import type { Env } from '../../../env.ts';
import { mailDatabase } from '../database.ts';
import { idOf, keyOf, keyRange } from '../keys.ts';
import type { Account, EmailCondition, EmailFilter, EmailQuery, EmailQueryResult } from '../types.ts';
import { balanced, type FilterContext, filterSql, splitText, Values } from './filter.ts';
import { findHeaderMatches, headerConditions } from './header.ts';
import { NEWEST_FIRST, orderSql } from './sort.ts';

/** Hits that are sorted; a word with more is common enough to be met soon along the walk. */
const HITS_MAX = 2000;
/** Rows of the walk that are asked for a frequent word, before the whole result is sorted after all. */
const TEXT_CHUNKS = [120, 400, 1000];
/** Rows and queries of a walk that collapses threads; a page further down is ranked by the database. */
const COLLAPSE_CHUNK_MAX = 1000;
const COLLAPSE_CHUNKS_MAX = 12;

/** A query with its conjunction taken apart. */
interface Plan {
  db: D1Database;
  account: number;
  query: EmailQuery;
  /** The mailbox whose index is walked, if the filter names one. */
  mailbox: number | null;
  /** Only what is unseen in it. */
  unseen: boolean;
  /** What is left of the filter; `splitText` took the words out. */
  rest: EmailFilter | null;
  match: string | null;
  headerMatches: ReadonlyMap<EmailCondition, number[]>;
}

/** Answers a query; null when the anchor is not in the results. */
export async function runQuery(env: Env, account: Account, query: EmailQuery): Promise<EmailQueryResult> {
  const db = mailDatabase(env, account.shard);
  const plan = makePlan(db, account.id, query);
  const headerMatches = await findHeaderMatches(db, account.id, headerConditions(plan.rest));
  const ready = { ...plan, headerMatches };
  if (ready.match !== null) return runTextQuery(ready, ready.match);
  return isWalk(query) ? walk(ready) : rank(ready, null);
}

function makePlan(db: D1Database, account: number, query: EmailQuery): Plan {
  const { conditions, others } = conjunction(query.filter);
  const inMailbox = conditions.find((condition) => condition.inMailbox !== undefined);
  const mailbox = inMailbox?.inMailbox ?? null;
  const unseen = mailbox !== null && conditions.some(({ notKeyword }) => notKeyword?.toLowerCase() === '$seen');
  const left = conditions.map((condition) => {
    const rest = { ...condition };
    if (condition === inMailbox) delete rest.inMailbox;
    if (unseen && rest.notKeyword?.toLowerCase() === '$seen') delete rest.notKeyword;
    return rest;
  });
  const { match, rest } = splitText(left, account);
  const all = [...rest, ...others].filter((node) => Object.keys(node).length > 0);
  const restFilter: EmailFilter | null = all.length > 0 ? { operator: 'AND', conditions: all } : null;
  return { db, account, query, mailbox, unseen, rest: restFilter, match, headerMatches: new Map() };
}

/** The conditions that must all hold, and the OR and NOT nodes beside them. */
function conjunction(filter: EmailFilter | null): { conditions: EmailCondition[]; others: EmailFilter[] } {
  if (filter === null) return { conditions: [], others: [] };
  if (!('operator' in filter)) return { conditions: [filter], others: [] };
  if (filter.operator !== 'AND') return { conditions: [], others: [filter] };
  const conditions = filter.conditions.flatMap((node) => ('operator' in node ? [] : [node]));
  return { conditions, others: filter.conditions.filter((node) => 'operator' in node) };
}

function isWalk({ sort, position, anchor }: EmailQuery): boolean {
  return sort.length <= 1 && (sort[0] ?? NEWEST_FIRST).property === 'receivedAt' && (anchor !== undefined || position >= 0);
}

// ---------------------------------------------------------------- sources

/** FROM and WHERE of the rows `e` that match; `date` and `key` name the columns of the walked index. */
interface Source {
  from: string;
  where: string[];
  date: string;
  key: string;
  thread: string;
}

function sourceOf(plan: Plan, context: FilterContext, hits: readonly number[] | null): Source {
  const rest = plan.rest === null ? [] : [filterSql(plan.rest, context)];
  const email = { date: 'e.receivedAt', key: 'e.key', thread: 'e.thread' };
  if (hits) {
    const inMailbox = plan.mailbox === null ? [] : [filterSql({ inMailbox: plan.mailbox }, context)];
    const unseen = plan.unseen ? [filterSql({ notKeyword: '$seen' }, context)] : [];
    const from = `json_each(${context.values.add(hits)}) h CROSS JOIN email e ON e.key = h.value`;
    return { ...email, from, where: ['e.live = 1', ...inMailbox, ...unseen, ...rest] };
  }
  if (plan.mailbox === null) return { ...email, from: 'email e', where: [`e.account = ${plan.account}`, 'e.live = 1', ...rest] };
  const where = [`p.mailbox = ${keyOf(plan.account, plan.mailbox)}`, 'p.listed = 1', ...(plan.unseen ? ['p.unseen = 1'] : []), ...rest];
  const from = 'placement p CROSS JOIN email e ON e.key = p.email';
  return { from, where, date: 'p.receivedAt', key: 'p.email', thread: 'p.thread' };
}

/** The walk reads the covering index alone unless something else of the email is asked. */
function walkSource(plan: Plan, context: FilterContext): Source {
  const source = sourceOf(plan, context, null);
  return plan.mailbox !== null && plan.rest === null && plan.match === null ? { ...source, from: 'placement p' } : source;
}

function contextOf(plan: Plan): FilterContext {
  return { account: plan.account, values: new Values(), headerMatches: plan.headerMatches };
}

function conditionsOf(source: Source, ...more: string[]): string {
  return balanced([...source.where, ...more], 'AND', '1');
}

// ---------------------------------------------------------------- the walk by date

async function walk(plan: Plan): Promise<EmailQueryResult> {
  const { query } = plan;
  const page = query.collapseThreads ? await walkThreads(plan) : await walkEmails(plan);
  if (page === undefined) return rank(plan, null);
  if (page === null || !query.calculateTotal) return page;
  return { ...page, total: await countAll(plan) };
}

interface Step {
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

async function readSteps(plan: Plan, from: { date: number; key: number } | null, skip: number, limit: number): Promise<Step[]> {
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

// ---------------------------------------------------------------- full text

async function runTextQuery(plan: Plan, match: string): Promise<EmailQueryResult> {
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

// ---------------------------------------------------------------- everything else

/** Finds, ranks and cuts in one statement; reads every row that the source has. */
async function rank(plan: Plan, hits: readonly number[] | null): Promise<EmailQueryResult> {
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
