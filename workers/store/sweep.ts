/**
 * What the minute cron forgets and cleans up, spread so that one run stays within a request's limits: calls and tombstones
 * behind their time hourly, originals in pages.
 */
import type { Env } from '../env.ts';
import { condemnUnused, deleteCondemned } from './condemned.ts';
import { sweepDirectory } from './directory/sweep.ts';
import { mailDatabases } from './mail/database.ts';
import { advanceHorizons, forget, forgetCalls } from './mail/tombstones.ts';

/** Minutes of the hour at which each task runs; the other runs cost nothing. */
const TASKS: readonly { minute: number; run: (env: Env, now: number) => Promise<unknown> }[] = [
  { minute: 7, run: sweepTombstones },
  { minute: 17, run: condemnUnused },
  { minute: 27, run: deleteCondemned },
  { minute: 37, run: condemnUnused },
  { minute: 47, run: sweepDirectory },
  { minute: 57, run: condemnUnused },
];

/** Runs the task of this minute, if there is one. `now`: epoch milliseconds. */
export async function sweep(env: Env, now = Date.now()): Promise<void> {
  const minute = Math.floor(now / 60_000) % 60;
  for (const task of TASKS) if (task.minute === minute) await task.run(env, now);
}

/** Moves the horizons and deletes what lies behind them. */
export async function sweepTombstones(env: Env, now: number): Promise<void> {
  for (const db of mailDatabases(env)) await db.batch([advanceHorizons(db, now), ...forget(db, now), ...forgetCalls(db, now)]);
}
