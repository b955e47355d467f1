/** `GET /bridge/heads?accounts=1,2`: where the clocks stand, for all accounts a receiver has open, in one query a shard. */

import { problem } from '../auth/problem.ts';
import { readHeads } from '../store/mail/index.ts';
import type { BridgeContext } from './routes.ts';

/** Accounts in one call: the query string stays within what servers take. */
const ACCOUNTS_MAX = 500;

export async function answerHeads(c: BridgeContext): Promise<Response> {
  const text = c.req.query('accounts') ?? '';
  if (!/^(\d{1,7}(,\d{1,7})*)?$/.test(text)) return problem(400, 'accounts: a list of ids, separated by commas.');
  const ids = [...new Set(text === '' ? [] : text.split(',').map(Number))];
  if (ids.length > ACCOUNTS_MAX) return problem(400, `accounts: at most ${ACCOUNTS_MAX}.`);
  return c.json({ heads: await readHeads(c.env, ids) });
}
