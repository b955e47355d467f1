/**
 * The spool's folder: where a message lies between its 250 and the edge's acknowledgement (DESIGN.md, invariant 3).
 * An entry exists when both its files have their names and the folder is synced; anything less is swept
 * away at the next start, because its sender never got a 250. What the edge refuses for good is moved to
 * `refused/`, never deleted.
 */
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { Log } from '../log.ts';
import { finish, removeFile, SyncedFolder, TEMPORARY_SUFFIX, writeTemporary } from './durable.ts';
import {
  type Arrival,
  applyOutcomes,
  isSpoolId,
  makeEntry,
  type Outcome,
  parseEntry,
  type SpoolEntry,
  waitingRecipients,
} from './entry.ts';
import { Fingerprinter, type Original } from './original.ts';

/** Left free for the mirror, the log and the system; below it senders are asked to come back (452). */
const FREE_OCTETS_MIN = 64 * 1024 * 1024;
/** Ids are held in memory: some 10 MB for this many. A spool that long means an edge away for days. */
const ENTRIES_MAX = 100_000;
/** Recent small entries kept in memory, so that the drain, usually milliseconds behind, reads no disk. */
const WARM_OCTETS_MAX = 8 * 1024 * 1024;
/** Free space is asked for at most this often. */
const FREE_SPACE_AGE_MS = 1000;

/** Why the disk could not take it: full, read-only, over quota, broken. The sender gets 452 4.3.1 and keeps the message. */
export class SpoolFull extends Error {}

const DISK_ERRORS = new Set(['ENOSPC', 'EROFS', 'EDQUOT', 'EIO', 'EFBIG', 'EMFILE', 'ENFILE']);

interface Warm {
  entry: SpoolEntry;
  bytes: Buffer;
  /** Of the original and the record. */
  octets: number;
}

export interface SpoolFolderOptions {
  log: Log;
  /** Octets that stay free. */
  freeMin?: number;
}

/** Opens the spool's folder and finds what an earlier run left; `waiting()` names it. */
export async function openSpoolFolder(directory: string, options: SpoolFolderOptions): Promise<SpoolFolder> {
  await mkdir(path.join(directory, 'refused'), { recursive: true, mode: 0o700 });
  const folder = new SpoolFolder(directory, await SyncedFolder.open(directory), options);
  await folder.recover();
  return folder;
}

export class SpoolFolder {
  readonly directory: string;
  readonly #folder: SyncedFolder;
  readonly #log: Log;
  readonly #freeMin: number;
  /** Every entry that waits, oldest first; the value is the size of its original. */
  readonly #waiting = new Map<string, number>();
  readonly #warm = new Map<string, Warm>();
  #warmOctets = 0;
  #free = { octets: 0, at: Number.NEGATIVE_INFINITY };
  #onArrival: (spoolId: string, size: number) => void = () => {};

  constructor(directory: string, folder: SyncedFolder, { log, freeMin = FREE_OCTETS_MIN }: SpoolFolderOptions) {
    this.directory = directory;
    this.#folder = folder;
    this.#log = log;
    this.#freeMin = freeMin;
  }

  /** Entries that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** `[spoolId, octets]` of what waits, oldest first. */
  waiting(): [string, number][] {
    return [...this.#waiting];
  }

  /** The drain's ear: called for each new entry. */
  onArrival(listener: (spoolId: string, size: number) => void): void {
    this.#onArrival = listener;
  }

  /** Whether a message of this size may still come in. */
  async hasRoom(octets: number): Promise<boolean> {
    if (this.#waiting.size >= ENTRIES_MAX) return false;
    if (Date.now() - this.#free.at > FREE_SPACE_AGE_MS) {
      const { bavail, bsize } = await statfs(this.directory);
      this.#free = { octets: bavail * bsize, at: Date.now() };
    }
    return this.#free.octets - 2 * octets > this.#freeMin;
  }

  /** A name for the body of a message on its way in; swept at the next start if the process dies. */
  temporaryPath(spoolId: string): string {
    return path.join(this.directory, `${spoolId}.body${TEMPORARY_SUFFIX}`);
  }

  originalPath(spoolId: string): string {
    return path.join(this.directory, `${spoolId}.eml`);
  }

  /**
   * Makes the message durable: when this resolves, 250 may be said. Throws `SpoolFull` when the disk does
   * not take it; then nothing of it is left.
   */
  async add(arrival: Arrival, original: Original): Promise<SpoolEntry> {
    const eml = this.originalPath(arrival.spoolId);
    const json = this.#recordPath(arrival.spoolId);
    try {
      const { entry, bytes, record } = await this.#write(arrival, original, eml, json);
      await finish(eml);
      await finish(json);
      await this.#folder.sync();
      this.#waiting.set(entry.spoolId, entry.size);
      if (bytes) this.#keepWarm(entry, bytes, record.length);
      this.#onArrival(entry.spoolId, entry.size);
      return entry;
    } catch (error) {
      await Promise.allSettled([json, eml, json + TEMPORARY_SUFFIX, eml + TEMPORARY_SUFFIX].map(removeFile));
      throw asSpoolError(error);
    }
  }

  /** The record of a waiting entry; null when it cannot be read, and then it is put aside. */
  async read(spoolId: string): Promise<SpoolEntry | null> {
    const warm = this.#warm.get(spoolId);
    if (warm) return warm.entry;
    const entry = parseEntry(await readRecord(this.#recordPath(spoolId)));
    if (!entry || entry.spoolId !== spoolId) await this.#putAside(spoolId, 'its record cannot be read');
    return entry;
  }

  /** The original's octets, for small ones. */
  async bytes(spoolId: string): Promise<Buffer> {
    return this.#warm.get(spoolId)?.bytes ?? (await readFile(this.originalPath(spoolId)));
  }

  /** The original as a stream, for large ones. */
  stream(spoolId: string): Readable {
    return createReadStream(this.originalPath(spoolId));
  }

  /**
   * Notes the edge's answers. Answers true when the entry has left the spool: every recipient is
   * acknowledged, or the rest is refused for good and kept in `refused/`.
   */
  async settle(entry: SpoolEntry, outcomes: Outcome[]): Promise<boolean> {
    const settled = applyOutcomes(entry, outcomes);
    if (waitingRecipients(settled).length > 0) {
      await this.#rewrite(settled);
      return false;
    }
    if (settled.recipients.some((recipient) => recipient.state === 'refused')) {
      await this.#rewrite(settled);
      await this.#putAside(entry.spoolId, 'the edge refused a recipient');
    } else await this.#remove(entry.spoolId);
    return true;
  }

  async close(): Promise<void> {
    await this.#folder.close();
  }

  /** Sweeps what never got a 250 and queues the rest, oldest first. */
  async recover(): Promise<void> {
    const names = new Set(await readdir(this.directory));
    for (const name of names) {
      if (name.endsWith(TEMPORARY_SUFFIX)) await removeFile(path.join(this.directory, name));
      if (name.endsWith('.eml') && !names.has(name.replace(/\.eml$/, '.json'))) await removeFile(path.join(this.directory, name));
    }
    const ids = [...names].filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5));
    for (const id of ids.filter(isSpoolId).sort()) await this.#requeue(id);
    if (this.#waiting.size > 0) this.#log.info('spool.recovered', { entries: this.#waiting.size });
  }

  async #requeue(spoolId: string): Promise<void> {
    const size = await stat(this.originalPath(spoolId)).then(
      (found) => found.size,
      () => null,
    );
    if (size === null) await this.#putAside(spoolId, 'its original is missing');
    else this.#waiting.set(spoolId, size);
  }

  async #write(arrival: Arrival, original: Original, eml: string, json: string) {
    const fingerprinter = new Fingerprinter();
    const bytes = original.bytes();
    if (bytes) {
      fingerprinter.write(bytes);
      const entry = makeEntry(arrival, fingerprinter.finish());
      const record = Buffer.from(JSON.stringify(entry));
      await settleAll([writeTemporary(eml, [bytes]), writeTemporary(json, [record])]);
      return { entry, bytes, record };
    }
    await writeTemporary(eml, passing(original.chunks(), fingerprinter));
    const entry = makeEntry(arrival, fingerprinter.finish());
    const record = Buffer.from(JSON.stringify(entry));
    await writeTemporary(json, [record]);
    return { entry, bytes, record };
  }

  /** Losing this rewrite in a crash only means asking the edge again, which answers `duplicate`. */
  async #rewrite(entry: SpoolEntry): Promise<void> {
    const json = this.#recordPath(entry.spoolId);
    const warm = this.#warm.get(entry.spoolId);
    if (warm) warm.entry = entry;
    await writeTemporary(json, [Buffer.from(JSON.stringify(entry))]);
    await finish(json);
  }

  /** The record goes first: an original without one is swept at the next start. */
  async #remove(spoolId: string): Promise<void> {
    await removeFile(this.#recordPath(spoolId));
    await removeFile(this.originalPath(spoolId));
    this.#forget(spoolId);
  }

  async #putAside(spoolId: string, reason: string): Promise<void> {
    this.#log.error('spool.refused', { spoolId, reason, kept: path.join(this.directory, 'refused') });
    for (const name of [`${spoolId}.json`, `${spoolId}.eml`]) {
      await rename(path.join(this.directory, name), path.join(this.directory, 'refused', name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
    this.#forget(spoolId);
  }

  #keepWarm(entry: SpoolEntry, bytes: Buffer, recordOctets: number): void {
    const octets = bytes.length + recordOctets;
    if (this.#warmOctets + octets > WARM_OCTETS_MAX) return;
    this.#warm.set(entry.spoolId, { entry, bytes, octets });
    this.#warmOctets += octets;
  }

  #forget(spoolId: string): void {
    const warm = this.#warm.get(spoolId);
    if (warm) this.#warmOctets -= warm.octets;
    this.#warm.delete(spoolId);
    this.#waiting.delete(spoolId);
  }

  #recordPath(spoolId: string): string {
    return path.join(this.directory, `${spoolId}.json`);
  }
}

/** A record that is gone reads as an empty one; a disk that fails for the moment throws. */
function readRecord(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}

async function* passing(chunks: AsyncIterable<Buffer>, fingerprinter: Fingerprinter): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    fingerprinter.write(chunk);
    yield chunk;
  }
}

/** Waits for all before it throws, so that nothing is still being written when the caller cleans up. */
async function settleAll(writes: Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(writes)) if (result.status === 'rejected') throw result.reason;
}

function asSpoolError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  return code && DISK_ERRORS.has(code) ? new SpoolFull(`the spool cannot take it: ${code}`, { cause: error }) : error;
}
