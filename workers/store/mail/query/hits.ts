/**
 * Queries with words, by date: hits of the full text come in the order of their hours, and each is looked at as a row of `email`. Only
 * an hour at the edge of what has been read must be read to its end before its hits can be put in order. Where a mailbox
 * is so small beside the account that hits in it are rare, its own index is walked instead, and the full text asked for each row.
 */
import { readTogether } from '../database.ts';
import { keyOf, keyRange } from '../keys.ts';
import { EMAIL_OF_ROW, HOUR_OF_ROW, hourSql, textRow } from '../text-rows.ts';
import { filterSql } from './filter.ts';
import { conditionsOf, contextOf, directionOf, hitConditions, inHoursOf, type Plan, placed } from './source.ts';
import { CHUNK_MAX, type Cursor, firstChunk, onFrom, SPARE, STEPS_MAX, type Step, type Steps } from './steps.ts';

/** Rows a hit costs: its own and the email's. */
const ROWS_PER_HIT = 2;
/** Rows for which the full text is asked in one query. */
const PROBED = 1000;

interface Hit extends Step {
  hour: number;
  id: number;
  matches: number;
}

/** Where hits have been read up to: hour and id of a row. */
type Edge = Pick<Hit, 'hour' | 'id'>;

/** All that matches the words and the rest of the filter. */
export async function* textSteps(plan: Plan, match: string): Steps {
  let size = firstChunk(plan.query);
  const reading = new Reading(plan);
  let edge: Edge | null = null;
  for (let rows = 0; rows < STEPS_MAX; rows += size, size = Math.min(CHUNK_MAX, rows, reading.missing)) {
    const hits: Hit[] = await readHits(plan, match, edge, size);
    edge = hits.at(-1) ?? null;
    const isEnd = hits.length < size || !edge;
    yield reading.take(hits, isEnd);
    if (isEnd) return;
    if (await reading.isWalkCheaper()) return yield* probeSteps(plan, match, reading.last);
  }
  yield null;
}

/** What has been read of the hits, put in order hour by hour. */
class Reading {
  readonly #plan: Plan;
  /** Matches of the hour that may not be complete. */
  #open: Hit[] = [];
  #seen = 0;
  #kept = 0;
  #mailboxSize: number | null = null;
  /** The last that was given out. */
  last: Cursor | null = null;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** Matches of the hours that are complete, in the order asked. */
  take(hits: readonly Hit[], isEnd: boolean): Step[] {
    const openHour = isEnd ? null : hits.at(-1)?.hour;
    const matching = hits.filter(({ matches }) => matches === 1);
    const waiting = [...this.#open, ...matching];
    this.#seen += hits.length;
    this.#kept += matching.length;
    this.#open = waiting.filter(({ hour }) => hour === openHour);
    const sign = directionOf(this.#plan).direction === 'ASC' ? 1 : -1;
    const done = waiting.filter(({ hour }) => hour !== openHour).sort((a, b) => sign * (a.date - b.date || a.key - b.key));
    const last = done.at(-1);
    if (last) this.last = { date: last.date, key: last.key, inclusive: false };
    return done;
  }

  /** Whether to read the whole mailbox costs less than the hits that are still to be met, as far as those so far tell. */
  async isWalkCheaper(): Promise<boolean> {
    const { mailbox } = this.#plan;
    if (mailbox === null) return false;
    this.#mailboxSize ??= await mailboxSize(this.#plan, mailbox);
    return this.#mailboxSize < ROWS_PER_HIT * this.missing;
  }

  /** Hits that are still to be read, if the next are as those so far. When they should have sufficed, a page more is. */
  get missing(): number {
    const { position, limit } = this.#plan.query;
    const wanted = position + limit - this.#kept;
    return Math.ceil(((wanted > 0 ? wanted + SPARE : limit + SPARE) * this.#seen) / Math.max(1, this.#kept));
  }
}

async function mailboxSize({ db, account, unseen }: Plan, mailbox: number): Promise<number> {
  const sql = `SELECT ${unseen ? 'unseen' : 'emails'} AS size FROM mailbox WHERE key = ?1`;
  const { results } = await readTogether<{ size: number }>(db, db.prepare(sql).bind(keyOf(account, mailbox)));
  return results[0]?.size ?? 0;
}

/** The next hits, whether the rest of the filter matches them or not. */
async function readHits(plan: Plan, match: string, edge: Edge | null, limit: number): Promise<Hit[]> {
  const context = contextOf(plan);
  const { direction, after } = directionOf(plan);
  const beyond = edge ? `AND rowid ${after} ${textRow(plan.account, edge.hour, edge.id)}` : '';
  const hits = `SELECT ${HOUR_OF_ROW} AS hour, ${EMAIL_OF_ROW} AS id FROM email_text
    WHERE email_text MATCH ${context.values.add(match)} AND ${inHoursOf(plan)} ${beyond} ORDER BY rowid ${direction} LIMIT ${limit}`;
  const matches = conditionsOf({ where: hitConditions(plan, context) });
  const sql = `SELECT h.hour AS hour, h.id AS id, e.key AS key, e.thread AS thread, e.receivedAt AS date, ${matches} AS matches
    FROM (${hits}) h CROSS JOIN email e ON e.key = ${keyRange(plan.account)[0]} + h.id`;
  const { results } = await readTogether<Hit>(plan.db, context.values.statement(plan.db, sql));
  return results;
}

/** Walks the mailbox from the cursor on and asks the full text for each of its rows. */
async function* probeSteps(plan: Plan, match: string, from: Cursor | null): Steps {
  let cursor = from;
  for (let rows = 0; rows < STEPS_MAX; rows += PROBED) {
    const steps = await probe(plan, match, cursor);
    yield steps.filter(({ matches }) => matches === 1);
    const last = steps.at(-1);
    if (steps.length < PROBED || !last) return;
    cursor = { date: last.date, key: last.key, inclusive: false };
  }
  yield null;
}

async function probe(plan: Plan, match: string, from: Cursor | null): Promise<(Step & { matches: number })[]> {
  const context = contextOf(plan);
  const { direction } = directionOf(plan);
  const where = conditionsOf({ where: placed(plan) }, ...onFrom(plan, from, 'p.receivedAt', 'p.email'));
  const row = textRow(plan.account, hourSql('s.date'), 's.key');
  const found = `EXISTS (SELECT 1 FROM email_text WHERE email_text MATCH ${context.values.add(match)} AND rowid = ${row})`;
  const rest = plan.rest === null ? '1' : `EXISTS (SELECT 1 FROM email e WHERE e.key = s.key AND ${filterSql(plan.rest, context)})`;
  const sql = `SELECT s.key AS key, s.thread AS thread, s.date AS date, CASE WHEN ${found} THEN ${rest} ELSE 0 END AS matches
    FROM (SELECT p.email AS key, p.thread AS thread, p.receivedAt AS date FROM placement p WHERE ${where}
      ORDER BY p.receivedAt ${direction}, p.email ${direction} LIMIT ${PROBED}) s`;
  const { results } = await readTogether<Step & { matches: number }>(plan.db, context.values.statement(plan.db, sql));
  return results;
}
