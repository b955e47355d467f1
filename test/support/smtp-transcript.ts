/**
 * Runs SMTP sessions written as plain text, one step a line, over a real socket:
 *
 *     # a comment
 *     connect smtp            opens a connection to the named port (smtp, submission, submissions)
 *     c -> EHLO x             sends the line with CRLF
 *     c => "EHLO x\n"         sends exactly the octets of the JSON string (one octet a character)
 *     c <- 250 2.0.0 Ok       the whole next reply is this (lines of a reply joined by LF)
 *     c <~ 250                the next reply matches this expression, anchored at its start
 *     c !~ AUTH               the last reply does not contain this expression
 *     c starttls              upgrades the connection to TLS
 *     c closed                the server has closed the connection
 *
 * `{{name}}` is replaced from the variables given.
 */
import net from 'node:net';
import tls from 'node:tls';

export interface TranscriptTarget {
  ports: Record<string, number>;
  variables?: Record<string, string>;
}

const REPLY_MS = 10_000;

/** One client connection that reads whole replies. */
export class SmtpClient {
  #socket: net.Socket;
  #text = '';
  #ended = false;
  #notify: () => void = () => {};

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  /** Connects; `secure` for implicit TLS. */
  static async connect(port: number, secure = false): Promise<SmtpClient> {
    const socket = secure ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }) : net.connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once(secure ? 'secureConnect' : 'connect', resolve);
      socket.once('error', reject);
    });
    socket.setNoDelay(true);
    return new SmtpClient(socket);
  }

  send(octets: string | Uint8Array): void {
    this.#socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
  }

  /** Resolves when the octets are handed to the system: back-pressure for large messages. */
  write(octets: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => this.#socket.write(octets, (error) => (error ? reject(error) : resolve())));
  }

  get socket(): net.Socket {
    return this.#socket;
  }

  /** The next reply, its lines joined by LF. Throws when none comes, or the connection ends. */
  async reply(): Promise<string> {
    const reply = await this.#until(() => /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r\n/.exec(this.#text)?.[0]);
    this.#text = this.#text.slice(reply.length);
    return reply.replace(/\r\n/g, '\n').trimEnd();
  }

  /** Sends a command and answers its reply. */
  command(line: string): Promise<string> {
    this.send(Buffer.from(`${line}\r\n`));
    return this.reply();
  }

  /** EHLO, MAIL, RCPT, DATA; answers the reply to the first that is refused, or to the message. */
  async deliver(message: { from?: string; to: string[]; data: Uint8Array | string }): Promise<string> {
    for (const line of [`MAIL FROM:<${message.from ?? 'a@sender.test'}>`, ...message.to.map((to) => `RCPT TO:<${to}>`), 'DATA']) {
      const reply = await this.command(line);
      if (!/^[23]/.test(reply)) return reply;
    }
    await this.write(Buffer.concat([Buffer.from(message.data), Buffer.from('\r\n.\r\n')]));
    return this.reply();
  }

  async starttls(): Promise<void> {
    this.#socket.removeAllListeners('data');
    const secured = tls.connect({ socket: this.#socket, rejectUnauthorized: false });
    await new Promise<void>((resolve, reject) => {
      secured.once('secureConnect', resolve);
      secured.once('error', reject);
    });
    this.#socket = secured;
    this.#listen(secured);
  }

  /** Resolves when the server has closed. */
  async closed(): Promise<void> {
    await this.#until(() => (this.#ended ? 'closed' : undefined), true);
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(socket: net.Socket): void {
    socket.on('data', (chunk) => {
      this.#text += chunk.toString('utf8');
      this.#notify();
    });
    const end = () => {
      this.#ended = true;
      this.#notify();
    };
    socket.on('end', end);
    socket.on('close', end);
    socket.on('error', end);
  }

  async #until(find: () => string | undefined, mayEnd = false): Promise<string> {
    const deadline = Date.now() + REPLY_MS;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (this.#ended && !mayEnd) throw new Error(`the connection ended; read: ${JSON.stringify(this.#text)}`);
      if (Date.now() > deadline) throw new Error(`no reply in time; read: ${JSON.stringify(this.#text)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now() + 1);
        this.#notify = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** Runs a transcript; throws with the line's number when the server does something else. */
export async function runTranscript(text: string, target: TranscriptTarget): Promise<void> {
  const run = new TranscriptRun(target);
  try {
    for (const [i, line] of text.split('\n').entries()) {
      await run.step(line.trim()).catch((error) => {
        throw new Error(`line ${i + 1}: ${line}\n${error instanceof Error ? error.message : error}`);
      });
    }
  } finally {
    run.end();
  }
}

class TranscriptRun {
  readonly #target: TranscriptTarget;
  #client: SmtpClient | null = null;
  #lastReply = '';

  constructor(target: TranscriptTarget) {
    this.#target = target;
  }

  async step(line: string): Promise<void> {
    if (line === '' || line.startsWith('#')) return;
    const [verb = '', action = '', ...words] = line.split(' ');
    if (verb === 'connect') return this.#connect(action);
    const client = this.#client;
    if (!client || verb !== 'c') throw new Error('no such step');
    await this.#act(client, action, this.#fill(words.join(' ')));
  }

  end(): void {
    this.#client?.close();
  }

  async #connect(name: string): Promise<void> {
    this.#client?.close();
    const port = this.#target.ports[name];
    if (port === undefined) throw new Error(`no port named ${name}`);
    this.#client = await SmtpClient.connect(port, name === 'submissions');
  }

  async #act(client: SmtpClient, action: string, text: string): Promise<void> {
    const actions: Record<string, () => Promise<void> | void> = {
      '->': () => client.send(Buffer.from(`${text}\r\n`)),
      '=>': () => client.send(JSON.parse(text) as string),
      '<-': async () => {
        this.#lastReply = await client.reply();
        if (this.#lastReply !== text) throw new Error(`got: ${this.#lastReply}`);
      },
      '<~': async () => {
        this.#lastReply = await client.reply();
        if (!new RegExp(`^(?:${text})`).test(this.#lastReply)) throw new Error(`got: ${this.#lastReply}`);
      },
      '!~': () => {
        if (new RegExp(text).test(this.#lastReply)) throw new Error(`got: ${this.#lastReply}`);
      },
      starttls: () => client.starttls(),
      closed: () => client.closed(),
    };
    const act = actions[action];
    if (!act) throw new Error('no such action');
    await act();
  }

  #fill(text: string): string {
    return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => this.#target.variables?.[name] ?? '');
  }
}
