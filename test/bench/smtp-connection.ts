/**
 * A lean SMTP client (RFC 5321) for timing a server: one command at a time, as most senders do, and the time from the first octet
 * of the message to the reply after its dot.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const CR_DOT = /\r\n\./g;

export class SmtpConnection {
  readonly #socket: Socket;
  #input = '';
  #wake: (() => void) | null = null;
  #failure: Error | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#input += chunk.toString('latin1');
      this.#wake?.();
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection ended')));
  }

  /** Connects, reads the greeting and says EHLO. */
  static async open(port: number): Promise<SmtpConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const connection = new SmtpConnection(socket);
    await connection.#reply('220');
    await connection.#command('EHLO client.sender.test', '250');
    return connection;
  }

  /** Sends one message; milliseconds from DATA's first octet to its 250. Throws with the reply when it is refused. */
  async send(from: string, to: string, raw: Uint8Array): Promise<number> {
    const stuffed = dotStuffed(raw);
    await this.#command(`MAIL FROM:<${from}>`, '250');
    await this.#command(`RCPT TO:<${to}>`, '250');
    await this.#command('DATA', '354');
    const started = performance.now();
    this.#socket.write(stuffed);
    await this.#reply('250');
    return performance.now() - started;
  }

  close(): void {
    this.#socket.end('QUIT\r\n');
  }

  #command(line: string, wanted: string): Promise<void> {
    this.#socket.write(`${line}\r\n`);
    return this.#reply(wanted);
  }

  async #reply(wanted: string): Promise<void> {
    for (;;) {
      const last = /^(?:\d{3}-.*\r\n)*(\d{3}) .*\r\n/.exec(this.#input);
      if (last) {
        this.#input = this.#input.slice(last[0].length);
        if (last[1] !== wanted) throw new Error(`SMTP answered ${last[0].trim()} where ${wanted} was due`);
        return;
      }
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }
}

/** The octets after DATA, the final dot included (RFC 5321 §4.5.2). */
function dotStuffed(raw: Uint8Array): Buffer {
  const text = Buffer.from(raw).toString('latin1');
  const stuffed = (text.startsWith('.') ? `.${text}` : text).replaceAll(CR_DOT, '\r\n..');
  return Buffer.from(`${stuffed}${stuffed.endsWith('\r\n') ? '' : '\r\n'}.\r\n`, 'latin1');
}
