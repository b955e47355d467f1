/**
 * What a transcript plays on: an IMAP server with one account, started at the first line that needs it, and the settings by which a
 * transcript makes its world hard (`! edge away`). Which mail store lies behind it is a parameter.
 */
import type { ImapOptions } from '../../receiver/imap/server.ts';
import type { Backend } from '../../receiver/imap/session.ts';
import { startTestServer, type TestServer } from './imap-server.ts';

/** What the way to the edge is like: open; closed; commits wait; commits fail in a way nobody thought of. */
export type Way = 'open' | 'away' | 'held' | 'broken';

/** A mail store with one account, `USER` with `PASSWORD`, and what may happen to it. */
export interface StagedStore {
  backend: Backend;
  way(way: Way): void;
  /** Octets the account may hold. */
  quota(octets: number): void;
  /** Annotations it may hold. */
  annotations(count: number): void;
  /** A message comes into INBOX from outside. */
  deliver(message: string): void;
  /** Every login of the account ends. */
  revoke(): void;
}

/** What is delivered: as many octets as lines of answers about it say. */
const DELIVERED = 'Subject: from outside\r\n\r\nIt came by itself.\r\n';

const WAYS: Record<string, Way> = { away: 'away', back: 'open', holds: 'held', breaks: 'broken' };

/** Servers other than the usual one, by the word behind `! server`. */
const SERVERS: Record<string, Partial<ImapOptions>> = {
  /** Not on loopback: no password without TLS. */
  public: { listen: '0.0.0.0' },
  jmap: { jmapSession: 'https://mail.example.test/jmap/session' },
  talkative: { timeouts: { login: 60_000, idle: 60_000, progress: 5 } },
  small: { limits: { total: 2, perNetwork: 2, perUser: 1 } },
};

export class Stage {
  readonly #store: StagedStore;
  #options: Partial<ImapOptions> = {};
  #server: TestServer | null = null;
  #closing: Promise<void> | null = null;

  constructor(store: StagedStore) {
    this.#store = store;
  }

  async port(): Promise<number> {
    this.#server ??= await startTestServer({ ...this.#options, backend: this.#store.backend });
    return this.#server.imap;
  }

  /** One line `! name argument`. Throws for one that means nothing. */
  set(name: string, argument: string): void {
    const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
    if (!setting) throw new Error(`nothing on the stage is called ${name}`);
    setting(this, this.#store, argument);
  }

  serve(options: Partial<ImapOptions> | undefined): void {
    if (!options || this.#server) throw new Error('no such server, or it runs already');
    this.#options = { ...this.#options, ...options };
  }

  shutDown(): void {
    this.#closing ??= this.#server?.close() ?? null;
  }

  /** One defect was logged, which the transcript provoked. */
  takeDefect(): void {
    if (!this.#server?.defects.shift()) throw new Error('no defect was logged');
  }

  /** Ends the server; answers the defects that nobody provoked. */
  async clear(): Promise<string[]> {
    this.#store.way('open');
    this.shutDown();
    await this.#closing;
    return this.#server?.defects ?? [];
  }
}

const SETTINGS: Record<string, (stage: Stage, store: StagedStore, argument: string) => void> = {
  server: (stage, _store, kind) => (kind === 'stops' ? stage.shutDown() : stage.serve(SERVERS[kind])),
  edge: (_stage, store, word) => {
    const way = WAYS[word];
    if (!way) throw new Error(`the edge cannot be ${word}`);
    store.way(way);
  },
  quota: (_stage, store, octets) => store.quota(Number(octets)),
  annotations: (_stage, store, count) => store.annotations(Number(count)),
  deliver: (_stage, store) => store.deliver(DELIVERED),
  login: (_stage, store) => store.revoke(),
  defect: (stage) => stage.takeDefect(),
};
