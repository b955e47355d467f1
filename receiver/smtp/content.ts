/**
 * The octets after DATA, as smtp-server hands them over (dots unstuffed): checked for bare CR and LF, which
 * no message may contain and which smuggle a second message past a laxer server (RFC 5321 §2.3.8); split
 * into header section and body; the body kept in memory when small and written to the spool's disk when
 * not. A refused message is read to its end, so that the reply comes where the client expects it.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { removeFile, writeAll } from '../spool/durable.ts';
import { SpoolFull } from '../spool/folder.ts';
import type { Body } from '../spool/original.ts';
import { fieldsOf } from './headers.ts';
import { HEADER_SECTION_MAX, MEMORY_BODY_MAX } from './limits.ts';
import { Reply } from './reply.ts';

export interface Content {
  /** The header section with its empty line; everything, when there is no empty line. */
  header: Buffer;
  body: Body;
  size: number;
  /** Deletes the body's file, if there is one. */
  dispose(): Promise<void>;
}

export interface ContentOptions {
  /** Octets a message may have. */
  sizeMax: number;
  /** Where a large body goes. */
  path: string;
  /** The client does not stop: called once when twice the limit has passed. */
  onFlood: () => void;
}

const CR = 0x0d;
const LF = 0x0a;
const HEADER_END = Buffer.from('\r\n\r\n');

/** Reads a message. Throws a `Reply` (552, 554, 452) once its end has come. */
export async function readContent(stream: AsyncIterable<Buffer>, options: ContentOptions): Promise<Content> {
  const lines = new LineGuard();
  const store = new ContentStore(options.path);
  let size = 0;
  let refusal: Error | null = null;
  try {
    for await (const chunk of stream) {
      if (size <= 2 * options.sizeMax && size + chunk.length > 2 * options.sizeMax) options.onFlood();
      size += chunk.length;
      lines.write(chunk);
      refusal ??= refuse(size, lines, options);
      if (!refusal) refusal = await store.write(chunk).then(() => null, asRefusal);
    }
    lines.finish();
    refusal ??= refuse(size, lines, options);
    if (refusal) throw refusal;
    const { header, body } = await store.finish();
    return { header, body, size, dispose: () => store.dispose() };
  } catch (error) {
    await store.dispose();
    throw asRefusal(error);
  }
}

function refuse(size: number, lines: LineGuard, { sizeMax }: ContentOptions): Reply | null {
  if (size > sizeMax) return new Reply(552, '5.3.4', `message exceeds ${sizeMax} octets`);
  return lines.defect ? new Reply(554, '5.5.2', `${lines.defect} in the message: lines end with CRLF (RFC 5321 section 2.3.8)`) : null;
}

function asRefusal(error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (error instanceof SpoolFull || ['ENOSPC', 'EROFS', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE'].includes(code)) {
    return new Reply(452, '4.3.1', 'no room for the message now, try again later');
  }
  return error instanceof Error ? error : new Error(String(error));
}

/** Finds a CR without LF and a LF without CR, wherever the chunks are cut. */
class LineGuard {
  defect: 'bare CR' | 'bare LF' | null = null;
  #afterCr = false;

  write(chunk: Uint8Array): void {
    if (this.defect) return;
    let afterCr = this.#afterCr;
    for (let i = 0; i < chunk.length; i++) {
      const octet = chunk[i];
      if (octet === LF ? !afterCr : afterCr) {
        this.defect = octet === LF ? 'bare LF' : 'bare CR';
        return;
      }
      afterCr = octet === CR;
    }
    this.#afterCr = afterCr;
  }

  finish(): void {
    if (this.#afterCr) this.defect ??= 'bare CR';
  }
}

/** Octets that grow by doubling: a message may come in chunks of one octet, and none of them is kept as an object. */
class OctetBuffer {
  #octets = Buffer.allocUnsafe(8 * 1024);
  length = 0;

  append(chunk: Uint8Array): void {
    if (this.length + chunk.length > this.#octets.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#octets.length * 2, this.length + chunk.length));
      this.#octets.copy(grown, 0, 0, this.length);
      this.#octets = grown;
    }
    this.#octets.set(chunk, this.length);
    this.length += chunk.length;
  }

  octets(): Buffer {
    return this.#octets.subarray(0, this.length);
  }
}

/** Collects header section and body; changes over to a file when the body grows large. */
class ContentStore {
  readonly #path: string;
  readonly #header = new OctetBuffer();
  #body: OctetBuffer | null = null;
  #file: FileHandle | null = null;
  #written = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async write(chunk: Buffer): Promise<void> {
    if (!this.#body) this.#readHeader(chunk);
    else this.#body.append(chunk);
    if (this.#body && this.#body.length > MEMORY_BODY_MAX) await this.#spill(this.#body);
  }

  async finish(): Promise<{ header: Buffer; body: Body }> {
    const header = this.#header.octets();
    const rest = this.#body ?? new OctetBuffer();
    if (!this.#file) return { header, body: { bytes: rest.octets() } };
    await this.#spill(rest);
    await this.#file.close();
    this.#file = null;
    return { header, body: { path: this.#path, size: this.#written } };
  }

  async dispose(): Promise<void> {
    await this.#file?.close().catch(() => {});
    if (this.#file || this.#written > 0) await removeFile(this.#path).catch(() => {});
    this.#file = null;
  }

  /** Appends to the header until its empty line is found; what is behind it begins the body. */
  #readHeader(chunk: Buffer): void {
    const from = Math.max(0, this.#header.length - 3);
    this.#header.append(chunk);
    const end = headerEnd(this.#header.octets(), from);
    if (end === null) return;
    this.#body = new OctetBuffer();
    this.#body.append(this.#header.octets().subarray(end));
    this.#header.length = end;
  }

  async #spill(body: OctetBuffer): Promise<void> {
    this.#file ??= await open(this.#path, 'w', 0o600);
    await writeAll(this.#file, body.octets());
    this.#written += body.length;
    body.length = 0;
  }
}

/** One past the empty line; null when it may still come. `from`: no empty line begins before it. */
function headerEnd(octets: Buffer, from: number): number | null {
  if (octets[0] === CR && octets[1] === LF) return 2;
  const found = octets.indexOf(HEADER_END, from);
  if (found >= 0) return found + HEADER_END.length;
  return octets.length <= HEADER_SECTION_MAX ? null : unendedHeader(octets);
}

/** A megabyte without an empty line: text that never had a header ends it at its first line; fields alone are refused. */
function unendedHeader(octets: Buffer): number {
  for (const field of fieldsOf(octets)) if (field.name === '' && field.end < octets.length) return field.start;
  throw new Reply(552, '5.3.4', `header section exceeds ${HEADER_SECTION_MAX} octets`);
}
