/**
 * The octets of one message as they will be kept: what we put in front (trace block, edited header section)
 * and the body as it arrived, in memory when small, in a file when not. Read as often as needed, never held
 * whole when it is large.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { MessageIndex } from '../../shared/mime/index-types.ts';
import { MessageIndexer } from '../../shared/mime/indexer.ts';

/** Octets in memory, or octets in a file. */
export type Body = { bytes: Buffer } | { path: string; size: number };

/** Read size for bodies in files: large enough for the disk, small next to the memory budget. */
const READ_OCTETS = 128 * 1024;

export interface Fingerprint {
  /** Lower-case hex. */
  sha256: string;
  size: number;
  index: MessageIndex;
}

export class Original {
  readonly head: Buffer;
  readonly body: Body;

  constructor(head: Buffer, body: Body) {
    this.head = head;
    this.body = body;
  }

  get size(): number {
    return this.head.length + ('bytes' in this.body ? this.body.bytes.length : this.body.size);
  }

  /** The whole, when it is in memory. */
  bytes(): Buffer | null {
    return 'bytes' in this.body ? Buffer.concat([this.head, this.body.bytes]) : null;
  }

  async *chunks(): AsyncGenerator<Buffer> {
    yield this.head;
    if ('bytes' in this.body) yield this.body.bytes;
    else yield* createReadStream(this.body.path, { highWaterMark: READ_OCTETS }) as AsyncIterable<Buffer>;
  }

  stream(): Readable {
    return Readable.from(this.chunks(), { objectMode: false, highWaterMark: READ_OCTETS });
  }
}

/** Hashes and indexes octets as they pass. */
export class Fingerprinter {
  readonly #hash = createHash('sha256');
  readonly #indexer = new MessageIndexer();
  #size = 0;

  write(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#indexer.write(chunk);
    this.#size += chunk.length;
  }

  finish(): Fingerprint {
    return { sha256: this.#hash.digest('hex'), size: this.#size, index: this.#indexer.finish() };
  }
}

/** Reads the original once to know its digest and its index. */
export async function fingerprint(original: Original): Promise<Fingerprint> {
  const fingerprinter = new Fingerprinter();
  for await (const chunk of original.chunks()) fingerprinter.write(chunk);
  return fingerprinter.finish();
}
