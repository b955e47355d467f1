/**
 * One account's mirror: its file, the feed that fills it, the push that wakes the feed, the commits, and
 * the mailboxes in use. All sessions of the account on this receiver share it, so every change is read from the edge
 * once (DESIGN.md, "Mirror"). When the edge is away, it answers from what it has and invents nothing.
 */
import path from 'node:path';
import { Backoff } from '../backoff.ts';
import { EdgeRefused, EdgeUnavailable } from '../edge.ts';
import { type MailboxChange, Refusal } from '../imap/session.ts';
import type { Log } from '../log.ts';
import type { Bridge } from './bridge.ts';
import { Commits } from './commits.ts';
import { Feed } from './feed.ts';
import type { MirrorFile } from './file.ts';
import { LiveMailbox } from './live-mailbox.ts';
import { Push } from './push.ts';
import { isDamage } from './schema.ts';
import { Texts } from './texts/index.ts';
import type { Tokens } from './tokens.ts';
import type { Touched } from './touched.ts';
import { MailboxTree } from './tree.ts';
import { settledWithin } from './waiting.ts';

/** A client that reconnects finds its mailbox loaded; after this long it is loaded anew from disk. */
const IDLE_MAILBOX_MS = 60_000;
/** Messages held for mailboxes that nobody has selected (STATUS): 500,000 are 12 MB, and 20 MB more where they have been sorted and threaded. */
const IDLE_MESSAGES_MAX = 500_000;
const RETRY_FIRST_MS = 1000;
const RETRY_LAST_MS = 60_000;
/** A login to a mirror that holds mail waits this long for news, then shows what is there. */
const FRESH_WAIT_MS = 3000;
/** NOOP waits this long for the edge. */
const REFRESH_WAIT_MS = 2000;

export interface MirrorOptions {
  account: number;
  /** The folder of the mirrors' files. */
  directory: string;
  bridge: Bridge;
  tokens: Tokens;
  log: Log;
  pageSize?: number;
}

/** Where an account's file lies. */
export function mirrorFile(directory: string, account: number): string {
  return path.join(directory, `${account}.sqlite`);
}

export class Mirror {
  readonly account: number;
  readonly bridge: Bridge;
  readonly tokens: Tokens;
  readonly log: Log;
  readonly commits: Commits;
  /** Called after each round that changed something. */
  readonly watchers = new Set<() => void>();
  readonly #feed: Feed;
  readonly #push: Push;
  readonly #live = new Map<number, LiveMailbox>();
  readonly #opening: Promise<void>;
  readonly #sweep: NodeJS.Timeout;
  readonly #retry = new Backoff(RETRY_FIRST_MS, RETRY_LAST_MS);
  #retryTimer: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #textsPath: string;
  #texts: Texts | null = null;
  #filling = false;
  tree: MailboxTree;

  constructor({ account, directory, bridge, tokens, log, pageSize }: MirrorOptions) {
    this.account = account;
    this.bridge = bridge;
    this.tokens = tokens;
    this.log = log;
    this.#textsPath = path.join(directory, `${account}.texts`);
    this.#feed = new Feed({
      path: mirrorFile(directory, account),
      fetch: (cursor, limit) => tokens.use((token) => bridge.changes(token, cursor, limit)),
      publish: (touched) => this.#publish(touched),
      log,
      pageSize,
    });
    this.commits = new Commits({
      feed: this.#feed,
      send: (request, payloads) => tokens.use((token) => bridge.commit(token, request, payloads)),
      onBehind: (error) => this.#tryLater(error),
    });
    this.tree = new MailboxTree(this.file.complete ? this.file.mailboxes() : []);
    this.#opening = this.catchUp();
    this.#push = new Push({
      open: () => tokens.use((token) => bridge.openPush(token)),
      onOpen: () => {
        void this.catchUp();
        // The edge cuts the pushes of an account of which a login has ended; nothing of the answers but that counts here.
        void tokens.check((token) => bridge.changes(token, this.file.cursor, 1));
      },
      onModseq: (modseq) => void this.catchUp(modseq),
      log,
    });
    this.#sweep = setInterval(() => this.#dropIdle(), IDLE_MAILBOX_MS / 2);
    this.#sweep.unref();
  }

  get file(): MirrorFile {
    return this.#feed.file;
  }

  /** The texts that searches have read, under the numbers of the file that is shown. */
  get texts(): Texts {
    const { generation } = this.file;
    if (this.#texts?.generation === generation) return this.#texts;
    void this.#texts?.close();
    const isLive = (email: number) => this.file.statement('SELECT 1 FROM email WHERE id = ?').get(email) !== undefined;
    this.#texts = new Texts({ path: this.#textsPath, generation, isLive });
    return this.#texts;
  }

  /** Runs `fill` unless one is under way; its failures are nobody's. */
  fillTexts(fill: (stopped: () => boolean) => Promise<void>): void {
    if (this.#filling || this.#closed) return;
    this.#filling = true;
    fill(() => this.#closed)
      .catch((error: unknown) => this.log.info('mirror.texts', { account: this.account, error }))
      .finally(() => {
        this.#filling = false;
      });
  }

  /** Fetches what is new in the background, again and again until the edge answers. Never rejects. */
  async catchUp(modseq?: number): Promise<void> {
    try {
      await (modseq === undefined ? this.#feed.round() : this.#feed.reach(modseq));
      this.#retry.reset();
    } catch (error) {
      this.#tryLater(error);
    }
  }

  /** Waits for the first synchronisation. Throws `Refusal('UNAVAILABLE')` when the edge is away before it has ended. */
  async ready(): Promise<void> {
    if (this.file.complete) return settledWithin(this.#opening, FRESH_WAIT_MS);
    await this.#opening;
    while (!this.file.complete) await this.#feed.round().catch((error) => this.refuse(error));
  }

  /** Asks the edge for news, for a bounded time. */
  refresh(): Promise<void> {
    return settledWithin(this.catchUp(), REFRESH_WAIT_MS);
  }

  /** The mailbox in memory, loaded when it was not. Throws `Refusal('NONEXISTENT')`. */
  live(id: number): LiveMailbox {
    const known = this.#live.get(id) ?? this.#load(id);
    known.lastUsed = Date.now();
    return known;
  }

  /** Reads from the file; damage that shows itself starts a rebuild and is told as UNAVAILABLE. */
  read<T>(work: (file: MirrorFile) => T): T {
    try {
      return work(this.file);
    } catch (error) {
      return this.refuse(error);
    }
  }

  /** What a client is told about a failure; defects stay visible as such. */
  refuse(error: unknown): never {
    if (error instanceof Refusal) throw error;
    if (isDamage(error)) {
      this.#rebuild(error);
      throw new Refusal('UNAVAILABLE', 'The local copy is being rebuilt, try again in a moment');
    }
    if (error instanceof EdgeUnavailable) throw new Refusal('UNAVAILABLE', 'The mail store is away, try again later');
    if (!(error instanceof EdgeRefused)) throw error;
    this.log.error('mirror.refused', { account: this.account, error });
    throw new Refusal('SERVERBUG', 'The mail store refused this');
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweep);
    clearTimeout(this.#retryTimer);
    this.#push.close();
    await this.#feed.close();
    await this.#texts?.close();
  }

  #tryLater(error: unknown): void {
    if (this.#closed) return;
    if (isDamage(error)) {
      this.#rebuild(error);
      return;
    }
    const wait = this.#retry.next();
    this.log.warn('mirror.behind', { account: this.account, error, retryMs: Math.round(wait) });
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => void this.catchUp(), wait);
    this.#retryTimer.unref();
  }

  #rebuild(error: unknown): void {
    if (this.#closed) return;
    this.#feed.rebuild(String(error)).catch((failed: unknown) => this.#tryLater(failed));
  }

  #load(id: number): LiveMailbox {
    const mailbox = this.tree.get(id);
    if (!mailbox) throw new Refusal('NONEXISTENT', 'No such mailbox');
    const live = this.read((file) => new LiveMailbox(file, mailbox.row));
    this.#live.set(id, live);
    return live;
  }

  /** A round has ended: the names, the mailboxes in use and their sessions learn of it. */
  #publish(touched: Touched): void {
    this.tree = new MailboxTree(this.file.mailboxes());
    for (const live of [...this.#live.values()]) {
      const row = this.tree.get(live.id)?.row;
      if (row?.uidvalidity === live.row.uidvalidity) this.#tell(live, live.refresh(this.file, row, touched));
      else {
        this.#live.delete(live.id);
        this.#tell(live, live.destroy());
      }
    }
    this.#wakeWatchers();
  }

  #wakeWatchers(): void {
    for (const watcher of [...this.watchers]) watcher();
  }

  #tell(live: LiveMailbox, change: MailboxChange | null): void {
    if (!change) return;
    for (const listener of [...live.listeners]) {
      try {
        listener(change);
      } catch (error) {
        this.log.error('mirror.listener', { account: this.account, error });
      }
    }
  }

  /** Longest unused first: those idle for a while, and as many more as the bound asks for. */
  #dropIdle(): void {
    const idle = [...this.#live.values()].filter((live) => live.users === 0).sort((a, b) => a.lastUsed - b.lastUsed);
    let messages = idle.reduce((sum, live) => sum + live.count, 0);
    for (const live of idle) {
      if (Date.now() - live.lastUsed < IDLE_MAILBOX_MS && messages <= IDLE_MESSAGES_MAX) continue;
      messages -= live.count;
      this.#live.delete(live.id);
    }
  }
}
