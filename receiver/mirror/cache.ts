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

/** Names an original; `sha256` in hexadecimal. */
export interface Key {
  account: number;
  sha256: string;
}
interface Entry {
  key: Key;
  size: number;
  /** Hashed by this process. */
  verified: boolean;
  touched: number;
  /** The count of uses when it was last used: the lowest goes first. */
  used: number;
}

export class Cache {
  readonly #folder: string;
  readonly #limit: number;
  /** By account, then by digest: one string made of both costs more than the second look. */
  readonly #accounts = new Map<number, Map<string, Entry>>();
  #count = 0;
  #octets = 0;
  #partials = 0;
  #uses = 0;
  #evicting = false;

  constructor(folder: string, limit: number) {
    this.#folder = folder;
    this.#limit = limit;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  get octets(): number {
    return this.#octets;
  }

  /** Takes stock of what an earlier process left, oldest first; its unfinished files go. */
  async open(): Promise<void> {
    const found: { key: Key; size: number; time: number }[] = [];
    for (const account of await readdir(this.#folder)) {
      for (const name of await readdir(path.join(this.#folder, account)).catch(() => [])) {
        const key = { account: Number(account), sha256: name };
        if (name.includes(PARTIAL)) await rm(this.path(key), { force: true });
        else {
          const facts = await stat(this.path(key)).catch(() => null);
          if (facts?.isFile()) found.push({ key, size: facts.size, time: facts.mtimeMs });
        }
      }
    }
    found.sort((a, b) => a.time - b.time);
    for (const { key, size, time } of found) if (!this.has(key)) this.#add(key, size, { verified: false, touched: time });
    await this.#evict();
  }

  path({ account, sha256 }: Key): string {
    return `${this.#folder}/${account}/${sha256}`;
  }

  /** True when an original of that size may be kept at all. */
  admits(size: number): boolean {
    return size <= this.#limit / 4;
  }

  has(key: Key): boolean {
    return this.#entry(key) !== undefined;
  }

  /** A small original as a whole, at the beginning of `into`, which has room for one octet more; null when it is not here. */
  readWhole(key: Key, size: number, into = Buffer.allocUnsafeSlow(size + 1)): Buffer | null {
    const entry = this.#use(key);
    if (!entry) return null;
    try {
      const octets = readFile(this.path(key), into, size);
      if (!octets || (!entry.verified && hash('sha256', octets) !== key.sha256)) throw new Error('not what its name says');
      entry.verified = true;
      return octets;
    } catch {
      this.#forget(key);
      return null;
    }
  }

  /** The path of a large original, for streaming; null when it is not here. */
  async find(key: Key, size: number): Promise<string | null> {
    const entry = this.#use(key);
    if (!entry) return null;
    const right = entry.size === size && (entry.verified || (await hasDigest(this.path(key), key.sha256)));
    if (!right) this.#forget(key);
    entry.verified = right;
    return right ? this.path(key) : null;
  }

  /** A name to write to before `adopt`. */
  async partialPath(key: Key): Promise<string> {
    await mkdir(path.dirname(this.path(key)), { recursive: true, mode: 0o700 });
    return `${this.path(key)}${PARTIAL}${process.pid}-${this.#partials++}`;
  }

  /** Keeps a finished file whose digest the caller has checked. */
  async adopt(key: Key, partial: string, size: number): Promise<void> {
    await rename(partial, this.path(key));
    this.#forgetEntry(key);
    this.#add(key, size, { verified: true, touched: Date.now() });
    await this.#evict();
  }

  /** Keeps octets whose digest the caller has checked. */
  async put(key: Key, octets: Uint8Array): Promise<void> {
    if (!this.admits(octets.length) || this.has(key)) return;
    const partial = await this.partialPath(key);
    await writeFile(partial, octets, { mode: 0o600 });
    await this.adopt(key, partial, octets.length);
  }

  #entry({ account, sha256 }: Key): Entry | undefined {
    return this.#accounts.get(account)?.get(sha256);
  }

  /** The key may be a larger thing: only what it names is kept. */
  #add({ account, sha256 }: Key, size: number, state: { verified: boolean; touched: number }): void {
    const entries = this.#accounts.get(account) ?? new Map<string, Entry>();
    this.#accounts.set(account, entries);
    entries.set(sha256, { key: { account, sha256 }, size, ...state, used: ++this.#uses });
    this.#count++;
    this.#octets += size;
  }

  #use(key: Key): Entry | undefined {
    const entry = this.#entry(key);
    if (!entry) return undefined;
    entry.used = ++this.#uses;
    const now = Date.now();
    if (now - entry.touched > TOUCH_INTERVAL_MS) {
      entry.touched = now;
      utimes(this.path(key), now / 1000, now / 1000).catch(() => {});
    }
    return entry;
  }

  #forgetEntry(key: Key): void {
    const entry = this.#entry(key);
    if (!entry) return;
    this.#accounts.get(key.account)?.delete(key.sha256);
    this.#count--;
    this.#octets -= entry.size;
  }

  #forget(key: Key): void {
    this.#forgetEntry(key);
    rm(this.path(key), { force: true }).catch(() => {});
  }

  /** One at a time: what comes meanwhile is seen by the next. */
  async #evict(): Promise<void> {
    if (this.#evicting || (this.#octets <= this.#limit && this.#count <= ENTRIES_MAX)) return;
    this.#evicting = true;
    const entries = [...this.#accounts.values()].flatMap((account) => [...account.values()]);
    for (const { key } of entries.sort((a, b) => a.used - b.used)) {
      if (this.#octets <= this.#limit * EVICT_TO && this.#count <= ENTRIES_MAX * EVICT_TO) break;
      this.#forgetEntry(key);
      await rm(this.path(key), { force: true }).catch(() => {});
    }
    this.#evicting = false;
  }
}

/** Null when the file is not of that size: one octet more is asked for, to see that there is none. */
function readFile(name: string, into: Buffer, size: number): Buffer | null {
  const file = openSync(name, 'r');
  try {
    return readSync(file, into, 0, size + 1, null) === size ? into.subarray(0, size) : null;
  } finally {
    closeSync(file);
  }
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
