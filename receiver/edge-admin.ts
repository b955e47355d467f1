/**
 * The admin API from outside: what the CLI and `npm start` ask of the Worker with the admin token. Lies
 * beside edge.ts, which makes the receiver's calls; nothing else talks to the Worker. Passwords become
 * SCRAM verifiers here, so none leaves this process (DESIGN.md, invariant 7).
 */
import { createHash } from 'node:crypto';
import { makeVerifier, type Verifier } from '../shared/scram.ts';

/** An answer that takes longer is counted as none; creating an account is a handful of queries. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Pages one listing follows at most: 500 entries each. */
const PAGES_MAX = 10_000;

/** The Worker did not answer, or refused; `message` says what happened and what to do. */
export class AdminRefused extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface AdminAccount {
  id: number;
  address: string;
  name: string;
  /** Octets; null for no limit. */
  quota: number | null;
  salt: string;
  iterations: number;
  /** Epoch milliseconds. */
  createdAt: number;
  /** IMAP capabilities switched off. */
  imapWithout: string[];
}
export interface AdminDomain {
  name: string;
  postmaster: string | null;
  mtaStsMode: 'none' | 'testing' | 'enforce';
  /** Seconds. */
  mtaStsMaxAge: number;
}
export interface AdminAlias {
  address: string;
  kind: 'alias' | 'catchall' | 'blocked';
  account: string | null;
}
export interface AdminAppPassword {
  id: number;
  label: string;
  createdAt: number;
  lastUsedAt: number | null;
}
export interface AdminReceiver {
  id: number;
  name: string;
  hostname: string | null;
  createdAt: number;
  revokedAt: number | null;
}
export type AdminRelay = { kind: 'file' | null } | { kind: 'resend'; apiUrl: string; hasKey: boolean };

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export class AdminEdge {
  readonly #url: string;
  readonly #token: string;

  /** `url`: the Worker's, without a path. */
  constructor(options: { url: string; token: string }) {
    this.#url = options.url.replace(/\/+$/, '');
    this.#token = options.token;
  }

  // -- domains

  async domains(): Promise<AdminDomain[]> {
    return (await this.#call<{ domains: AdminDomain[] }>('GET', '/domains')).domains;
  }

  /** Adds the domain or changes it. `postmaster`: an account's address. */
  putDomain(name: string, change: { postmaster?: string; mtaStsMode?: string; mtaStsMaxAge?: number } = {}): Promise<AdminDomain> {
    return this.#call('PUT', `/domains/${encodeURIComponent(name)}`, change);
  }

  /** Adds the domain if it is not there. */
  async ensureDomain(name: string): Promise<void> {
    await this.putDomain(name);
  }

  // -- accounts

  accounts(): Promise<AdminAccount[]> {
    return this.#pages(async (last: AdminAccount | undefined) => {
      const page = await this.#call<{ accounts: AdminAccount[]; more: boolean }>('GET', `/accounts?after=${last?.id ?? 0}`);
      return { entries: page.accounts, more: page.more };
    });
  }

  account(address: string): Promise<AdminAccount & { addresses: string[] }> {
    return this.#call('GET', accountPath(address));
  }

  /** Derives the verifier (a tenth of a second) and adds the account. */
  async addAccount(address: string, password: string, options: { name?: string; quota?: number } = {}): Promise<AdminAccount> {
    return this.#call('POST', '/accounts', { address, ...options, verifier: await makeVerifier(password) });
  }

  /** Adds the account if it is not there; one that is keeps its password. */
  async ensureAccount(address: string, password: string, options: { name?: string; quota?: number } = {}): Promise<AdminAccount> {
    const known = await orUndefined(404, this.account(address));
    if (known) return known;
    return (await orUndefined(409, this.addAccount(address, password, options))) ?? this.account(address);
  }

  /** Replaces the password; app passwords stay, sessions of the old password end. */
  async setPassword(address: string, password: string): Promise<void> {
    const verifier = await this.#verifierFor(address, password);
    await this.#call('PUT', `${accountPath(address)}/password`, { verifier });
  }

  /** Switches IMAP capabilities off for an account, and all others on. */
  setImapWithout(address: string, imapWithout: string[]): Promise<AdminAccount> {
    return this.#call('PATCH', accountPath(address), { imapWithout });
  }

  removeAccount(address: string): Promise<void> {
    return this.#call('DELETE', accountPath(address));
  }

  // -- app passwords

  async appPasswords(address: string): Promise<AdminAppPassword[]> {
    const path = `${accountPath(address)}/app-passwords`;
    return (await this.#call<{ appPasswords: AdminAppPassword[] }>('GET', path)).appPasswords;
  }

  /** Adds a random secret as an app password: it must have 128 bits, because its plain SHA-256 is kept. */
  async addAppPassword(address: string, label: string, secret: string): Promise<{ id: number }> {
    const verifier = await this.#verifierFor(address, secret);
    const secretSha256 = createHash('sha256').update(secret).digest('hex');
    return this.#call('POST', `${accountPath(address)}/app-passwords`, { label, verifier, secretSha256 });
  }

  /** Adds the secret if it is no app password yet. */
  async ensureAppPassword(address: string, label: string, secret: string): Promise<void> {
    await orUndefined(409, this.addAppPassword(address, label, secret));
  }

  removeAppPassword(address: string, id: number): Promise<void> {
    return this.#call('DELETE', `${accountPath(address)}/app-passwords/${id}`);
  }

  // -- aliases

  /** All of them, or those of one account. */
  aliases(account?: string): Promise<AdminAlias[]> {
    const owner = account === undefined ? '' : `&account=${encodeURIComponent(account)}`;
    return this.#pages(async (last: AdminAlias | undefined) => {
      const path = `/aliases?after=${encodeURIComponent(last?.address ?? '')}${owner}`;
      const page = await this.#call<{ aliases: AdminAlias[]; more: boolean }>('GET', path);
      return { entries: page.aliases, more: page.more };
    });
  }

  /** `address` may be `@domain`. A null account blocks the address from the catch-all. */
  putAlias(address: string, account: string | null): Promise<AdminAlias> {
    return this.#call('PUT', `/aliases/${encodeURIComponent(address)}`, account === null ? { blocked: true } : { account });
  }

  removeAlias(address: string): Promise<void> {
    return this.#call('DELETE', `/aliases/${encodeURIComponent(address)}`);
  }

  // -- receivers

  async receivers(): Promise<AdminReceiver[]> {
    return (await this.#call<{ receivers: AdminReceiver[] }>('GET', '/receivers')).receivers;
  }

  /** `key`: 64 hexadecimal digits. The same name with the same key is the same receiver. */
  addReceiver(name: string, hostname: string | null, key: string): Promise<{ id: number }> {
    return this.#call('POST', '/receivers', { name, hostname, key });
  }

  /** The id of the receiver of this name and key, registered if it is not. */
  async ensureReceiver(name: string, hostname: string | null, key: string): Promise<number> {
    return (await this.addReceiver(name, hostname, key)).id;
  }

  revokeReceiver(id: number): Promise<void> {
    return this.#call('DELETE', `/receivers/${id}`);
  }

  // -- relay

  relay(): Promise<AdminRelay> {
    return this.#call('GET', '/relay');
  }

  setRelay(relay: { kind: 'file' } | { kind: 'resend'; apiUrl?: string; apiKey: string }): Promise<AdminRelay> {
    return this.#call('PUT', '/relay', relay);
  }

  /** A verifier with the salt and iterations that all credentials of the account share. */
  async #verifierFor(address: string, password: string): Promise<Verifier> {
    const { salt, iterations } = await this.account(address);
    return makeVerifier(password, salt, iterations);
  }

  async #pages<T>(read: (last: T | undefined) => Promise<{ entries: T[]; more: boolean }>): Promise<T[]> {
    const all: T[] = [];
    for (let page = 0; page < PAGES_MAX; page++) {
      const { entries, more } = await read(all.at(-1));
      all.push(...entries);
      if (!more || entries.length === 0) break;
    }
    return all;
  }

  async #call<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' };
    const request = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
    const answer = await fetch(`${this.#url}/admin${path}`, { ...request, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).catch(
      (error) => {
        throw new AdminRefused(
          0,
          `The Worker at ${this.#url} does not answer (${reasonOf(error)}). Is it running, and is the address right?`,
        );
      },
    );
    const text = await answer.text();
    if (!answer.ok) throw new AdminRefused(answer.status, detailOf(text) ?? `The Worker at ${this.#url} answered ${answer.status}.`);
    return parsed(text) as T;
  }
}

function accountPath(address: string): string {
  return `/accounts/${encodeURIComponent(address)}`;
}

/** The answer, or undefined when it was refused with this status. */
async function orUndefined<T>(status: number, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof AdminRefused && error.status === status) return undefined;
    throw error;
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

function detailOf(text: string): string | undefined {
  const body = parsed(text);
  const detail = typeof body === 'object' && body !== null && 'detail' in body ? body.detail : undefined;
  return typeof detail === 'string' ? detail : undefined;
}

/** Undefined for an empty answer and for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
