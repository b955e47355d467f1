/**
 * COMPRESS=DEFLATE (RFC 4978): raw deflate in both directions over the layer that is there. Every answer is flushed whole.
 * What a few octets unfold into is handed over piece by piece as it is asked for, so a bomb fills no memory; it only
 * counts against the bounds that every input has.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib';

/** 32 KB of memory instead of 256: an idle connection must stay cheap, and mail headers repeat within 8 KB. */
const WINDOW_BITS = 13;
const MEMORY_LEVEL = 5;
/** Octets that zlib hands over at once. */
const CHUNK = 16 * 1024;

/** What the connection speaks over once compression is on: looks like the socket below it. */
export class Compressed extends Duplex {
  readonly #socket: Socket;
  readonly #deflate: DeflateRaw;
  readonly #inflate: InflateRaw;

  constructor(socket: Socket) {
    super({ allowHalfOpen: true, readableHighWaterMark: CHUNK, writableHighWaterMark: 4 * CHUNK, decodeStrings: true });
    this.#socket = socket;
    this.#deflate = createDeflateRaw({ windowBits: WINDOW_BITS, memLevel: MEMORY_LEVEL, chunkSize: CHUNK, flush: constants.Z_SYNC_FLUSH });
    this.#inflate = createInflateRaw({ chunkSize: CHUNK });
    this.#deflate.pipe(socket, { end: false });
    socket.pipe(this.#inflate);
    this.#listen();
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  override _read(): void {
    this.#pump();
  }

  /** Each write is one flushed answer, for `Output` has gathered it; done when the socket has taken it. */
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#deflate.write(chunk, (error) => {
      if (error || !this.#socket.writableNeedDrain) callback(error);
      else this.#onceWritable(() => callback());
    });
  }

  override _final(callback: () => void): void {
    this.#deflate.end(() => {
      this.#socket.end();
      callback();
    });
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#deflate.destroy();
    this.#inflate.destroy();
    this.#socket.destroy();
    callback(error);
  }

  #listen(): void {
    this.#inflate.on('readable', () => this.#pump());
    this.#inflate.once('end', () => this.push(null));
    // No deflate any more: nothing sensible can follow. The client learns of it by the end of the connection.
    const broken = () => this.destroy();
    this.#inflate.on('error', broken);
    this.#deflate.on('error', broken);
    this.#socket.once('close', broken);
  }

  #pump(): void {
    for (let chunk: Buffer | null = this.#inflate.read(); chunk !== null; chunk = this.#inflate.read()) {
      if (!this.push(chunk)) return;
    }
  }

  #onceWritable(done: () => void): void {
    const once = () => {
      this.#socket.off('drain', once).off('close', once);
      done();
    };
    this.#socket.once('drain', once).once('close', once);
  }
}
