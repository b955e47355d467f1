/**
 * How many requests of one WebSocket run at once (RFC 8620 §2, maxConcurrentRequests). A client that sends more is made
 * to wait, because on one connection it cannot know when an answer left us; one that goes on and on is refused.
 */

/** Requests that may wait on one connection. */
const WAITING_MAX = 28;
/** Characters that may wait in one hub, over all its connections: a Worker has 128 MB. */
const WAITING_LENGTH_MAX = 20_000_000;

export class Turnstile<Key extends object> {
  readonly #atOnce: number;
  readonly #lines = new WeakMap<Key, { running: number; waiting: (() => void)[] }>();
  #length = 0;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Runs `work` when it is its turn; null when too much waits already. `length`: of what it holds in memory. */
  async pass<T>(key: Key, length: number, work: () => Promise<T>): Promise<T | null> {
    const line = this.#lines.get(key) ?? { running: 0, waiting: [] };
    this.#lines.set(key, line);
    if (line.waiting.length >= WAITING_MAX || this.#length + length > WAITING_LENGTH_MAX) return null;
    this.#length += length;
    if (line.running >= this.#atOnce) await new Promise<void>((resolve) => line.waiting.push(resolve));
    else line.running++;
    try {
      return await work();
    } finally {
      this.#length -= length;
      const next = line.waiting.shift();
      // Whoever is next takes over this one's place.
      if (next) next();
      else line.running--;
    }
  }
}
