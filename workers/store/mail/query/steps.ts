/**
 * Results in the order of their dates, some at a time: what is asked for next is read next, so a page costs what it shows, not what the
 * mailbox holds. Cursors are (date, key), never offsets.
 */
import { readTogether } from '../database.ts';
import { idOf } from '../keys.ts';
import type { EmailQuery, EmailQueryResult } from './email-query.ts';
import { conditionsOf, contextOf, directionOf, type Plan, walkSource } from './source.ts';

/** Rows read for one answer; what lies further down is ranked by the database in one statement. */
export const STEPS_MAX = 50_000;
/** Rows of one query. */
export const CHUNK_MAX = 5_000;
/** Rows read at first beside those wanted; from then on as many as were read before. */
export const SPARE = 20;

/** One result: keys of the email and its thread, and the date it is sorted by. */
export interface Step {
  key: number;
  thread: number;
  date: number;
}

/** The next results; null when there may be more, but further down than is read. */
export type Steps = AsyncGenerator<readonly Step[] | null>;

/** Where to read on. */
export interface Cursor {
  date: number;
  key: number;
  /** Whether the row itself is wanted. */
  inclusive: boolean;
}

/** How many results to begin with. */
export function firstChunk({ position, limit, anchor, collapseThreads }: EmailQuery): number {
  const wanted = (anchor === undefined ? position : 0) + limit + SPARE;
  return Math.min(CHUNK_MAX, collapseThreads ? 2 * wanted : wanted);
}

/** All that the index by date gives. */
export async function* walkSteps(plan: Plan): Steps {
  let size = firstChunk(plan.query);
  let from: Cursor | null = null;
  for (let rows = 0; rows < STEPS_MAX; rows += size, size = Math.min(CHUNK_MAX, rows)) {
    const steps = await readSteps(plan, from, 0, size);
    yield steps;
    const last = steps.at(-1);
    if (steps.length < size || !last) return;
    from = { ...last, inclusive: false };
  }
  yield null;
}

/** Rows of the walk from a cursor on, or from the start. */
export async function readSteps(plan: Plan, from: Cursor | null, skip: number, limit: number): Promise<Step[]> {
  const context = contextOf(plan);
  const source = walkSource(plan, context);
  const { direction } = directionOf(plan);
  const sql = `SELECT ${source.key} AS key, ${source.thread} AS thread, ${source.date} AS date FROM ${source.from}
    WHERE ${conditionsOf(source, ...onFrom(plan, from, source.date, source.key))}
    ORDER BY ${source.date} ${direction}, ${source.key} ${direction} LIMIT ${limit} OFFSET ${skip}`;
  const { results } = await readTogether<Step>(plan.db, context.values.statement(plan.db, sql));
  return results;
}

/** SQL that holds from the cursor on. */
export function onFrom(plan: Plan, from: Cursor | null, date: string, key: string): string[] {
  if (!from) return [];
  const { after } = directionOf(plan);
  return [`${date} ${after}= ${from.date}`, `(${date} ${after} ${from.date} OR ${key} ${after}${from.inclusive ? '=' : ''} ${from.key})`];
}

/** The page asked for; null when the anchor is not in the results, undefined when it lies too far down. */
export async function cutPage(query: EmailQuery, results: Steps): Promise<EmailQueryResult | undefined> {
  const ids: number[] = [];
  const threads = new Set<number>();
  for await (const steps of results) {
    if (steps === null) return undefined;
    for (const { key, thread } of steps) {
      if (query.collapseThreads && threads.has(thread)) continue;
      threads.add(thread);
      ids.push(idOf(key));
    }
    const start = startOf(query, ids);
    if (start !== null && ids.length >= start + query.limit) return { ids: ids.slice(start, start + query.limit), position: start };
  }
  const start = startOf(query, ids);
  return start === null ? null : { ids: ids.slice(start, start + query.limit), position: start };
}

/** Where the page begins; null while the anchor has not been met. */
function startOf({ position, anchor, anchorOffset = 0 }: EmailQuery, ids: readonly number[]): number | null {
  if (anchor === undefined) return position;
  const place = ids.indexOf(anchor);
  return place < 0 ? null : Math.max(0, place + anchorOffset);
}
