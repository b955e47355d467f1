/**
 * Turning a name and a password into an account's token, for SMTP AUTH and IMAP alike. The receiver plays
 * the SCRAM client (RFC 5802), so the password never leaves this process (DESIGN.md, invariant 7). A verified
 * credential is remembered for 12 h as a keyed hash, so that people can still log in while the edge is away.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { ScramFinishAnswer, TokenAnswer } from '../shared/protocol.ts';
import { answerServerFirst, clientFirstBare, newNonce } from '../shared/scram.ts';
import { type Edge, EdgeUnavailable } from './edge.ts';
import { type Log, silentLog } from './log.ts';
import { networkOf } from './network.ts';

/** A verified user of this receiver. */
export interface LoggedIn {
  account: number;
  /** The account's first address. */
  address: string;
  /** Opaque, for calls to the edge on behalf of the account. */
  token: string;
  /** Epoch milliseconds. */
  expires: number;
  /** IMAP capabilities switched off for this account, upper case. */
  imapWithout?: readonly string[];
}

/** A SCRAM exchange that a client plays itself: we pass its messages to the edge and back. */
export interface PassedExchange {
  serverFirst: string;
  /** Null: the proof is wrong. Throws `EdgeUnavailable`. */
  finish(clientFinal: string): Promise<{ user: LoggedIn; serverFinal: string } | null>;
}

/** Logins by other proofs than a password; nothing is remembered of them, so they need the edge. All throw `EdgeUnavailable`. */
export interface ProofLogin {
  scram(username: string, clientFirstBare: string): Promise<PassedExchange>;
  /** An app password or a program's bearer token. Null: unknown. */
  bearer(username: string | null, token: string): Promise<LoggedIn | null>;
}

export interface Login {
  /**
   * Null: wrong. Throws `EdgeUnavailable` when the edge is away and nothing verified this credential within 12 h.
   */
  verify(username: string, password: string, remoteAddress: string): Promise<LoggedIn | null>;
}

/** A login that can also be told that the edge no longer takes a token (password changed, app password removed). */
export interface RememberingLogin extends Login, ProofLogin {
  forget(token: string): void;
}

/** DESIGN.md, "The receiver": credentials verified within 12 h still log in while the edge is away. */
export const REMEMBERED_MS = 12 * 3_600_000;
/** For this long a verified credential is not asked about again: clients open five connections, scripts one per message. */
export const FRESH_MS = 5 * 60_000;
/** Each derivation keeps a core busy for 100 ms, and a VPS has one or two. */
const DERIVATIONS_AT_ONCE = 2;
/** Logins that may wait for a derivation: 5 s worth; more are a flood, and waiting would not help them. */
const WAITING_MAX = 100;
/** Of these, from one network (not this machine): one guesser, whom 100 connections are allowed, must not lock everybody out. */
const WAITING_PER_NETWORK_MAX = 20;
/** Remembered credentials, least recently verified out first. */
const REMEMBERED_MAX = 10_000;
/** Octets a name or password may have; a derivation over a megabyte of password is an attack. */
const CREDENTIAL_MAX = 1024;

export interface LoginOptions {
  log?: Log;
  /** For tests. */
  now?: () => number;
}

interface Remembered {
  user: LoggedIn;
  verifiedAt: number;
}

/** What logging in asks of the edge. */
export type LoginEdge = Pick<Edge, 'scramStart' | 'scramFinish'> & Partial<Pick<Edge, 'exchangeToken'>>;

/** The login of this process, over the edge. */
export function makeLogin(edge: LoginEdge, options: LoginOptions = {}): RememberingLogin {
  const { log = silentLog, now = Date.now } = options;
  const memory = new CredentialMemory(now);
  const underWay = new Map<string, Promise<LoggedIn | null>>();
  const derive = makeTurnstile({ width: DERIVATIONS_AT_ONCE, waiting: WAITING_MAX, perNetwork: WAITING_PER_NETWORK_MAX });

  async function ask(credential: string, username: string, password: string, network: string): Promise<LoggedIn | null> {
    try {
      const user = await derive(network, () => playScram(edge, username, password));
      if (user) memory.remember(credential, user);
      else memory.drop(credential);
      return user;
    } catch (error) {
      const known = memory.recall(credential, REMEMBERED_MS);
      if (!known || !(error instanceof EdgeUnavailable)) throw error;
      log.warn('login.from-memory', { account: known.account, reason: error });
      return known;
    }
  }

  return {
    async verify(username, password, remoteAddress) {
      if (username === '' || password === '' || Buffer.byteLength(username + password) > CREDENTIAL_MAX) return null;
      const credential = memory.hash(username, password);
      const fresh = memory.recall(credential, FRESH_MS);
      if (fresh) return fresh;
      const pending =
        underWay.get(credential) ??
        ask(credential, username, password, networkOf(remoteAddress)).finally(() => underWay.delete(credential));
      underWay.set(credential, pending);
      return pending;
    },
    scram: (username, clientFirstBare) => passScram(edge, username, clientFirstBare),
    bearer: (username, token) => exchangeToken(edge, username, token),
    forget: (token) => memory.forget(token),
  };
}

/** Null: wrong password, unknown name, or an edge that does not hold the verifier. */
async function playScram(edge: Pick<Edge, 'scramStart' | 'scramFinish'>, username: string, password: string): Promise<LoggedIn | null> {
  const firstBare = clientFirstBare(username, newNonce());
  const { exchange, serverFirst } = await edge.scramStart({ username, clientFirstBare: firstBare });
  const answer = await answerServerFirst(password, firstBare, serverFirst);
  if (!answer) throw new EdgeUnavailable('the edge began a login that is no SCRAM exchange of ours');
  return loggedIn(await edge.scramFinish({ exchange, clientFinal: answer.clientFinal }), answer.serverFinal);
}

function loggedIn(result: ScramFinishAnswer, serverFinal: string): LoggedIn | null {
  if (result.status !== 'ok') return null;
  if (result.serverFinal !== serverFinal) {
    throw new EdgeUnavailable('the edge did not prove that it holds the verifier (RFC 5802 §5, server signature)');
  }
  return userOf(result);
}

function userOf(result: Extract<TokenAnswer, { status: 'ok' }>): LoggedIn {
  const { account, address, token, expires, imapWithout } = result;
  if (token === undefined) throw new EdgeUnavailable('the edge gave no token');
  return { account, address, token, expires, ...(imapWithout ? { imapWithout } : {}) };
}

async function passScram(edge: LoginEdge, username: string, clientFirstBare: string): Promise<PassedExchange> {
  const { exchange, serverFirst } = await edge.scramStart({ username, clientFirstBare });
  return {
    serverFirst,
    async finish(clientFinal) {
      const result = await edge.scramFinish({ exchange, clientFinal });
      return result.status === 'ok' ? { user: userOf(result), serverFinal: result.serverFinal } : null;
    },
  };
}

async function exchangeToken(edge: LoginEdge, username: string | null, secret: string): Promise<LoggedIn | null> {
  if (!edge.exchangeToken) throw new EdgeUnavailable('this edge exchanges no tokens');
  const result = await edge.exchangeToken({ ...(username === null ? {} : { username }), secret });
  return result.status === 'ok' ? userOf(result) : null;
}

/** Verified credentials by keyed hash. The key lives and dies with the process; the password is not kept. */
class CredentialMemory {
  readonly #key = randomBytes(32);
  readonly #entries = new Map<string, Remembered>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  hash(username: string, password: string): string {
    return createHmac('sha256', this.#key).update(`${username.trim().toLowerCase()}\0${password}`).digest('base64');
  }

  /** The user, when verified within `age` milliseconds and the token still lives. */
  recall(credential: string, age: number): LoggedIn | undefined {
    const entry = this.#entries.get(credential);
    if (!entry || this.#now() >= entry.user.expires || this.#now() - entry.verifiedAt >= age) return undefined;
    return entry.user;
  }

  remember(credential: string, user: LoggedIn): void {
    this.#entries.delete(credential);
    this.#entries.set(credential, { user, verifiedAt: this.#now() });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > REMEMBERED_MAX && oldest !== undefined) this.#entries.delete(oldest);
  }

  drop(credential: string): void {
    this.#entries.delete(credential);
  }

  forget(token: string): void {
    for (const [credential, { user }] of this.#entries) if (user.token === token) this.#entries.delete(credential);
  }
}

type Turnstile = <T>(network: string, work: () => Promise<T>) => Promise<T>;

/** Lets `width` pass at once and keeps at most `waiting` in line, `perNetwork` of one network; more are turned away. */
function makeTurnstile({ width, waiting, perNetwork }: { width: number; waiting: number; perNetwork: number }): Turnstile {
  const line: { network: string; pass: () => void }[] = [];
  let passing = 0;
  const isFull = (network: string) =>
    line.length >= waiting || (!isOwn(network) && line.filter((other) => other.network === network).length >= perNetwork);
  return async (network, work) => {
    if (passing >= width) {
      if (isFull(network)) throw new EdgeUnavailable('too many logins at once');
      await new Promise<void>((pass) => line.push({ network, pass }));
    } else passing++;
    try {
      return await work();
    } finally {
      const next = line.shift();
      if (next) next.pass();
      else passing--;
    }
  };
}

/** This machine's loopback: its programs share one address. */
function isOwn(network: string): boolean {
  return network === networkOf('::1') || network.startsWith('127.');
}
