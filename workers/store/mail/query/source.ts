/**
 * A query taken apart, and where its rows come from: the covering index of a mailbox, the index by date of all mail, or the hits
 * of the full text.
 */
import { keyOf } from '../keys.ts';
import type { EmailCondition, EmailFilter, EmailQuery } from '../types.ts';
import { balanced, type FilterContext, filterSql, splitText, Values } from './filter.ts';

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
  headerMatches: ReadonlyMap<EmailCondition, number[]>;
}

/** Takes a query apart: the mailbox whose index can be walked, the words, and what is left of the filter. */
export function makePlan(db: D1Database, account: number, query: EmailQuery): Plan {
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

/** FROM and WHERE of the rows `e` that match; `date` and `key` name the columns of the walked index. */
export interface Source {
  from: string;
  where: string[];
  date: string;
  key: string;
  thread: string;
}

/** The rows that match; `hits`: keys that the full text found, null for all. */
export function sourceOf(plan: Plan, context: FilterContext, hits: readonly number[] | null): Source {
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
export function walkSource(plan: Plan, context: FilterContext): Source {
  const source = sourceOf(plan, context, null);
  return plan.mailbox !== null && plan.rest === null && plan.match === null ? { ...source, from: 'placement p' } : source;
}

/** Fresh values for one statement. */
export function contextOf(plan: Plan): FilterContext {
  return { account: plan.account, values: new Values(), headerMatches: plan.headerMatches };
}

/** The WHERE of a source with more conditions. */
export function conditionsOf(source: Source, ...more: string[]): string {
  return balanced([...source.where, ...more], 'AND', '1');
}
