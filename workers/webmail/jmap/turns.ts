/** Work of which the server takes a number at a time (RFC 8620 §2, maxConcurrentUpload): the rest waits for its turn, first come first served. */
export class Turns {
  readonly #max: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#max) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      // A place is handed on; only when nobody waits is there one more.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
