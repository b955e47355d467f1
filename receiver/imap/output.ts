/**
 * What goes to one client: byte strings and octets, gathered into large writes (a FETCH of 100,000 messages is
 * a few hundred of them), held back while the client does not read. Nothing here waits by itself: loops ask
 * `full` and await `drained`, so a slow reader costs two buffers, not the whole answer.
 */
import type { Duplex } from 'node:stream';

/** Text gathered before it is handed to the socket: one system call and, with TLS, four full records. */
const WRITE_SIZE = 64 * 1024;

export class Output {
  #socket: Duplex;
  #text = '';
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

  /** Appends octets, after the text before them. */
  bytes(octets: Uint8Array): void {
    if (octets.length < 4096) {
      this.write(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).latin1Slice());
      return;
    }
    this.flush();
    if (!this.#closed) this.#socket.write(octets);
  }

  /** One line with its CRLF. */
  line(text: string): void {
    this.write(`${text}\r\n`);
  }

  flush(): void {
    const text = this.#text;
    this.#text = '';
    if (text !== '' && !this.#closed) this.#socket.write(text, 'latin1');
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
