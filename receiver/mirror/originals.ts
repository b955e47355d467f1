/**
 * The octets of messages (FETCH BODY[…], RFC 9051 §6.4.5): from the disk when they are there, else from the edge.
 * Small originals are fetched whole, once for all who want them. Of a large one a range is passed through from the edge,
 * until a client asks for range after range of it or for all: then the whole goes to the disk. Nothing large
 * is ever held in memory.
 */
import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { EdgeRefused, EdgeUnavailable } from '../edge.ts';
import { Cache, type Key } from './cache.ts';
import { Download } from './download.ts';

/** Originals up to here are handled in memory; nine of ten messages are smaller. */
const SMALL_MAX = 256 * 1024;
/** Ranges of one large original passed through before the whole is fetched: a reader of one attachment asks for fewer. */
const RANGES_BEFORE_WHOLE = 3;
/** Originals whose ranges are counted. */
const COUNTED_MAX = 1000;

/** An original and how to get it. `fetch` throws the edge's errors. */
export interface Original extends Key {
  size: number;
  fetch(range?: { offset: number; length: number }): Promise<Readable>;
}
export interface Range {
  offset: number;
  length: number;
}

export class Originals {
  readonly #cache: Cache;
  readonly #small = new Map<string, Promise<Buffer>>();
  readonly #downloads = new Map<string, Download>();
  readonly #rangesAsked = new Map<string, number>();
  /** For what is read and passed on at once: octets of their own for each original would cost as much as the reading. */
  readonly #scratch = Buffer.allocUnsafeSlow(SMALL_MAX + 1);

  /** `limit`: octets on disk. */
  constructor(folder: string, limit: number) {
    this.#cache = new Cache(folder, limit);
  }

  get cachedOctets(): number {
    return this.#cache.octets;
  }

  /** Takes stock of the folder. */
  open(): Promise<void> {
    return this.#cache.open();
  }

  /** A small original is on the disk. */
  isAtHand(original: Original): boolean {
    return original.size <= SMALL_MAX && this.#cache.has(original);
  }

  /** The range of a small original that is on the disk; null of any other. The octets stay what they are until another is read so. */
  readNow(original: Original, range?: Range): Uint8Array | null {
    if (original.size > SMALL_MAX) return null;
    const whole = this.#cache.readWhole(original, original.size, this.#scratch);
    if (!whole || !range) return whole;
    const { offset, length } = within(original, range);
    return whole.subarray(offset, offset + length);
  }

  /** The range in one piece. */
  async read(original: Original, range?: Range): Promise<Uint8Array> {
    const { offset, length } = within(original, range);
    if (original.size <= SMALL_MAX) return (await this.#whole(original)).subarray(offset, offset + length);
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.stream(original, range)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** The range as it comes. */
  async *stream(original: Original, range?: Range): AsyncIterable<Uint8Array> {
    const { offset, length } = within(original, range);
    if (length === 0) return;
    if (original.size <= SMALL_MAX) {
      yield (await this.#whole(original)).subarray(offset, offset + length);
      return;
    }
    const cached = await this.#cache.find(original, original.size);
    if (cached) yield* createReadStream(cached, { start: offset, end: offset + length - 1 });
    else if (this.#wantsWhole(original, length)) yield* (await this.#download(original)).read(offset, length);
    else yield* exactly(await original.fetch({ offset, length }), length);
  }

  /** A small original, from the disk or from the edge, without a place in the cache. */
  async pass(original: Original): Promise<Buffer> {
    const cached = this.#cache.readWhole(original, original.size);
    return cached ?? this.#small.get(keyOf(original)) ?? fetchChecked(original);
  }

  /** Fetches a small original before it is asked for; false when it is there. Failures are for the one who asks. */
  warm(original: Original): boolean {
    if (original.size > SMALL_MAX || this.#cache.has(original)) return false;
    this.#whole(original).catch(() => {});
    return true;
  }

  /** Keeps the octets of a message that has just been written, for it is read next. */
  async remember(account: number, sha256: string, octets: Buffer): Promise<void> {
    const key = keyOf({ account, sha256 });
    if (this.#small.has(key)) return;
    this.#small.set(key, Promise.resolve(octets));
    await this.#cache.put({ account, sha256 }, octets).catch(() => {});
    this.#small.delete(key);
  }

  async #whole(original: Original): Promise<Buffer> {
    const cached = this.#cache.readWhole(original, original.size);
    if (cached) return cached;
    const key = keyOf(original);
    const running = this.#small.get(key) ?? this.#fetchWhole(original).finally(() => this.#small.delete(key));
    this.#small.set(key, running);
    return running;
  }

  async #fetchWhole(original: Original): Promise<Buffer> {
    const octets = await fetchChecked(original);
    await this.#cache.put(original, octets).catch(() => {});
    return octets;
  }

  /** A full disk or an original larger than the cache may hold is no reason not to read it. */
  #wantsWhole(original: Original, length: number): boolean {
    const key = keyOf(original);
    if (!this.#cache.admits(original.size)) return false;
    if (this.#downloads.has(key) || length === original.size) return true;
    const asked = (this.#rangesAsked.get(key) ?? 0) + 1;
    if (this.#rangesAsked.size >= COUNTED_MAX) this.#rangesAsked.clear();
    this.#rangesAsked.set(key, asked);
    return asked > RANGES_BEFORE_WHOLE;
  }

  async #download(original: Original): Promise<Download> {
    const key = keyOf(original);
    const running = this.#downloads.get(key);
    if (running) return running;
    const partial = await this.#cache.partialPath(original);
    const started = this.#downloads.get(key);
    if (started) return started;
    const download = new Download(partial, original.sha256, original.size, () => original.fetch());
    this.#downloads.set(key, download);
    download.finished
      .then(() => this.#cache.adopt(original, partial, original.size))
      .catch(() => rm(partial, { force: true }))
      .catch(() => {})
      .finally(() => this.#downloads.delete(key));
    return download;
  }
}

async function fetchChecked(original: Original): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of exactly(await original.fetch(), original.size)) chunks.push(chunk);
  const octets = Buffer.concat(chunks);
  if (hash('sha256', octets) !== original.sha256) throw new EdgeUnavailable('the original arrived damaged');
  return octets;
}

/** What of the range lies inside the original. */
function within(original: Original, range: Range = { offset: 0, length: original.size }): Range {
  const offset = Math.min(range.offset, original.size);
  return { offset, length: Math.min(range.length, original.size - offset) };
}

function keyOf({ account, sha256 }: Key): string {
  return `${account}/${sha256}`;
}

/** The stream's octets, which must be as many as were asked for. */
async function* exactly(stream: Readable, length: number): AsyncIterable<Uint8Array> {
  let octets = 0;
  try {
    for await (const chunk of stream) {
      octets += chunk.length;
      if (octets > length) throw new EdgeUnavailable('the edge sent more than was asked for');
      yield chunk;
    }
  } catch (error) {
    if (error instanceof EdgeRefused || error instanceof EdgeUnavailable) throw error;
    throw new EdgeUnavailable(`the original broke off: ${error instanceof Error ? error.message : error}`);
  }
  if (octets !== length) throw new EdgeUnavailable('the original broke off');
}
