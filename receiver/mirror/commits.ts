/**
 * Writes go to the edge first (DESIGN.md, "IMAP"). What queues up while a commit is in flight goes in the next
 * one, whoever wrote it; equal flag changes next to each other become one operation, so that a thousand pipelined
 * STOREs cost the edge a few. A write resolves when the mirror shows it. A commit whose answer was lost is
 * repeated with its id, so it happens once.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  COMMIT_OPERATIONS_MAX,
  type CommitAnswer,
  type CommitRequest,
  OPERATION_ITEMS_MAX,
  type Operation,
  type OperationResult,
} from '../../shared/protocol.ts';
import { Backoff } from '../backoff.ts';
import { EdgeRefused, EdgeUnavailable } from '../edge.ts';
import type { Feed } from './feed.ts';

/** Octets of messages one commit carries; larger ones wait for the next. Bounds the repeat buffer as well. */
export const COMMIT_PAYLOAD_MAX = 4 * 1024 * 1024;
/** Uids one commit names in all: the edge reads and writes each of them within one request. */
export const COMMIT_ITEMS_MAX = 4000;
/** A lost answer is asked for again this often; a client waits meanwhile. */
const ATTEMPTS = 4;
const REPEAT_FIRST_MS = 100;
const REPEAT_LAST_MS = 1000;
/** No further attempt after this long: the client should hear of it. */
const PATIENCE_MS = 10_000;
/** A commit that failed after this long has hung: what has queued up behind it is refused at once, instead of hanging in turn. */
const HUNG_MS = 5000;
/** Operations waiting for one account; a client that pipelines faster than the edge answers is refused beyond. */
const QUEUE_MAX = 10_000;

/** One operation, and the message of an inline append. */
export interface Write {
  operation: Operation;
  payload: Uint8Array | null;
}
/** What one caller waits for: one write, or several that are done together or not at all. */
interface Waiting {
  writes: Write[];
  resolve(results: OperationResult[]): void;
  reject(error: unknown): void;
}
/** Writes of a commit and everyone who waits for them; each of several waiting has the same one operation. */
interface Merged {
  writes: Write[];
  waiting: Waiting[];
}

export interface CommitsOptions {
  feed: Feed;
  send(request: CommitRequest, payloads: Uint8Array[]): Promise<CommitAnswer>;
  /** A commit was done, but the mirror could not read all that came with it: what was written is true, and shown later. */
  onBehind(error: unknown): void;
}

export class Commits {
  readonly #options: CommitsOptions;
  #queue: Waiting[] = [];
  #running = false;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  /** Resolves with the edge's result once the mirror shows it. `payload`: the message of an inline append. */
  async submit(operation: Operation, payload: Uint8Array | null = null): Promise<OperationResult> {
    const [result] = await this.#enqueue([{ operation, payload }]);
    return result ?? NO_RESULT;
  }

  /**
   * Several writes in a commit of their own, all done or none: then every result is the refusal. Callers keep within
   * COMMIT_OPERATIONS_MAX, COMMIT_ITEMS_MAX and COMMIT_PAYLOAD_MAX.
   */
  submitTogether(writes: Write[]): Promise<OperationResult[]> {
    return writes.length === 0 ? Promise.resolve([]) : this.#enqueue(writes);
  }

  #enqueue(writes: Write[]): Promise<OperationResult[]> {
    if (this.#queue.length >= QUEUE_MAX) return Promise.reject(new EdgeUnavailable('too many writes wait for the edge'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ writes, resolve, reject });
      if (!this.#running) this.#run();
    });
  }

  /** One commit after the other while there is something to write. Starts a turn later, so that what comes together goes together. */
  #run(): void {
    this.#running = true;
    const next = (): void => {
      if (this.#queue.length > 0) this.#run();
      else this.#running = false;
    };
    queueMicrotask(() => {
      this.#options.feed.exclusively(() => this.#commit()).then(next, (error: unknown) => this.#refuseAll(error, next));
    });
  }

  /** The line itself is closed: nobody in the queue will be served. */
  #refuseAll(error: unknown, next: () => void): void {
    this.#rejectQueue(error);
    next();
  }

  #rejectQueue(error: unknown): void {
    for (const waiting of this.#queue.splice(0)) waiting.reject(error);
  }

  #commit(): Promise<void> {
    return this.#deliver(this.#take());
  }

  /** A commit that the edge refuses as a whole did nothing; its operations go one by one, so that only the bad one suffers. */
  async #deliver(merged: Merged[]): Promise<void> {
    let answer: CommitAnswer;
    const started = Date.now();
    try {
      answer = await this.#send(merged);
    } catch (error) {
      if (error instanceof EdgeRefused && merged.length > 1) for (const one of merged) await this.#deliver([one]);
      else for (const { waiting } of merged) for (const { reject } of waiting) reject(error);
      if (error instanceof EdgeUnavailable && Date.now() - started >= HUNG_MS) this.#rejectQueue(error);
      return;
    }
    await this.#options.feed.absorb(answer.changes).catch(this.#options.onBehind);
    const results = answer.results.values();
    for (const { writes, waiting } of merged) {
      const theirs = writes.map(() => results.next().value ?? NO_RESULT);
      for (const { resolve } of waiting) resolve(theirs);
    }
  }

  /** As many of the queue as one commit may carry, in order, and at least one; what is to be done together goes alone. */
  #take(): Merged[] {
    const taken: Merged[] = [];
    let octets = 0;
    let items = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      const [write, ...more] = waiting.writes;
      if (!write || (more.length > 0 && count > 0)) break;
      octets += write.payload?.length ?? 0;
      items += itemsOf(write.operation);
      if (count > 0 && (octets > COMMIT_PAYLOAD_MAX || items > COMMIT_ITEMS_MAX)) break;
      const last = taken.at(-1);
      const joined = last && joinWrites(last.writes, write);
      if (joined) taken[taken.length - 1] = { writes: [joined], waiting: [...last.waiting, waiting] };
      else if (taken.length === COMMIT_OPERATIONS_MAX) break;
      else taken.push({ writes: waiting.writes, waiting: [waiting] });
      count++;
      if (more.length > 0) break;
    }
    this.#queue.splice(0, count);
    return taken;
  }

  async #send(merged: Merged[]): Promise<CommitAnswer> {
    const writes = merged.flatMap(({ writes }) => writes);
    const operations = writes.map(({ operation }) => operation);
    const together = merged.length === 1 && writes.length > 1;
    const request: CommitRequest = {
      id: randomUUID(),
      since: this.#options.feed.file.cursor,
      operations,
      ...(together && { atomic: true }),
    };
    const payloads = writes.flatMap(({ payload }) => payload ?? []);
    const backoff = new Backoff(REPEAT_FIRST_MS, REPEAT_LAST_MS);
    const started = Date.now();
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#options.send(request, payloads);
      } catch (error) {
        const late = Date.now() - started > PATIENCE_MS;
        if (!(error instanceof EdgeUnavailable) || attempt === ATTEMPTS || late) throw error;
        await pause(backoff.next());
      }
    }
  }
}

const NO_RESULT: OperationResult = { ok: false, error: 'invalid', description: 'the edge gave no result' };

function joinWrites([last, ...more]: Write[], next: Write): Write | null {
  const joined = last && more.length === 0 ? joinOperations(last.operation, next.operation) : null;
  return joined && { operation: joined, payload: null };
}

function itemsOf(operation: Operation): number {
  return 'uids' in operation ? operation.uids.length : 1;
}

/** Two flag changes as one, when they say the same and their results need not be told apart. */
function joinOperations(a: Operation, b: Operation): Operation | null {
  if (a.op !== 'store' || b.op !== 'store' || a.unchangedSince !== undefined) return null;
  if (a.uids.length + b.uids.length > OPERATION_ITEMS_MAX || !sayTheSame({ ...a, uids: null }, { ...b, uids: null })) return null;
  return { ...a, uids: [...new Set([...a.uids, ...b.uids])] };
}

function sayTheSame(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
