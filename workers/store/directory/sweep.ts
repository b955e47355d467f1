/** What the cron clears away in the directory: tokens and login exchanges that ended. */
import type { Env } from '../../env.ts';
import { sweepExchanges } from './exchanges.ts';
import { sweepTokens } from './tokens.ts';

/** Rows one run deletes of each kind: a minute's worth of a busy installation many times over. */
const ROWS_PER_RUN = 500;

/** Two queries; costs nothing when there is nothing. */
export async function sweepDirectory(env: Env, now: number): Promise<void> {
  await sweepTokens(env, now, ROWS_PER_RUN);
  await sweepExchanges(env, now, ROWS_PER_RUN);
}
