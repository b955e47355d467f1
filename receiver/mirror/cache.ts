/**
 * Originals on disk, `<folder>/<account>/<sha256>`, least recently used first out within a bound of octets.
 * An original never changes and its name is its digest, so an entry is either right or thrown away: each is hashed
 * once per process before it is trusted. The folder may be emptied at any time (DESIGN.md, invariant 5).
 */
import { createHash, hash } from 'node:crypto';
import { closeSync, createReadStream, mkdirSync, openSync, readSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Entries besides the bound of octets: each takes some 200 octets of memory. */
const ENTRIES_MAX = 50_000;
/** An eviction goes on to this share of the bound, so that the next one is not due at once. */
const EVICT_TO = 0.9;
/** The file's own time is set at most this often; it orders the entries after a restart. */
const TOUCH_INTERVAL_MS = 3_600_000;
const PARTIAL = '.part';
/** Small originals are read into blocks, one behind the other: octets of their own for each would cost as much as the reading. */
const BLOCK = 256 * 1024;
/** One that would take more of a block than this gets octets of its own. */
const BLOCK_SHARE_MAX = BLOCK / 8;

interface Entry {
  size: number;
  /** Hashed by this process. */
  verified: boolean;
  touched: number;
  /** The count of uses when it was last used: the lowest goes first. */
  used: number;
}

export class Cache {
  /** With the separator behind it. */
  readonly #folder: string;
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();
  #octets = 0;
  #partials = 0;
  #uses = 0;
  #evicting = false;
  #block = Buffer.alloc(0);
  #blockUsed = 0;

  constructor(folder: string, limit: number) {
    this.#folder = folder + path.sep;
    this.#limit = limit;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  get octets(): number {
    return this.#octets;
  }

  /** Takes stock of what an earlier process left, oldest first; its unfinished files go. */
  async open(): Promise<void> {
    const found: { key: string; size: number; time: number }[] = [];
    for (const account of await readdir(this.#folder)) {
      for (const name of await readdir(path.join(this.#folder, account)).catch(() => [])) {
        const key = `${account}/${name}`;
        if (name.includes(PARTIAL)) await rm(this.path(key), { force: true });
        else {
          const facts = await stat(this.path(key)).catch(() => null);
          if (facts?.isFile()) found.push({ key, size: facts.size, time: facts.mtimeMs });
        }
      }
    }
    found.sort((a, b) => a.time - b.time);
    for (const { key, size, time } of found) if (!this.#entries.has(key)) this.#add(key, size, { verified: false, touched: time });
    await this.#evict();
  }

  path(key: string): string {
    return this.#folder + key;
  }

  /** True when an original of that size may be kept at all. */
  admits(size: number): boolean {
    return size <= this.#limit / 4;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** A small original as a whole; null when it is not here. */
  readWhole(key: string, size: number): Buffer | null {
    const entry = this.#use(key);
    if (!entry) return null;
    try {
      const octets = this.#readFile(this.path(key), size);
      if (!octets || (!entry.verified && hash('sha256', octets) !== digestOf(key))) throw new Error('not what its name says');
      entry.verified = true;
      return octets;
    } catch {
      this.#forget(key);
      return null;
    }
  }

  /** The path of a large original, for streaming; null when it is not here. */
  async find(key: string, size: number): Promise<string | null> {
    const entry = this.#use(key);
    if (!entry) return null;
    const right = entry.size === size && (entry.verified || (await hasDigest(this.path(key), digestOf(key))));
    if (!right) this.#forget(key);
    entry.verified = right;
    return right ? this.path(key) : null;
  }

  /** A name to write to before `adopt`. */
  async partialPath(key: string): Promise<string> {
    await mkdir(path.dirname(this.path(key)), { recursive: true, mode: 0o700 });
    return `${this.path(key)}${PARTIAL}${process.pid}-${this.#partials++}`;
  }

  /** Keeps a finished file whose digest the caller has checked. */
  async adopt(key: string, partial: string, size: number): Promise<void> {
    await rename(partial, this.path(key));
    this.#forgetEntry(key);
    this.#add(key, size, { verified: true, touched: Date.now() });
    await this.#evict();
  }

  /** Keeps octets whose digest the caller has checked. */
  async put(key: string, octets: Uint8Array): Promise<void> {
    if (!this.admits(octets.length) || this.#entries.has(key)) return;
    const partial = await this.partialPath(key);
    await writeFile(partial, octets, { mode: 0o600 });
    await this.adopt(key, partial, octets.length);
  }

  #add(key: string, size: number, state: { verified: boolean; touched: number }): void {
    this.#entries.set(key, { size, ...state, used: ++this.#uses });
    this.#octets += size;
  }

  #use(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    entry.used = ++this.#uses;
    const now = Date.now();
    if (now - entry.touched > TOUCH_INTERVAL_MS) {
      entry.touched = now;
      utimes(this.path(key), now / 1000, now / 1000).catch(() => {});
    }
    return entry;
  }

  /** Null when the file is not of that size. */
  #readFile(name: string, size: number): Buffer | null {
    const shared = size < BLOCK_SHARE_MAX;
    if (shared && this.#block.length - this.#blockUsed <= size) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK);
      this.#blockUsed = 0;
    }
    // One octet more, to see that the file has no more.
    const octets = shared ? this.#block.subarray(this.#blockUsed, this.#blockUsed + size + 1) : Buffer.allocUnsafeSlow(size + 1);
    const file = openSync(name, 'r');
    try {
      if (readSync(file, octets) !== size) return null;
    } finally {
      closeSync(file);
    }
    if (shared) this.#blockUsed += size;
    return octets.subarray(0, size);
  }

  #forgetEntry(key: string): void {
    this.#octets -= this.#entries.get(key)?.size ?? 0;
    this.#entries.delete(key);
  }

  #forget(key: string): void {
    this.#forgetEntry(key);
    rm(this.path(key), { force: true }).catch(() => {});
  }

  async #evict(): Promise<void> {
    if (this.#evicting || (this.#octets <= this.#limit && this.#entries.size <= ENTRIES_MAX)) return;
    this.#evicting = true;
    const oldest = [...this.#entries].sort(([, a], [, b]) => a.used - b.used);
    for (const [key] of oldest) {
      if (this.#octets <= this.#limit * EVICT_TO && this.#entries.size <= ENTRIES_MAX * EVICT_TO) break;
      this.#forgetEntry(key);
      await rm(this.path(key), { force: true }).catch(() => {});
    }
    this.#evicting = false;
  }
}

function digestOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

async function hasDigest(file: string, sha256: string): Promise<boolean> {
  const digest = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) digest.update(chunk);
  } catch {
    return false;
  }
  return digest.digest('hex') === sha256;
}
