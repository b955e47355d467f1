/**
 * How long to wait before the edge is asked again: doubling, with jitter, so that a thousand accounts of a
 * hundred receivers do not come back in the same second.
 */

/** Doublings counted: enough for every longest pause, and no overflow. */
const DOUBLINGS_MAX = 30;

/**
 * Milliseconds to wait after `failures` (1 …) in a row: between half of the doubled time and all of it. `first` and `last`:
 * the first and the longest pause; `random` in [0, 1).
 */
export function pauseAfter(failures: number, first: number, last: number, random: number = Math.random()): number {
  const full = Math.min(last, first * 2 ** Math.min(failures - 1, DOUBLINGS_MAX));
  return full * (1 - random / 2);
}

/** Counts failures in a row. */
export class Backoff {
  readonly #first: number;
  readonly #last: number;
  #failures = 0;

  /** Milliseconds of the first and of the longest pause. */
  constructor(first: number, last: number) {
    this.#first = first;
    this.#last = last;
  }

  /** The pause after one more failure. */
  next(): number {
    this.#failures++;
    return pauseAfter(this.#failures, this.#first, this.#last);
  }

  reset(): void {
    this.#failures = 0;
  }
}
