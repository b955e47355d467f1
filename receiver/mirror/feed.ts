/**
 * Follows an account's changes: rounds of pages from the cursor to the present, one at a time, shown to the
 * sessions only when a round has ended (shared/protocol.ts, `ChangesPage`). Commits take their turn in the same
 * line, because two answers read from one cursor must be applied in the order in which the edge gave them.
 * A cursor the edge no longer knows, a damaged file and a page that does not fit lead to a fresh file, which
 * takes the old one's place when it is complete.
 */
import type { ChangesPage } from '../../shared/protocol.ts';
import { EdgeUnavailable } from '../edge.ts';
import type { Log } from '../log.ts';
import { MirrorFile } from './file.ts';
import { pageRows } from './rows.ts';
import { isDamage, UnusableFile } from './schema.ts';
import { removeDatabase, replaceDatabase } from './soundness.ts';
import { Touched } from './touched.ts';
import { settledWithin } from './waiting.ts';

/** Rows asked for at once. The edge gives up to 500; smaller pages keep the memory of a first synchronisation 20 MB lower. */
const PAGE_ROWS = 200;
/** Pages between two lines about a long synchronisation in the log. */
const PROGRESS_PAGES = 50;
/** The process has ten seconds to end; a page takes well under one. */
const CLOSE_WAIT_MS = 2000;

export interface FeedOptions {
  path: string;
  fetch(cursor: string, limit: number): Promise<ChangesPage>;
  /** A round has ended, or the file is another one. */
  publish(touched: Touched): void;
  log: Log;
  pageSize?: number;
}

export class Feed {
  readonly #options: FeedOptions;
  #file: MirrorFile;
  #line: Promise<unknown> = Promise.resolve();
  #queued: Promise<void> | null = null;
  /** What the pages of the round at hand touched. */
  #touched = new Touched();
  #closed = false;
  #lastResetForMissing = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#file = openOrReplace(options.path, options.log);
  }

  /** The file that is shown; another one after a reset. */
  get file(): MirrorFile {
    return this.#file;
  }

  /** Fetches everything new. Calls that come before it starts share one round. Rejects when the edge is away. */
  round(): Promise<void> {
    this.#queued ??= this.exclusively(() => {
      this.#queued = null;
      return this.#follow();
    });
    return this.#queued;
  }

  /** A round, unless the mirror has got there by the time its turn comes: our own commits are pushed to us too. */
  reach(modseq: number): Promise<void> {
    if (this.#queued || this.#file.modseq >= modseq) return this.#queued ?? Promise.resolve();
    this.#queued = this.exclusively(async () => {
      this.#queued = null;
      if (this.#file.modseq < modseq) await this.#follow();
    });
    return this.#queued;
  }

  /** Throws everything away and starts again, in line. */
  rebuild(reason: string): Promise<void> {
    return this.exclusively(() => this.#resync(reason));
  }

  /** Runs when nothing else reads or moves the cursor. */
  exclusively<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#line.then(() => {
      if (this.#closed) throw new EdgeUnavailable('the mirror is closed');
      return task();
    });
    this.#line = run.catch(() => {});
    return run;
  }

  /** Applies the changes of a commit's answer and what lies behind them. Only from within `exclusively`. */
  async absorb(page: ChangesPage): Promise<void> {
    await this.#apply(page);
    if (page.more && !page.reset) await this.#follow();
  }

  /** Ends the task at hand, or leaves it behind when the edge takes too long; later ones are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await settledWithin(this.#line, CLOSE_WAIT_MS);
    this.#file.close();
  }

  async #follow(): Promise<void> {
    for (let pages = 1; ; pages++) {
      const cursor = this.#file.cursor;
      const page = await this.#options.fetch(cursor, this.#options.pageSize ?? PAGE_ROWS);
      if (page.more && !page.reset && page.cursor === cursor) throw new EdgeUnavailable('the feed of changes does not advance');
      await this.#apply(page);
      if (page.reset || !page.more) return;
      this.#throwIfClosed();
      this.#noteProgress(this.#file.path, pages, page.modseq);
    }
  }

  /** One page, or a fresh start when it asks for one or does not fit. */
  async #apply(page: ChangesPage): Promise<void> {
    if (page.reset) return this.#resync('the cursor is too old');
    try {
      const missing = this.#file.apply(await pageRows(page), this.#touched);
      if (missing > 0 && !this.#lastResetForMissing) {
        this.#lastResetForMissing = true;
        return await this.#resync(`${missing} emails came without their index`);
      }
      if (missing > 0) this.#options.log.error('mirror.missing', { path: this.#file.path, emails: missing });
    } catch (error) {
      if (!isDamage(error)) throw error;
      return this.#resync(String(error));
    }
    if (!page.more) this.#publish();
  }

  #publish(): void {
    const touched = this.#touched;
    this.#touched = new Touched();
    this.#options.publish(touched);
  }

  /**
   * Reads everything into a new file beside the old one, which is shown until the new one is complete. When it
   * breaks off, the next attempt goes on where it stopped.
   */
  async #resync(reason: string): Promise<void> {
    this.#options.log.warn('mirror.rebuild', { path: this.#options.path, reason });
    const path = `${this.#options.path}.new`;
    const fresh = openOrReplace(path, this.#options.log);
    try {
      await this.#fill(fresh);
    } finally {
      fresh.close();
    }
    this.#file.close();
    replaceDatabase(this.#options.path, path);
    this.#file = new MirrorFile(this.#options.path);
    this.#touched.addEverything();
    this.#publish();
  }

  async #fill(fresh: MirrorFile): Promise<void> {
    const ignored = new Touched();
    ignored.addEverything();
    for (let pages = 1; !fresh.complete; pages++) {
      const cursor = fresh.cursor;
      const page = await this.#options.fetch(cursor, this.#options.pageSize ?? PAGE_ROWS);
      if (page.reset || (page.more && page.cursor === cursor)) {
        removeDatabase(fresh.path);
        throw new EdgeUnavailable('the feed of changes has no beginning');
      }
      const missing = fresh.apply(await pageRows(page), ignored);
      if (missing > 0) this.#options.log.error('mirror.missing', { path: fresh.path, emails: missing });
      this.#throwIfClosed();
      this.#noteProgress(fresh.path, pages, page.modseq);
    }
  }

  /** A long synchronisation is seen to go on. */
  #noteProgress(path: string, pages: number, modseq: number): void {
    if (pages % PROGRESS_PAGES === 0) this.#options.log.info('mirror.sync', { path, pages, modseq });
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new EdgeUnavailable('the mirror is closed');
  }
}

/** Opens the file; one that cannot be used is thrown away, because the edge has everything in it. */
function openOrReplace(path: string, log: Log): MirrorFile {
  try {
    return new MirrorFile(path);
  } catch (error) {
    if (!(error instanceof UnusableFile) && !isDamage(error)) throw error;
    log.warn('mirror.rebuild', { path, reason: error });
    removeDatabase(path);
    return new MirrorFile(path);
  }
}
