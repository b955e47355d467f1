/**
 * The tokens with which an account's mirror may speak to the edge: those of its sessions. Any live one serves; one that
 * the edge turns down with 401 is not used again. When one ends is the edge's to say, for this machine's clock may be wrong. The
 * password is long gone, so when none is left the account stays readable from the mirror and its writes answer UNAVAILABLE until
 * somebody logs in.
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
  /** Called when the edge has refused the last login. */
  readonly revoked = new Set<() => void>();

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
        if (!(error instanceof EdgeRefused) || error.status !== 401) throw error;
        this.refuse(token);
      }
    }
    throw new EdgeUnavailable('no login of this account is valid any more');
  }

  /** The edge does not take this token. */
  refuse(token: string): void {
    this.#dead.add(token);
    this.#onRefused(token);
    this.#logins = this.#logins.filter((login) => login.token !== token);
    if (this.#dead.size > LOGINS_MAX) this.#dead.clear();
    if (this.#logins.length === 0) for (const listener of [...this.revoked]) listener();
  }
}
