/**
 * How an Email/query is answered (RFC 8621 §4.4): with words by the full text, by date along an index, and everything else by
 * ranking all that matches.
 */
import type { Env } from '../../../env.ts';
import { mailDatabase } from '../database.ts';
import type { Account, EmailQuery, EmailQueryResult } from '../types.ts';
import { findHeaderMatches, headerConditions } from './header.ts';
import { rank } from './rank.ts';
import { makePlan } from './source.ts';
import { runTextQuery } from './text.ts';
import { isWalk, walk } from './walk.ts';

/** Answers a query; null when the anchor is not in the results. */
export async function runQuery(env: Env, account: Account, query: EmailQuery): Promise<EmailQueryResult> {
  const db = mailDatabase(env, account.shard);
  const plan = makePlan(db, account.id, query);
  const headerMatches = await findHeaderMatches(db, account.id, headerConditions(plan.rest));
  const ready = { ...plan, headerMatches };
  if (ready.match !== null) return runTextQuery(ready, ready.match);
  return isWalk(query) ? walk(ready) : rank(ready, null);
}
