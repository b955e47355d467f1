/** How long to wait before asking again: doubling from one second to five minutes, each wait shortened at random by up to half, so that two receivers do not knock together. */

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 5 * 60_000;

/** Milliseconds to wait after `failures` (1 …) attempts in a row have failed. `random` in [0, 1). */
export function backOff(failures: number, random: number = Math.random()): number {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 20));
  return Math.max(FIRST_WAIT_MS, Math.round(full * (1 - random / 2)));
}
