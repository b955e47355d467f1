/**
 * One POP3 client's connection (RFC 1939 §3): greeting, commands in the order sent (pipelining, RFC 2449 §6.6), time limits, STLS, the end. One
 * command runs at a time and nothing is read meanwhile, so TCP holds back who sends faster than we answer.
 */
import { Channel } from '../imap/channel.ts';
import type { Output } from '../imap/output.ts';
import { type Backend, Refusal, type Session } from '../imap/session.ts';
import type { Admission, Guest } from '../listeners.ts';
import type { Log } from '../log.ts';
import { COMMANDS, Failure, type Pop3Client, type State } from './commands.ts';
import { LineReader } from './lines.ts';
import type { Maildrop } from './maildrop.ts';

/** From connecting to login. */
const LOGIN_TIMEOUT_MS = 60_000;
/** RFC 1939 §3: at least ten minutes. */
const IDLE_TIMEOUT_MS = 10 * 60_000 + 30_000;
/** Lines that are no command; a client of another protocol is let go. */
const NONSENSE_MAX = 10;

export interface Pop3ConnectionOptions {
  backend: Backend;
  hostname: string;
  log: Pick<Log, 'warn'>;
  /** Addresses of the accounts whose maildrop is taken. */
  locked: Set<string>;
  timeouts?: { login: number; idle: number };
}

export class Pop3Connection implements Guest, Pop3Client {
  state: State = 'authorization';
  readonly output: Output;
  readonly hostname: string;
  readonly remoteAddress: string;
  readonly backend: Backend;
  secure: boolean;
  username: string | null = null;
  failures = 0;
  maildrop: Maildrop | null = null;
  readonly #options: Pop3ConnectionOptions;
  readonly #admission: Admission;
  readonly #channel: Channel;
  readonly #lines = new LineReader();
  readonly #loginTimer: NodeJS.Timeout;
  #session: Session | null = null;
  #unwatch: (() => void) | null = null;
  #listening = false;
  #farewell: string | null = null;
  #nonsense = 0;

  constructor(admission: Admission, options: Pop3ConnectionOptions) {
    this.#admission = admission;
    this.#options = options;
    this.backend = options.backend;
    this.hostname = options.hostname;
    this.remoteAddress = admission.socket.remoteAddress ?? '';
    this.secure = admission.secureContext === null;
    this.#channel = new Channel(admission.socket, {
      silence: options.timeouts?.idle ?? IDLE_TIMEOUT_MS,
      onSilence: () => this.#give('Idle for too long'),
      forget: () => this.#lines.drop(),
    });
    this.output = this.#channel.output;
    this.#loginTimer = setTimeout(() => this.#give('Too slow to log in'), options.timeouts?.login ?? LOGIN_TIMEOUT_MS);
  }

  get passwordAllowed(): boolean {
    return this.secure || this.#admission.local;
  }

  async serve(): Promise<void> {
    try {
      this.output.line(`+OK ${this.hostname} Posthouse ready`);
      while (this.state !== 'gone') {
        const line = await this.line();
        if (line === null) break;
        await this.#handle(line);
        if (this.#farewell !== null) this.#leave();
      }
    } catch (error) {
      this.#options.log.warn('pop3.connection-defect', { error: String(error) });
    } finally {
      this.#end();
    }
  }

  /** `code`: RFC 3206. */
  dismiss(reason: string, code = 'SYS/TEMP'): void {
    if (this.state === 'gone') return;
    this.#farewell ??= `-ERR [${code}] ${reason}`;
    if (this.#listening) this.#leave();
  }

  /** One line from the client; null when none can come any more. */
  async line(): Promise<string | null> {
    for (;;) {
      const line = this.#lines.next();
      if (typeof line === 'string') return line;
      if (line?.tooLong) {
        this.output.line('-ERR Line too long');
        return null;
      }
      this.output.flush();
      await this.output.drained();
      this.#listening = true;
      const chunk = await this.#channel.incoming.read();
      this.#listening = false;
      if (!chunk) return null;
      this.#lines.write(chunk);
    }
  }

  /** True when this connection has the account's maildrop now. */
  lock(session: Session): boolean {
    if (this.#options.locked.has(session.address)) return false;
    this.#options.locked.add(session.address);
    this.#session = session;
    this.#unwatch = session.onRevoked(() => this.dismiss('This login is no longer valid', 'AUTH'));
    clearTimeout(this.#loginTimer);
    return true;
  }

  leave(): void {
    this.state = 'gone';
  }

  async startTls(): Promise<void> {
    const context = this.#admission.secureContext;
    if (!context || this.secure) throw new Failure('TLS is there already');
    this.output.line('+OK Begin TLS');
    if (!(await this.#channel.startTls(context()))) {
      this.leave();
      return;
    }
    this.secure = true;
    this.username = null;
  }

  async #handle(line: string): Promise<void> {
    const space = line.indexOf(' ');
    const name = (space === -1 ? line : line.slice(0, space)).toUpperCase();
    const argument = space === -1 ? '' : line.slice(space + 1);
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) this.#refuseNonsense();
    else if (!command.states.includes(this.state)) this.output.line(`-ERR ${name} is not allowed now`);
    else await this.#run(() => command.run(this, argument));
  }

  async #run(work: () => Promise<void> | void): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof Failure) this.output.line(`-ERR ${error.message}`);
      else if (error instanceof Refusal) this.output.line(`-ERR [SYS/TEMP] ${error.message}`);
      else {
        this.#options.log.warn('pop3.command-defect', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
        this.output.line('-ERR [SYS/TEMP] Internal error');
      }
    }
  }

  #refuseNonsense(): void {
    this.output.line('-ERR Unknown command');
    if (++this.#nonsense >= NONSENSE_MAX) this.leave();
  }

  #leave(): void {
    if (this.#farewell !== null) this.output.line(this.#farewell);
    this.#farewell = null;
    this.leave();
    this.#channel.incoming.close();
    this.output.flush();
  }

  /** A client that hangs in the middle of something cannot be told: then the socket just goes. */
  #give(reason: string): void {
    this.dismiss(reason);
    if (!this.#listening || this.output.full) this.#channel.destroy();
  }

  /** Nothing that was marked as deleted is removed unless QUIT said so (RFC 1939 §6). */
  #end(): void {
    clearTimeout(this.#loginTimer);
    this.leave();
    this.maildrop?.close();
    if (this.#session) this.#options.locked.delete(this.#session.address);
    this.#unwatch?.();
    this.#session?.close();
    this.#channel.end();
  }
}
