/**
 * Optimistic writing: a change is worked out from a snapshot and its batch is undone when the account's clock moved
 * meanwhile. Then it is worked out again; after a few times the caller is told to come back.
 */

/** Attempts of one change: two writers at once need two or three; the rest is for bad luck within 50 queries a request. */
const ATTEMPTS_MAX = 8;
/**
 * Longest wait before another attempt, per attempt made: as long as the one that failed took, in which somebody else's could have been
 * made. A fixed wait keeps writers in step where an attempt takes longer than it. Bounds in milliseconds.
 */
const BACKOFF_MIN_MS = 6;
const BACKOFF_MAX_MS = 250;

/** The account stayed busy; the same call may succeed later. */
export class Busy extends Error {}

/** An original that the batch points to is being deleted: put it again, later. */
export class CondemnedOriginal extends Error {}

/** Runs `attempt` until its batch is not undone by somebody else's change. */
export async function withAttempts<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let count = 1; ; count++) {
    const begun = Date.now();
    try {
      return await attempt();
    } catch (error) {
      if (isCondemned(error)) throw new CondemnedOriginal('an original is being deleted');
      if (!isConflict(error)) throw error;
      if (count >= ATTEMPTS_MAX) throw new Busy('the account is busy');
      await new Promise((resolve) => setTimeout(resolve, Math.random() * backoff(Date.now() - begun) * count));
    }
  }
}

function backoff(attemptMs: number): number {
  return Math.min(BACKOFF_MAX_MS, Math.max(BACKOFF_MIN_MS, attemptMs));
}

/** True when the clock was not where it was read, or a unique row was written by somebody else first. */
function isConflict(error: unknown): boolean {
  return /NOT NULL constraint failed: account\.modseq|UNIQUE constraint failed/.test(String(error));
}

function isCondemned(error: unknown): boolean {
  return /CHECK constraint failed: broken/.test(String(error));
}
