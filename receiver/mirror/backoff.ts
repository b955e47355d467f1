/**
 * How long to wait before the edge is asked again: doubling, with jitter, so that a thousand accounts of a
 * hundred receivers do not come back in the same second.
 */
export class Backoff {
  readonly #first: number;
  readonly #last: number;
  #attempt = 0;

  /** Milliseconds of the first and of the longest pause. */
  constructor(first: number, last: number) {
    this.#first = first;
    this.#last = last;
  }

  /** The next pause: between half of the doubled time and all of it. */
  next(): number {
    const full = Math.min(this.#last, this.#first * 2 ** Math.min(this.#attempt++, 30));
    return full / 2 + (Math.random() * full) / 2;
  }

  reset(): void {
    this.#attempt = 0;
  }
}
