/**
 * A large original on its way from the edge to the disk. Everyone who wants it reads the growing file, so one
 * download serves all, the slowest reader holds up nobody, and no more than a chunk is in memory. The last octet is
 * given out only when the digest of the whole has been found right.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { EdgeUnavailable } from '../edge.ts';

/** Octets read from the file at a time. */
const CHUNK = 256 * 1024;

export class Download {
  readonly path: string;
  readonly size: number;
  /** Settles when the file is complete and right. */
  readonly finished: Promise<void>;
  #written = 0;
  #done = false;
  #failure: unknown = null;
  #waiting: (() => void)[] = [];

  constructor(path: string, sha256: string, size: number, source: () => Promise<Readable>) {
    this.path = path;
    this.size = size;
    this.finished = this.#run(sha256, source).then(
      () => this.#wake(true, null),
      (error: unknown) => {
        this.#wake(false, error);
        throw error;
      },
    );
    this.finished.catch(() => {});
  }

  /** Octets [offset, offset+length), as they come. Throws when the download fails. */
  async *read(offset: number, length: number): AsyncIterable<Uint8Array> {
    const end = Math.min(this.size, offset + length);
    while (this.#written === 0 && !this.#done) await this.#progress();
    const file = await open(this.path, 'r');
    try {
      for (let at = offset; at < end; ) {
        const available = this.#done ? this.size : Math.min(this.#written, this.size - 1);
        if (available <= at) {
          await this.#progress();
          continue;
        }
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(CHUNK, Math.min(end, available) - at)), { position: at });
        if (bytesRead === 0) throw new EdgeUnavailable('the cached original was cut short');
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  async #run(sha256: string, source: () => Promise<Readable>): Promise<void> {
    const digest = createHash('sha256');
    const file = await open(this.path, 'w', 0o600);
    try {
      for await (const chunk of await source()) {
        if (this.#written + chunk.length > this.size) throw new EdgeUnavailable('the original is longer than its index says');
        digest.update(chunk);
        await file.write(chunk);
        this.#written += chunk.length;
        this.#wake(false, null);
      }
    } finally {
      await file.close();
    }
    if (this.#written !== this.size || digest.digest('hex') !== sha256) throw new EdgeUnavailable('the original arrived damaged');
  }

  #wake(done: boolean, failure: unknown): void {
    this.#done = done;
    this.#failure = failure;
    for (const resume of this.#waiting.splice(0)) resume();
  }

  async #progress(): Promise<void> {
    if (!this.#failure) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#failure) throw this.#failure;
  }
}
