/**
 * Writing that survives a power cut: a temporary file, its octets forced to disk, a rename, and the folder
 * forced to disk (DESIGN.md, invariant 3: "250 means durable"). Whoever needs the folder synced at the same
 * moment shares one sync, so eight connections do not pay eight times.
 */
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';

/** Ends the name of every file that is not finished; the spool deletes these when it starts. */
export const TEMPORARY_SUFFIX = '.tmp';

/** Writes and forces to disk, under the temporary name; the caller renames. Nothing is left behind when it throws. */
export async function writeTemporary(path: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = path + TEMPORARY_SUFFIX;
  const file = await open(temporary, 'w', 0o600);
  try {
    for await (const chunk of chunks) await writeAll(file, chunk);
    await file.datasync();
  } catch (error) {
    await file.close().catch(() => {});
    await removeFile(temporary);
    throw error;
  }
  await file.close();
}

/** Gives the finished file its name; it is durable after the folder's next sync. */
export function finish(path: string): Promise<void> {
  return rename(path + TEMPORARY_SUFFIX, path);
}

/** Deletes; a file that is not there is as good. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/** Writes every octet, also when the system takes them in several pieces. */
export async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, offset);
    offset += bytesWritten;
  }
}

/** A folder whose entries are forced to disk, one sync for all who ask while another runs. */
export class SyncedFolder {
  readonly #handle: FileHandle;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  static async open(path: string): Promise<SyncedFolder> {
    return new SyncedFolder(await open(path, 'r'));
  }

  /** Resolves when a sync that began after this call has ended. */
  sync(): Promise<void> {
    if (!this.#running) return this.#start();
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = null;
        return this.#start();
      });
    return this.#next;
  }

  async close(): Promise<void> {
    await this.#running?.catch(() => {});
    await this.#handle.close();
  }

  #start(): Promise<void> {
    const sync = this.#handle.sync().finally(() => {
      if (this.#running === sync) this.#running = null;
    });
    this.#running = sync;
    return sync;
  }
}
