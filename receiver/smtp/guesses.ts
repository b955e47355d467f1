/**
 * How many recipients a network has named that are not here. Each one that nobody has asked about costs a call to the
 * edge, and a plan without charge has 100,000 of them a day: whoever guesses addresses (RFC 5321 §7.3) must not spend
 * what everybody's mail needs. What is remembered costs nothing and is not counted.
 */

/** A minute in which a network may have so many misses; an old mailing list has a few, a guesser thousands. */
const WINDOW_MS = 60_000;
const MISSES_MAX = 30;
/** Networks counted at once, some 1 MB; the oldest window goes first. */
const NETWORKS_MAX = 10_000;

interface Window {
  since: number;
  misses: number;
}

export class Guesses {
  readonly #windows = new Map<string, Window>();

  /** Whether this network has had its misses for now. */
  isSpent(network: string, now: number): boolean {
    const window = this.#windows.get(network);
    return window !== undefined && now - window.since < WINDOW_MS && window.misses >= MISSES_MAX;
  }

  /** Counts a look-up that found nobody. */
  note(network: string, now: number): void {
    const window = this.#windows.get(network);
    if (window && now - window.since < WINDOW_MS) {
      window.misses++;
      return;
    }
    this.#windows.delete(network);
    this.#windows.set(network, { since: now, misses: 1 });
    for (const oldest of this.#windows.keys()) {
      if (this.#windows.size <= NETWORKS_MAX) break;
      this.#windows.delete(oldest);
    }
  }
}
