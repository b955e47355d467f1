/**
 * What goes to one client: byte strings and octets, gathered into large writes (a FETCH of 100,000 messages is
 * a few hundred of them), held back while the client does not read. Nothing here waits by itself: loops ask
 * `full` and await `drained`, so a slow reader costs two buffers, not the whole answer.
 */
import type { Duplex } from 'node:stream';

/** Gathered before it is handed to the socket: one system call and, with TLS, four full records. */
const WRITE_SIZE = 64 * 1024;
/** Buffers that no socket writes from any more, of all connections: taken again instead of made anew. */
const spare: Buffer[] = [];
const SPARE_MAX = 16;

export class Output {
  #socket: Duplex;
  /** What waits: the octets in `#buffer`, then the text. */
  #buffer: Buffer | null = null;
  #octets = 0;
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
    if (this.#octets + this.#text.length >= WRITE_SIZE) this.flush();
  }

  /** Appends octets, after the text before them. They are copied: the caller may do with them what it likes. */
  bytes(octets: Uint8Array): void {
    for (let at = 0; at < octets.length; ) {
      if (this.#octets + this.#text.length >= WRITE_SIZE) this.flush();
      const buffer = this.#gather();
      const some = octets.subarray(at, at + WRITE_SIZE - this.#octets);
      buffer.set(some, this.#octets);
      this.#octets += some.length;
      at += some.length;
    }
  }

  /** One line with its CRLF. */
  line(text: string): void {
    this.write(`${text}\r\n`);
  }

  /** Hands everything to the socket. */
  flush(): void {
    const buffer = this.#octets > 0 && this.#octets + this.#text.length <= WRITE_SIZE ? this.#gather() : this.#buffer;
    if (buffer && !this.#closed) this.#socket.write(buffer.subarray(0, this.#octets), (error) => (error ? undefined : release(buffer)));
    if (this.#text !== '' && !this.#closed) this.#socket.write(this.#text, 'latin1');
    this.#buffer = null;
    this.#octets = 0;
    this.#text = '';
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

  /** The buffer, with the text that waited in it. */
  #gather(): Buffer {
    const buffer = this.#buffer ?? spare.pop() ?? Buffer.allocUnsafeSlow(WRITE_SIZE);
    this.#buffer = buffer;
    if (this.#text !== '') this.#octets += buffer.write(this.#text, this.#octets, 'latin1');
    this.#text = '';
    return buffer;
  }

  #watch(socket: Duplex): void {
    socket.once('close', () => {
      if (socket === this.#socket) this.#closed = true;
    });
  }
}

function release(buffer: Buffer): void {
  if (spare.length < SPARE_MAX) spare.push(buffer);
}
