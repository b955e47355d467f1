/**
 * COMPRESS=DEFLATE (RFC 4978): raw deflate in both directions over the layer that is there. What goes out is compressed answer by
 * answer, each flushed whole and without memory of the one before, so that an idle connection keeps no compressor (256 KB). What
 * a few octets unfold into is handed over piece by piece as it is asked for: a bomb fills no memory, it only counts against
 * the bounds that every input has.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { constants, createInflateRaw, deflateRawSync, type InflateRaw } from 'node:zlib';

/** Octets that zlib hands over at once, and that wait for the decoder. */
const CHUNK = 4 * 1024;
/** A third of the time of the usual 6 for a twentieth more octets: 64 KB take half a millisecond. */
const LEVEL = 3;

/** What the connection speaks over once compression is on: looks like the socket below it. */
export class Compressed extends Duplex {
  readonly #socket: Socket;
  readonly #inflate: InflateRaw;

  constructor(socket: Socket) {
    super({ allowHalfOpen: true, readableHighWaterMark: CHUNK, decodeStrings: true });
    this.#socket = socket;
    this.#inflate = createInflateRaw({ chunkSize: CHUNK });
    socket.pipe(this.#inflate);
    this.#listen();
  }

  override _read(): void {
    this.#pump();
  }

  /** `Output` has gathered an answer, or a large piece of one. Done when the socket takes more. */
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const more = this.#socket.write(deflateRawSync(chunk, { level: LEVEL, finishFlush: constants.Z_SYNC_FLUSH }));
    if (more || this.#socket.destroyed) callback();
    else this.#onceWritable(callback);
  }

  override _final(callback: () => void): void {
    this.#socket.end(deflateRawSync(Buffer.alloc(0)), () => callback());
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
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
