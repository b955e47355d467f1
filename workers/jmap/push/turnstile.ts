/**
 * The line before the places (admission.ts) that requests of an account's WebSockets share. Over HTTP a request without a
 * place is refused; here it is made to wait, because on one connection a client cannot know when an answer left us. One
 * that goes on and on is refused too.
 */
import type { Admission } from '../admission.ts';

/** Requests that may wait on one connection. */
const WAITING_MAX = 28;
/** Characters that may wait in one hub, over all its connections: a Worker has 128 MB. */
const WAITING_LENGTH_MAX = 20_000_000;

export class Turnstile<Key extends object> {
  readonly #places: Admission;
  /** Requests of each connection that wait. */
  readonly #waiting = new WeakMap<Key, number>();
  readonly #line: (() => void)[] = [];
  #length = 0;

  constructor(places: Admission) {
    this.#places = places;
  }

  /** Runs `work` when the account has a place for it; null when too much waits already. `length`: of what it holds in memory. */
  async pass<T>(account: number, key: Key, length: number, work: () => Promise<T>): Promise<T | null> {
    if (this.#waitingOf(key) >= WAITING_MAX || this.#length + length > WAITING_LENGTH_MAX) return null;
    this.#length += length;
    let leave = this.#places.enter(account);
    while (leave === null) {
      await this.#wait(key);
      leave = this.#places.enter(account);
    }
    try {
      return await work();
    } finally {
      this.#length -= length;
      leave();
      this.#line.shift()?.();
    }
  }

  async #wait(key: Key): Promise<void> {
    this.#waiting.set(key, this.#waitingOf(key) + 1);
    await new Promise<void>((resolve) => this.#line.push(resolve));
    this.#waiting.set(key, this.#waitingOf(key) - 1);
  }

  #waitingOf(key: Key): number {
    return this.#waiting.get(key) ?? 0;
  }
}
