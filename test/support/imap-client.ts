/**
 * A small IMAP client that drives tests (RFC 9051): sends a command, waits for its tagged line, gives back what came. It
 * checks nothing by itself, so that a test can also send what no client should.
 */
import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';

/** No answer within this is a failure with the command in its message, instead of a test that hangs. */
const ANSWER_MS = 15_000;

export interface Answer {
  /** `OK`, `NO`, `BAD`; `BYE` or `END` when the connection ended instead. */
  status: string;
  /** `TRYCREATE` of `NO [TRYCREATE] …`; empty without one. */
  code: string;
  text: string;
  /** Whole untagged responses, literals within them, without the last CRLF. Byte strings. */
  untagged: string[];
}

export class ImapClient {
  #socket: Socket;
  #input = '';
  #ended = false;
  #wake: (() => void) | null = null;
  #tags = 0;
  #write = (bytes: Uint8Array): void => void this.#socket.write(bytes);
  #finish = (): void => void this.#socket.end();

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  /** Connects; the greeting has not been read yet. */
  static async open(port: number, tls: boolean | ConnectionOptions = false, host = '127.0.0.1'): Promise<ImapClient> {
    const options = typeof tls === 'boolean' ? {} : tls;
    const socket = tls ? connectTls({ port, host, rejectUnauthorized: false, ...options }) : connect({ port, host });
    await new Promise<void>((resolve, reject) => {
      socket.once(tls ? 'secureConnect' : 'connect', () => resolve());
      socket.once('error', reject);
    });
    return new ImapClient(socket);
  }

  /** Connects, reads the greeting and logs in. */
  static async logIn(port: number, user = 'me@example.test', password = 'posthouse-demo'): Promise<ImapClient> {
    const client = await ImapClient.open(port);
    await client.response();
    const answer = await client.command(`LOGIN ${user} ${password}`);
    if (answer.status !== 'OK') throw new Error(`login failed: ${answer.text}`);
    return client;
  }

  get ended(): boolean {
    return this.#ended;
  }
  get socket(): Socket {
    return this.#socket;
  }

  /** Sends octets (a byte string) as they are. */
  send(bytes: string | Uint8Array): void {
    this.#write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Sends a command (byte string, without tag and CRLF) and waits for its end. Literals: send `{n+}`. */
  async command(text: string): Promise<Answer> {
    const tag = this.nextTag();
    this.send(`${tag} ${text}\r\n`);
    return this.completion(tag, text);
  }

  nextTag(): string {
    this.#tags += 1;
    return `A${this.#tags}`;
  }

  /** Reads up to the tagged line. */
  async completion(tag: string, what = tag): Promise<Answer> {
    const untagged: string[] = [];
    for (;;) {
      const line = await this.response(what);
      if (line === null) return { status: 'END', code: '', text: '', untagged };
      if (line.startsWith(`${tag} `)) return { ...parseStatus(line.slice(tag.length + 1)), untagged };
      untagged.push(line);
      if (line.startsWith('* BYE') && !what.toUpperCase().startsWith('LOGOUT')) return { ...parseStatus(line.slice(2)), untagged };
    }
  }

  /** The next response, literals included; null when the connection has ended. */
  async response(what = 'a response'): Promise<string | null> {
    let response = '';
    for (;;) {
      const line = await this.line(what);
      if (line === null) return response === '' ? null : response;
      response += line;
      const literal = /\{(\d+)\}$/.exec(line);
      if (!literal) return response;
      response += `\r\n${await this.octets(Number(literal[1]), what)}`;
    }
  }

  /** The next line without its CRLF; null when the connection has ended before one. */
  async line(what = 'a line'): Promise<string | null> {
    for (;;) {
      const end = this.#input.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#input.slice(0, end);
        this.#input = this.#input.slice(end + 2);
        return line;
      }
      if (this.#ended) return null;
      await this.#more(what);
    }
  }

  async octets(count: number, what = 'a literal'): Promise<string> {
    while (this.#input.length < count && !this.#ended) await this.#more(what);
    const octets = this.#input.slice(0, count);
    this.#input = this.#input.slice(count);
    return octets;
  }

  /** APPENDs a message (byte string); flags and date as IMAP text before the literal. */
  async append(mailbox: string, message: string, before = ''): Promise<Answer> {
    return this.command(`APPEND ${mailbox} ${before === '' ? '' : `${before} `}{${message.length}+}\r\n${message}`);
  }

  /** Goes on over TLS, after the server said OK to STARTTLS. */
  async startTls(): Promise<void> {
    this.#socket.removeAllListeners('data');
    const secured = connectTls({ socket: this.#socket, rejectUnauthorized: false });
    await new Promise<void>((resolve, reject) => {
      secured.once('secureConnect', () => resolve());
      secured.once('error', reject);
    });
    this.#socket = secured;
    this.#input = '';
    this.#listen(secured);
  }

  /** Goes on compressed, after the server said OK to COMPRESS (RFC 4978). */
  startCompression(): void {
    const below = this.#socket;
    // What is still being unfolded when the connection ends comes before the end.
    for (const event of ['data', 'end', 'close']) below.removeAllListeners(event);
    below.on('close', () => inflate.end());
    const deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH });
    const inflate = createInflateRaw();
    deflate.pipe(below);
    below.pipe(inflate);
    inflate.on('error', () => below.destroy());
    this.#input = '';
    this.#listen(inflate);
    this.#write = (bytes) => void deflate.write(bytes);
    this.#finish = () => void deflate.end();
    below.on('error', () => deflate.destroy());
    deflate.on('error', () => {});
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<void> {
    while (!this.#ended) await this.#more('the end');
  }

  /** Nothing more will be sent; what the server still says can be read. */
  end(): void {
    this.#finish();
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(socket: Readable): void {
    socket.on('data', (chunk: Buffer) => {
      this.#input += chunk.toString('latin1');
      this.#wake?.();
    });
    const end = () => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('close', end).on('end', end).on('error', end);
  }

  async #more(what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      this.#wake = resolve;
      timer = setTimeout(() => reject(new Error(`no answer to ${what.slice(0, 200)}; so far: ${this.#input.slice(0, 200)}`)), ANSWER_MS);
    });
    clearTimeout(timer);
    this.#wake = null;
  }
}

function parseStatus(line: string): { status: string; code: string; text: string } {
  const found = /^(OK|NO|BAD|BYE|PREAUTH) (?:\[([^\]]*)\] )?(.*)$/s.exec(line);
  return { status: found?.[1] ?? '', code: found?.[2] ?? '', text: found?.[3] ?? line };
}
