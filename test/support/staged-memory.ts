/**
 * The memory session on a transcript's stage. It needs no edge; here its writes and its originals go as if there were one, so
 * that what a client sees when the edge is away can be told once for both kinds of session.
 */
import type { MemoryAccount } from '../../receiver/imap/memory-account.ts';
import { MemoryBackend } from '../../receiver/imap/memory-session.ts';
import { type Backend, Refusal, type Session } from '../../receiver/imap/session.ts';
import { PASSWORD, USER } from './imap-server.ts';
import type { StagedStore, Way } from './stage.ts';

const WRITES = new Set('append copy create delete expunge move rename replace setMetadata setSubscribed store'.split(' '));
const READS = new Set(['fullText', 'read']);

export class StagedMemory implements StagedStore {
  readonly #memory = new MemoryBackend();
  readonly #account: MemoryAccount;
  readonly #revoked = new Set<() => void>();
  /** What came while nobody could be told. */
  readonly #waiting: string[] = [];
  #way: Way = 'open';
  #release = (): void => {};
  #released: Promise<void> = Promise.resolve();

  constructor() {
    this.#account = this.#memory.add(USER, PASSWORD);
  }

  get backend(): Backend {
    const memory = this.#memory;
    const open = async (session: Promise<Session | null>) => {
      if (this.#way === 'away') throw new Refusal('UNAVAILABLE', 'The mail store is away');
      return this.#behindTheWay(await session);
    };
    return {
      login: (username, password) => open(memory.login(username, password)),
      scram: (username, first) => memory.scram(username, first),
      bearer: (username, token) => open(memory.bearer(username, token)),
    };
  }

  way(way: Way): void {
    this.#way = way;
    this.#release();
    if (way === 'held')
      this.#released = new Promise((resolve) => {
        this.#release = resolve;
      });
    if (way === 'open') for (const message of this.#waiting.splice(0)) this.deliver(message);
  }

  quota(octets: number): void {
    this.#account.quota = octets;
  }

  annotations(count: number): void {
    this.#account.metadataMax = count;
  }

  deliver(message: string): void {
    if (this.#way === 'away') this.#waiting.push(message);
    else void this.#account.append(this.#account.byName('INBOX'), { flags: [], body: Buffer.from(message) });
  }

  revoke(): void {
    for (const listener of [...this.#revoked]) listener();
  }

  async #pass(write: boolean): Promise<void> {
    if (write && this.#way === 'held') await this.#released;
    if (this.#way === 'away') throw new Refusal('UNAVAILABLE', 'The mail store is away, try again later');
    if (write && this.#way === 'broken') throw new TypeError('broken on purpose');
  }

  /** The same object, but what would ask the edge goes its way. */
  #behindTheWay<T extends object | null>(store: T): T {
    if (store === null) return store;
    return new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function' || typeof name === 'symbol') return member;
        const call = (...args: unknown[]) => Reflect.apply(member, target, args);
        if (name === 'select') return (...args: unknown[]) => this.#behindTheWay(call(...args));
        if (name === 'onRevoked') return (listener: () => void) => this.#onRevoked(listener);
        if (WRITES.has(name) || READS.has(name)) return (...args: unknown[]) => this.#pass(WRITES.has(name)).then(() => call(...args));
        return call;
      },
    });
  }

  #onRevoked(listener: () => void): () => void {
    this.#revoked.add(listener);
    return () => this.#revoked.delete(listener);
  }
}
