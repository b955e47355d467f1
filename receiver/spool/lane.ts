/**
 * One line of entries on their way to the edge: in order of arrival, one call at a time; what arrives
 * meanwhile forms the next batch. So an idle system delivers at once and a busy one in full batches. While
 * the edge is away the whole lane waits; an entry that the edge wants later waits alone. One message may be
 * what the edge breaks over, so each failure halves the batch, and an entry that failed by itself waits by itself.
 */
import { pauseAfter } from '../backoff.ts';

/** Milliseconds before the second attempt, and the most between two. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 5 * 60_000;

/** What became of the entries a lane handed over. */
export interface Delivery {
  /** Asked to try later: each waits by itself. */
  later: string[];
  /** Not handled this time, through no fault of theirs: first in the next batch. */
  again: string[];
  /** The edge was away; the lane waits before its next call. */
  away: boolean;
}

export interface LaneOptions {
  /** At most this many ids are handed over at once. */
  batch: number;
  /** Delivers; never throws. */
  deliver: (spoolIds: string[]) => Promise<Delivery>;
  /** Milliseconds after so many failures; a test may hurry. */
  backOff?: (failures: number) => number;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #backOff: (failures: number) => number;
  readonly #ready = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #laneFailures = 0;
  #running: Promise<void> | null = null;
  #closed = false;
  #pause: { timer: NodeJS.Timeout; end: () => void } | null = null;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#backOff = options.backOff ?? ((failures) => pauseAfter(failures, FIRST_PAUSE_MS, LONGEST_PAUSE_MS));
  }

  add(spoolId: string): void {
    if (this.#closed) return;
    this.#ready.add(spoolId);
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** The edge has been heard: what waits is tried now. */
  wake(): void {
    this.#pause?.end();
    for (const [spoolId, timer] of [...this.#timers]) {
      clearTimeout(timer);
      this.#timers.delete(spoolId);
      this.add(spoolId);
    }
  }

  /** Ends after the call in flight. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#pause?.end();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#ready.size > 0 && !this.#closed) {
      const batch = [...take(this.#ready, Math.max(1, Math.floor(this.#options.batch / 2 ** this.#laneFailures)))];
      for (const spoolId of batch) this.#ready.delete(spoolId);
      const { later, again, away } = await this.#options.deliver(batch);
      // Whoever stood alone may be the reason: the next one is tried before it.
      if (away && batch.length === 1) later.push(...again.splice(0));
      this.#return(again);
      for (const spoolId of later) this.#postpone(spoolId);
      for (const spoolId of batch) if (!later.includes(spoolId) && !again.includes(spoolId)) this.#failures.delete(spoolId);
      this.#laneFailures = away ? this.#laneFailures + 1 : 0;
      if (away && !this.#closed) await this.#wait(this.#backOff(this.#laneFailures));
    }
  }

  /** Back to the front, so that nothing is overtaken for ever. */
  #return(spoolIds: string[]): void {
    if (spoolIds.length === 0) return;
    const rest = [...this.#ready];
    this.#ready.clear();
    for (const spoolId of [...spoolIds, ...rest]) this.#ready.add(spoolId);
  }

  #postpone(spoolId: string): void {
    if (this.#closed) return;
    const failures = (this.#failures.get(spoolId) ?? 0) + 1;
    this.#failures.set(spoolId, failures);
    const timer = setTimeout(() => {
      this.#timers.delete(spoolId);
      this.add(spoolId);
    }, this.#backOff(failures));
    this.#timers.set(spoolId, timer.unref());
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#pause = null;
        resolve();
      };
      const timer = setTimeout(end, milliseconds).unref();
      this.#pause = { timer, end };
    });
  }
}

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left-- <= 0) return;
    yield item;
  }
}
