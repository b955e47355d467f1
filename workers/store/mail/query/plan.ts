/**
 * How an Email/query is answered (RFC 8621 §4.4): with words by the full text, by date along an index, and everything else by
 * ranking all that matches.
 */
import type { Env } from '../../../env.ts';
import { mailDatabase } from '../database.ts';
import type { Account } from '../types.ts';
import type { EmailQuery, EmailQueryResult } from './email-query.ts';
import { findHeaderMatches } from './header.ts';
import { textSteps } from './hits.ts';
import { readExpansions } from './match.ts';
import { rank } from './rank.ts';
import { makePlan, type Plan } from './source.ts';
import { cutPage } from './steps.ts';
import { countAll } from './total.ts';
import { isByDate, walk } from './walk.ts';

/** Answers a query; null when the anchor is not in the results. */
export async function runQuery(env: Env, account: Account, query: EmailQuery): Promise<EmailQueryResult> {
  const plan = await preparePlan(env, account, query);
  if (!isByDate(query)) return rank(plan);
  const [page, total] = await Promise.all([byDate(plan), query.calculateTotal ? countAll(plan) : null]);
  if (page === undefined) return rank(plan);
  return page && total !== null ? { ...page, total } : page;
}

/** A plan with all that has to be looked up before. */
export async function preparePlan(env: Env, account: Account, query: EmailQuery): Promise<Plan> {
  const db = mailDatabase(env, account.shard);
  const expansions = await readExpansions(db, account.id, query.filter);
  const plan = makePlan(db, query, { account: account.id, expansions });
  return { ...plan, headerMatches: await findHeaderMatches(env, plan) };
}

/** Undefined when the page lies too far down. */
function byDate(plan: Plan): Promise<EmailQueryResult | undefined> {
  return plan.match === null ? walk(plan) : cutPage(plan.query, textSteps(plan, plan.match));
}
