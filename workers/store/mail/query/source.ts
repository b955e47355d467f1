/**
 * A query taken apart, and where its rows come from: the covering index of a mailbox, the index by date of all mail, or the hits
 * of the full text.
 */

import type { EmailCondition } from '../../../../shared/jmap/email/query.ts';
import { keyOf, keyRange } from '../keys.ts';
import { EMAIL_OF_ROW, hourOf, inHours } from '../text-rows.ts';
import type { EmailFilter, EmailQuery } from './email-query.ts';
import { balanced, type FilterContext, filterSql, Values } from './filter.ts';
import { splitText, treeMatch, type Words } from './match.ts';
import { NEWEST_FIRST } from './sort.ts';

/** A query with its conjunction taken apart. */
export interface Plan {
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
  words: Words;
  /** Nothing outside of [after, before) matches; the conditions are in `rest` too. */
  after: number | null;
  before: number | null;
  headerMatches: ReadonlyMap<EmailCondition, number[]>;
}

/** Takes a query apart: the mailbox whose index can be walked, the words, and what is left of the filter. */
export function makePlan(db: D1Database, query: EmailQuery, words: Words): Plan {
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
  const { match, rest } = splitText(left, words);
  const found = others.map((node) => ({ node, match: treeMatch(node, words) }));
  const matches = [match, ...found.map((other) => other.match)].filter((each) => each !== null);
  const all = [...rest, ...found.filter((other) => other.match === null).map(({ node }) => node)];
  const times = (property: 'after' | 'before') => conditions.flatMap((condition) => condition[property] ?? []);
  const bounds = { after: Math.max(...times('after')), before: Math.min(...times('before')) };
  return {
    db,
    account: words.account,
    query,
    mailbox,
    unseen,
    rest: all.length > 1 ? { operator: 'AND', conditions: all } : (all[0] ?? null),
    match: matches.length > 0 ? matches.map((each) => `(${each})`).join(' AND ') : null,
    words,
    after: Number.isFinite(bounds.after) ? bounds.after : null,
    before: Number.isFinite(bounds.before) ? bounds.before : null,
    headerMatches: new Map(),
  };
}

/** The conditions that must all hold, and the OR and NOT nodes beside them. */
function conjunction(filter: EmailFilter | null): { conditions: EmailCondition[]; others: EmailFilter[] } {
  if (filter === null) return { conditions: [], others: [] };
  if (!('operator' in filter)) return { conditions: [filter], others: [] };
  if (filter.operator !== 'AND') return { conditions: [], others: [filter] };
  const parts = filter.conditions.map(conjunction);
  return { conditions: parts.flatMap((part) => part.conditions), others: parts.flatMap((part) => part.others) };
}

/** FROM and WHERE of the rows `e` that match; `date` and `key` name the columns of the walked index. */
export interface Source {
  from: string;
  where: string[];
  date: string;
  key: string;
  thread: string;
}

/** The rows that match, by the hits of the words if there are any. */
export function sourceOf(plan: Plan, context: FilterContext): Source {
  const rest = plan.rest === null ? [] : [filterSql(plan.rest, context)];
  const email = { date: 'e.receivedAt', key: 'e.key', thread: 'e.thread' };
  if (plan.match !== null) {
    const hits = `SELECT ${EMAIL_OF_ROW} AS id FROM email_text WHERE email_text MATCH ${context.values.add(plan.match)} AND ${inHoursOf(plan)}`;
    const from = `(${hits}) h CROSS JOIN email e ON e.key = ${keyRange(plan.account)[0]} + h.id`;
    return { ...email, from, where: hitConditions(plan, context) };
  }
  if (plan.mailbox === null) {
    const where = [`e.account = ${plan.account}`, 'e.live = 1', ...within(plan, 'e.receivedAt'), ...rest];
    return { ...email, from: 'email e', where };
  }
  const from = 'placement p CROSS JOIN email e ON e.key = p.email';
  return { from, where: [...placed(plan), ...rest], date: 'p.receivedAt', key: 'p.email', thread: 'p.thread' };
}

/** What a hit of the full text has to fulfil as a row `e`. */
export function hitConditions(plan: Plan, context: FilterContext): string[] {
  const inMailbox = plan.mailbox === null ? [] : [filterSql({ inMailbox: plan.mailbox }, context)];
  const unseen = plan.unseen ? [filterSql({ notKeyword: '$seen' }, context)] : [];
  const rest = plan.rest === null ? [] : [filterSql(plan.rest, context)];
  return ['e.live = 1', ...inMailbox, ...unseen, ...rest];
}

/** The hours in which anything can match. */
export function inHoursOf(plan: Plan, first?: number, last?: number): string {
  const bounds = {
    first: plan.after === null ? undefined : hourOf(plan.after),
    last: plan.before === null ? undefined : hourOf(plan.before),
  };
  return inHours(plan.account, first ?? bounds.first, last ?? bounds.last);
}

/** The mailbox's rows `p` as its index by date has them. */
export function placed(plan: Plan): string[] {
  const unseen = plan.unseen ? ['p.unseen = 1'] : [];
  return [`p.mailbox = ${keyOf(plan.account, plan.mailbox ?? 0)}`, 'p.listed = 1', ...unseen, ...within(plan, 'p.receivedAt')];
}

function within({ after, before }: Plan, date: string): string[] {
  return [...(after === null ? [] : [`${date} >= ${after}`]), ...(before === null ? [] : [`${date} < ${before}`])];
}

/** The walk reads the covering index alone unless something else of the email is asked. */
export function walkSource(plan: Plan, context: FilterContext): Source {
  const source = sourceOf(plan, context);
  return plan.mailbox !== null && plan.rest === null && plan.match === null ? { ...source, from: 'placement p' } : source;
}

/** Which way dates run, and the comparison that means "later in the results". */
export function directionOf({ query: { sort } }: Plan): { direction: 'ASC' | 'DESC'; after: '<' | '>' } {
  return (sort[0] ?? NEWEST_FIRST).isAscending ? { direction: 'ASC', after: '>' } : { direction: 'DESC', after: '<' };
}

/** Fresh values for one statement. */
export function contextOf(plan: Plan): FilterContext {
  return { words: plan.words, values: new Values(), headerMatches: plan.headerMatches };
}

/** The WHERE of a source with more conditions. */
export function conditionsOf(source: Pick<Source, 'where'>, ...more: string[]): string {
  return balanced([...source.where, ...more], 'AND', '1');
}
