/**
 * A lean IMAP client (RFC 9051) for timing a server: it counts the octets of an answer and keeps only as many as the caller asks
 * for, so that the client is not what is measured.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

/** Tagged lines are shorter than this; the tag is like nothing in any message. */
const TAIL_MAX = 1024;
const KEPT_MAX = 64 * 1024;

export interface Answer {
  octets: number;
  /** The beginning of the answer, as a byte string. */
  text: string;
}

export class ImapConnection {
  readonly #socket: Socket;
  #tags = 0;
  #onChunk: (chunk: Buffer) => void = () => {};
  #onEnd: (error: Error) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#onChunk(chunk));
    socket.on('error', (error) => this.#onEnd(error));
    socket.on('close', () => this.#onEnd(new Error('the connection ended')));
  }

  /** Connects and reads the greeting. `secure`: with TLS, whoever signed the certificate. */
  static async open(port: number, secure = false): Promise<ImapConnection> {
    const to = { port, host: '127.0.0.1', noDelay: true };
    const socket = secure ? connectSecurely({ ...to, rejectUnauthorized: false }) : connect(to);
    const connection = new ImapConnection(socket);
    const greeting = connection.#until((tail) => tail.endsWith('\r\n'));
    await Promise.race([once(socket, secure ? 'secureConnect' : 'connect'), greeting]);
    await greeting;
    return connection;
  }

  /** Sends one command without tag and CRLF, and waits for its OK. */
  async command(text: string | Buffer): Promise<Answer> {
    const tag = this.#nextTag();
    const answer = this.#until((tail) => endsWithTag(tail, tag));
    this.#socket.write(Buffer.concat([Buffer.from(`${tag} `), Buffer.from(text), Buffer.from('\r\n')]));
    const { octets, head, tail } = await answer;
    const status = tail.slice(lastLine(tail) + 2 + tag.length + 1);
    if (!status.startsWith('OK')) throw new Error(`IMAP answered ${status.trim()} to ${String(text).slice(0, 100)}`);
    return { octets, text: head };
  }

  /** Sends commands without waiting for one before the next, and waits for the last one's OK. */
  async pipelined(commands: readonly string[]): Promise<void> {
    const tagged = commands.map((text) => ({ tag: this.#nextTag(), text }));
    const last = tagged.at(-1)?.tag ?? '';
    const ended = this.#until((tail) => endsWithTag(tail, last));
    this.#socket.write(tagged.map(({ tag, text }) => `${tag} ${text}\r\n`).join(''));
    const { tail } = await ended;
    if (!tail.slice(lastLine(tail)).includes(`${last} OK`)) throw new Error(`IMAP answered ${tail.slice(-200)}`);
  }

  async logIn(user: string, password: string): Promise<void> {
    await this.command(`LOGIN ${user} ${password}`);
  }

  /** APPENDs with a non-synchronising literal (RFC 7888). */
  async append(mailbox: string, raw: Uint8Array): Promise<void> {
    await this.command(Buffer.concat([Buffer.from(`APPEND ${mailbox} {${raw.length}+}\r\n`), raw]));
  }

  /** APPENDs several at once (RFC 3502), each with its INTERNALDATE. */
  async appendAll(mailbox: string, letters: readonly { raw: Uint8Array; receivedAt: number }[]): Promise<void> {
    const messages = letters.flatMap(({ raw, receivedAt }) => [Buffer.from(` "${internalDate(receivedAt)}" {${raw.length}+}\r\n`), raw]);
    await this.command(Buffer.concat([Buffer.from(`APPEND ${mailbox}`), ...messages]));
  }

  /** Messages in a mailbox. */
  async count(mailbox: string): Promise<number> {
    const { text } = await this.command(`STATUS ${mailbox} (MESSAGES)`);
    return Number(/MESSAGES (\d+)/.exec(text)?.[1] ?? 0);
  }

  /** Begins to IDLE (RFC 2177); the answer waits for the next EXISTS, ends the IDLE, and tells when it came. */
  async idle(): Promise<{ exists: Promise<number> }> {
    const tag = this.#nextTag();
    const begun = this.#until((tail) => tail.includes('+ ') && tail.endsWith('\r\n'));
    this.#socket.write(`${tag} IDLE\r\n`);
    await begun;
    const exists = this.#until((tail) => /\* \d+ EXISTS\r\n/.test(tail)).then(async () => {
      const at = performance.now();
      const ended = this.#until((tail) => tail.includes(`${tag} OK`));
      this.#socket.write('DONE\r\n');
      await ended;
      return at;
    });
    return { exists };
  }

  close(): void {
    this.#onEnd = () => {};
    this.#socket.destroy();
  }

  #nextTag(): string {
    this.#tags += 1;
    return `bench${this.#tags}q`;
  }

  /** Reads until `isWhole` says so of the last octets. */
  #until(isWhole: (tail: string) => boolean): Promise<{ octets: number; head: string; tail: string }> {
    return new Promise((resolve, reject) => {
      let octets = 0;
      let head = '';
      let tail = '\r\n';
      this.#onEnd = reject;
      this.#onChunk = (chunk) => {
        octets += chunk.length;
        if (head.length < KEPT_MAX) head += chunk.toString('latin1', 0, KEPT_MAX - head.length);
        tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - TAIL_MAX))).slice(-TAIL_MAX);
        if (isWhole(tail)) resolve({ octets, head, tail });
      };
    });
  }
}

/** The last line is whole and carries the tag; of a long one nothing but its end may be in `tail`. */
function endsWithTag(tail: string, tag: string): boolean {
  return tail.endsWith('\r\n') && tail.startsWith(`${tag} `, lastLine(tail) + 2) && lastLine(tail) >= 0;
}

/** Where the CRLF before the last line stands; -1 when it does not. */
function lastLine(tail: string): number {
  return tail.lastIndexOf('\r\n', tail.length - 3);
}

/** `dd-Mon-yyyy hh:mm:ss +0000` (RFC 9051 §9). */
function internalDate(at: number): string {
  const [, day, month, year, time] = new Date(at).toUTCString().split(' ');
  return `${day}-${month}-${year} ${time} +0000`;
}
