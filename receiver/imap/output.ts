/**
 * What goes to one client: byte strings and octets, gathered into large writes (a FETCH of 100,000 messages is
 * a few hundred of them), held back while the client does not read. Nothing here waits by itself: loops ask
 * `full` and await `drained`, so a slow reader costs two buffers, not the whole answer.
 */
import type { Duplex } from 'node:stream';

/** Text gathered before it is handed to the socket: one system call and, with TLS, four full records. */
const WRITE_SIZE = 64 * 1024;
/** Octets from here on are handed over as they are; copying shorter ones into the text costs less than a piece of their own. */
const PIECE_MIN = 1024;

export class Output {
  #socket: Duplex;
  #text = '';
  /** Octets that wait, with the text before them, for one write of all. */
  #pieces: (string | Uint8Array)[] = [];
  #waiting = 0;
  #closed = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.#watch(socket);
  }

  /** The client is gone or cannot be reached any more; what is written goes nowhere. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The socket's buffer is full: await `drained` before going on. */
  get full(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Appends a byte string. */
  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= WRITE_SIZE) this.flush();
  }

  /** Appends octets, after the text before them. The caller leaves them as they are. */
  bytes(octets: Uint8Array): void {
    if (octets.length < PIECE_MIN) {
      this.write(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).latin1Slice());
      return;
    }
    if (this.#text !== '') this.#pieces.push(this.#text);
    this.#pieces.push(octets);
    this.#waiting += this.#text.length + octets.length;
    this.#text = '';
    if (this.#waiting >= WRITE_SIZE) this.flush();
  }

  /** One line with its CRLF. */
  line(text: string): void {
    this.write(`${text}\r\n`);
  }

  /** Hands everything to the socket, in one system call. */
  flush(): void {
    const pieces = this.#pieces;
    if (this.#text !== '') pieces.push(this.#text);
    this.#pieces = [];
    this.#text = '';
    this.#waiting = 0;
    if (pieces.length === 0 || this.#closed) return;
    // One piece needs no gathering.
    if (pieces.length > 1) this.#socket.cork();
    for (const piece of pieces) {
      if (typeof piece === 'string') this.#socket.write(piece, 'latin1');
      else this.#socket.write(piece);
    }
    if (pieces.length > 1) this.#socket.uncork();
  }

  /** Resolves when the socket takes more, or is closed. */
  async drained(): Promise<void> {
    if (this.#closed || !this.full) return;
    const socket = this.#socket;
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off('drain', done).off('close', done);
        resolve();
      };
      socket.once('drain', done).once('close', done);
    });
  }

  /** Goes on over another layer of the same connection (STARTTLS, COMPRESS). */
  moveTo(socket: Duplex): void {
    this.flush();
    this.#socket = socket;
    this.#watch(socket);
  }

  #watch(socket: Duplex): void {
    socket.once('close', () => {
      if (socket === this.#socket) this.#closed = true;
    });
  }
}
