/**
 * The tokens with which an account's mirror may speak to the edge: those of its sessions. Any live one serves; one that
 * the edge turns down with 401 is not used again, and who came with it is shown out. When one ends is the edge's to say, for this
 * machine's clock may be wrong. The password is long gone, so when none is left writes answer UNAVAILABLE until somebody logs in.
 */
import { EdgeRefused, EdgeUnavailable } from '../edge.ts';
import type { LoggedIn } from '../login.ts';

/** Logins remembered for one account; a client that reconnects each minute must not make a list of thousands. */
const LOGINS_MAX = 16;

export class Tokens {
  /** Newest last. The objects are kept, not their tokens, because the login renews them in place. */
  #logins: LoggedIn[] = [];
  readonly #dead = new Set<string>();
  readonly #onRefused: (token: string) => void;
  /** Who is to hear that a login has ended, by its token. */
  readonly #guests = new Map<string, Set<() => void>>();

  /** `onRefused` is told of each token that the edge no longer takes. */
  constructor(onRefused: (token: string) => void = () => {}) {
    this.#onRefused = onRefused;
  }

  add(login: LoggedIn): void {
    this.#logins = [...this.#logins.filter((known) => known.token !== login.token), login].slice(-LOGINS_MAX);
    this.#dead.delete(login.token);
  }

  /** Calls the edge with each live token until one is accepted. Throws `EdgeUnavailable` when none is. */
  async use<T>(call: (token: string) => Promise<T>): Promise<T> {
    for (const { token } of [...this.#logins].reverse()) {
      if (this.#dead.has(token)) continue;
      try {
        return await call(token);
      } catch (error) {
        if (!this.#note(token, error)) throw error;
      }
    }
    throw new EdgeUnavailable('no login of this account is valid any more');
  }

  /** `listener` is called when the edge takes `token` no more; answers how to stop it. */
  onEnd(token: string, listener: () => void): () => void {
    const listeners = this.#guests.get(token) ?? new Set();
    const own = () => listener();
    this.#guests.set(token, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#guests.get(token) === listeners) this.#guests.delete(token);
    };
  }

  /** Calls the edge with the token of everyone who is here but the newest, which all other calls use. Never rejects. */
  async check(call: (token: string) => Promise<unknown>): Promise<void> {
    const newest = this.#logins.at(-1)?.token;
    const others = [...this.#guests.keys()].filter((token) => token !== newest);
    for (const token of others) await call(token).catch((error: unknown) => this.#note(token, error));
  }

  /** True when the error says that this token has ended. */
  #note(token: string, error: unknown): boolean {
    const hasEnded = error instanceof EdgeRefused && error.status === 401;
    if (hasEnded) this.refuse(token);
    return hasEnded;
  }

  /** The edge does not take this token. */
  refuse(token: string): void {
    this.#dead.add(token);
    this.#onRefused(token);
    this.#logins = this.#logins.filter((login) => login.token !== token);
    if (this.#dead.size > LOGINS_MAX) this.#dead.clear();
    for (const listener of [...(this.#guests.get(token) ?? [])]) listener();
  }
}
