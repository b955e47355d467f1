/**
 * The mirrors of this receiver, one per account in use, and the IMAP backend over them. A mirror is opened by the
 * account's first login and closed some time after its last session; one head request now and then covers all open
 * accounts, in case a push was lost (DESIGN.md, invariant 9).
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { EdgeRefused, EdgeUnavailable } from '../edge.ts';
import { MirrorSession } from '../imap/mirror-session.ts';
import { type Backend, Refusal, type Session } from '../imap/session.ts';
import type { Log } from '../log.ts';
import type { LoggedIn, Login, ProofLogin, RememberingLogin } from '../login.ts';
import type { Bridge } from './bridge.ts';
import { Mirror, mirrorFile } from './mirror.ts';
import { Originals } from './originals.ts';
import { isSound, makeSure } from './soundness.ts';
import { Tokens } from './tokens.ts';

/** Octets of originals on disk unless told otherwise. */
const CACHE_DEFAULT = 1024 ** 3;
const HEADS_INTERVAL_MS = 5 * 60_000;
/** Accounts one head request names: its path stays below 2 KB. */
const HEADS_ACCOUNTS_MAX = 100;
/** A mail client that comes back within this finds its mirror open and up to date. */
const LINGER_MS = 5 * 60_000;

export interface MirrorsOptions {
  /** `$POSTHOUSE_HOME` */
  home: string;
  edge: Bridge;
  /** One that remembers is told of tokens the edge no longer takes. */
  login: Login & Partial<Pick<RememberingLogin, 'forget'> & ProofLogin>;
  log: Log;
  /** Octets of originals kept on disk; 1 GiB when absent. */
  cacheBytes?: number;
  headsInterval?: number;
  linger?: number;
  pageSize?: number;
}

export interface Mirrors {
  backend: Backend;
  /** Asks the edge how far each open account is; the timer does it every five minutes. */
  checkHeads(): Promise<void>;
  close(): Promise<void>;
}

interface Open {
  mirror: Mirror;
  sessions: number;
  linger?: NodeJS.Timeout;
}

/** Opens the backend; mirrors lie in `home/mirror`, originals in `home/cache`. */
export function makeMirrors(options: MirrorsOptions): Mirrors {
  const mirrors = new OpenMirrors(options);
  return {
    backend: mirrors.backend(),
    checkHeads: () => mirrors.checkHeads(),
    close: () => mirrors.close(),
  };
}

class OpenMirrors {
  readonly #options: MirrorsOptions;
  readonly #directory: string;
  readonly #originals: Originals;
  readonly #open = new Map<number, Open>();
  readonly #closing = new Map<number, Promise<void>>();
  /** The files that are being looked through, one after the other. */
  #checks: Promise<unknown> = Promise.resolve();
  readonly #heads: NodeJS.Timeout;

  constructor(options: MirrorsOptions) {
    this.#options = options;
    this.#directory = path.join(options.home, 'mirror');
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.#originals = new Originals(path.join(options.home, 'cache'), options.cacheBytes ?? CACHE_DEFAULT);
    this.#originals.open().catch((error: unknown) => options.log.warn('mirror.cache', { error }));
    this.#heads = setInterval(() => void this.checkHeads(), options.headsInterval ?? HEADS_INTERVAL_MS);
    this.#heads.unref();
  }

  /** With the mechanisms that this receiver's login has. */
  backend(): Backend {
    const { scram, bearer } = this.#options.login;
    const open = (login: LoggedIn | null) => (login ? this.#enter(login) : null);
    return {
      login: async (username, password, { remoteAddress }) =>
        open(await this.#asked(() => this.#options.login.verify(username, password, remoteAddress))),
      ...(scram && {
        scram: async (username, clientFirstBare) => {
          const exchange = await this.#asked(() => scram(username, clientFirstBare));
          const finish = async (clientFinal: string) => {
            const proven = await this.#asked(() => exchange.finish(clientFinal));
            return proven && { serverFinal: proven.serverFinal, open: () => this.#enter(proven.user) };
          };
          return { serverFirst: exchange.serverFirst, finish };
        },
      }),
      ...(bearer && { bearer: async (username, token) => open(await this.#asked(() => bearer(username, token))) }),
    };
  }

  async #enter(login: LoggedIn): Promise<Session> {
    if (!this.#open.has(login.account)) await this.#makeSure(login.account);
    await this.#closing.get(login.account);
    const open = this.#open.get(login.account) ?? this.#openOrRefuse(login);
    open.mirror.tokens.add(login);
    open.sessions++;
    clearTimeout(open.linger);
    return new MirrorSession({
      mirror: open.mirror,
      originals: this.#originals,
      address: login.address,
      token: login.token,
      without: login.imapWithout,
      onClose: () => this.#release(open),
    });
  }

  /** One call however many accounts are open; those that are behind catch up. */
  async checkHeads(): Promise<void> {
    const accounts = [...this.#open.keys()];
    for (let at = 0; at < accounts.length; at += HEADS_ACCOUNTS_MAX) {
      const { heads } = await this.#options.edge.heads(accounts.slice(at, at + HEADS_ACCOUNTS_MAX)).catch((error: unknown) => {
        this.#options.log.warn('mirror.heads', { error });
        return { heads: {} };
      });
      await Promise.all(Object.entries(heads).map(([account, modseq]) => this.#open.get(Number(account))?.mirror.catchUp(modseq)));
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#heads);
    for (const { linger } of this.#open.values()) clearTimeout(linger);
    await Promise.all([...[...this.#open.values()].map(({ mirror }) => mirror.close()), ...this.#closing.values()]);
    this.#open.clear();
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof EdgeUnavailable) && !(error instanceof EdgeRefused)) throw error;
      this.#options.log.warn('mirror.login', { error });
      throw new Refusal('UNAVAILABLE', 'Logins cannot be checked now, try again later');
    }
  }

  /** Nothing of a file that may be torn is shown. */
  async #makeSure(account: number): Promise<void> {
    const file = mirrorFile(this.#directory, account);
    if (isSound(file)) return;
    const check = this.#checks.then(() => makeSure(file));
    this.#checks = check.catch(() => null);
    const damage = await check.catch((error: unknown) => this.#refuseToOpen(account, error));
    if (damage !== null) this.#options.log.warn('mirror.rebuild', { path: file, reason: damage });
  }

  #openOrRefuse(login: LoggedIn): Open {
    try {
      return this.#openMirror(login);
    } catch (error) {
      return this.#refuseToOpen(login.account, error);
    }
  }

  /** A full or read-only disk is the operator's trouble; the client is told to come back. */
  #refuseToOpen(account: number, error: unknown): never {
    this.#options.log.error('mirror.open', { account, error });
    throw new Refusal('UNAVAILABLE', 'The mailbox cannot be opened now');
  }

  #openMirror(login: LoggedIn): Open {
    const { edge, login: logins, log, pageSize } = this.#options;
    const tokens = new Tokens((token) => logins.forget?.(token));
    tokens.add(login);
    const mirror = new Mirror({ account: login.account, directory: this.#directory, bridge: edge, tokens, log, pageSize });
    const open: Open = { mirror, sessions: 0 };
    this.#open.set(login.account, open);
    return open;
  }

  #release(open: Open): void {
    open.sessions--;
    if (open.sessions > 0) return;
    open.linger = setTimeout(() => this.#closeMirror(open.mirror), this.#options.linger ?? LINGER_MS);
    open.linger.unref();
  }

  #closeMirror(mirror: Mirror): void {
    const { account } = mirror;
    this.#open.delete(account);
    const closing = mirror.close().catch((error: unknown) => this.#options.log.warn('mirror.close', { account, error }));
    this.#closing.set(
      account,
      closing.finally(() => this.#closing.delete(account)),
    );
  }
}
