/**
 * What comes from one client: chunks on demand, so that TCP holds back whoever sends more than is asked for,
 * and the temporary files of literals too large for memory (APPEND, RFC 9051 §6.3.12).
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import type { Literal } from './wire/decoder.ts';

export class Incoming {
  #socket: Duplex;
  #wake: (() => void) | null = null;
  #closed = false;
  #file: FileHandle | null = null;
  readonly #spooled: string[] = [];
  readonly #onEvent = () => this.#wake?.();

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.#listen();
  }

  /** What has arrived; waits for something to. Null at the end. */
  async read(): Promise<Buffer | null> {
    while (!this.#closed) {
      const chunk: Buffer | null = this.#socket.read();
      if (chunk) return chunk;
      if (this.#socket.readableEnded || this.#socket.destroyed) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    return null;
  }

  /** Throws away what waits and lets go of the socket, for another layer to take it. */
  release(): void {
    while (this.#socket.read() !== null);
    for (const event of EVENTS) this.#socket.off(event, this.#onEvent);
  }

  moveTo(socket: Duplex): void {
    this.#socket = socket;
    this.#listen();
  }

  /** Ends a `read` that waits; nothing is read any more. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
    void this.discardSpooled();
  }

  /** Writes a piece of a large literal to its file; `last` completes it. */
  async spool(literal: Literal, chunk: Uint8Array, last: boolean): Promise<void> {
    if (!this.#file) {
      literal.path = path.join(tmpdir(), `posthouse-append-${randomUUID()}`);
      this.#spooled.push(literal.path);
      this.#file = await open(literal.path, 'wx', 0o600);
    }
    await writeAll(this.#file, chunk);
    if (!last) return;
    await this.#file.close();
    this.#file = null;
  }

  /** Removes the files of a command that is done with them, or that never became whole. */
  async discardSpooled(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
    for (const spooled of this.#spooled.splice(0)) await unlink(spooled).catch(() => {});
  }

  #listen(): void {
    for (const event of EVENTS) this.#socket.on(event, this.#onEvent);
  }
}

const EVENTS = ['readable', 'end', 'close', 'error'] as const;

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < chunk.length) offset += (await file.write(chunk, offset)).bytesWritten;
}
