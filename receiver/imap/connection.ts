/**
 * One client's connection (RFC 9051 §3, §5): greeting, commands in the order sent, literals spooled, answers,
 * time limits, TLS upgrade, the end. One command runs at a time; while it runs nothing more is read, so a
 * client that sends faster than we answer is held back by TCP.
 */

import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { Log } from '../log.ts';
import { capabilities } from './capabilities.ts';
import type { Call, Client, Completion, State } from './client.ts';
import { findCommand } from './commands/index.ts';
import { Incoming } from './incoming.ts';
import { Output } from './output.ts';
import type { Selection } from './selection.ts';
import { type Backend, Refusal, type Session } from './session.ts';
import { type Arguments, commandName, Malformed, tagOf } from './wire/arguments.ts';
import { type CommandParts, Decoder, type DecoderEvent } from './wire/decoder.ts';
import { responseText } from './wire/encoder.ts';

/** From connecting to login: a stranger may not hold a connection for nothing. */
export const LOGIN_TIMEOUT_MS = 60_000;
/** RFC 9051 §5.4: at least 30 minutes. Dead peers are found sooner, by TCP keep-alive. */
export const IDLE_TIMEOUT_MS = 30 * 60_000 + 30_000;
const KEEPALIVE_MS = 120_000;
/** Syntax errors in a row before we take the client for a lost HTTP browser or an attacker. */
const BAD_COMMANDS_MAX = 20;
/** Before login a literal is a name or a password. */
const LOGIN_LITERAL_MAX = 4096;
const LITERAL_MAX = 64 * 1024;
/** MULTIAPPEND: octets of one command, as a multiple of the largest message. */
const APPEND_MESSAGES_OCTETS = 4;
/** A turn longer than this is shared with the other connections. */
const TURN_MS = 8;
/** A TLS handshake within STARTTLS; the login timer runs on as well. */
const HANDSHAKE_TIMEOUT_MS = 20_000;
/** How long a closing connection may take to read our last words. */
const LINGER_MS = 2_000;

export interface ConnectionOptions {
  backend: Backend;
  hostname: string;
  messageSizeLimit: number;
  /** Null: TLS is there already. */
  secureContext: (() => SecureContext) | null;
  /** Listener and client are both loopback: a password may travel without TLS (as Dovecot does). */
  local: boolean;
  log: Pick<Log, 'warn'>;
}

export class Connection implements Client {
  state: State = 'notAuthenticated';
  readonly backend: Backend;
  readonly output: Output;
  readonly remoteAddress: string;
  readonly hostname: string;
  readonly messageSizeLimit: number;
  readonly enabled = new Set<string>();
  secure: boolean;
  session: Session | null = null;
  selection: Selection | null = null;
  failures = 0;
  readonly #options: ConnectionOptions;
  readonly #incoming: Incoming;
  readonly #decoder: Decoder;
  readonly #loginTimer: NodeJS.Timeout;
  #socket: Socket;
  #bad = 0;
  #turnStarted = performance.now();

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.backend = options.backend;
    this.hostname = options.hostname;
    this.messageSizeLimit = options.messageSizeLimit;
    this.remoteAddress = socket.remoteAddress ?? '';
    this.secure = options.secureContext === null;
    this.output = new Output(socket);
    this.#decoder = new Decoder((start, taken) => this.#literalLimit(start, taken));
    this.#incoming = new Incoming(socket);
    this.#prepare(socket);
    this.#loginTimer = setTimeout(() => this.bye('Too slow to log in'), LOGIN_TIMEOUT_MS);
  }

  get utf8(): boolean {
    return this.enabled.has('IMAP4REV2') || this.enabled.has('UTF8=ACCEPT');
  }
  get startTlsPossible(): boolean {
    return !this.secure;
  }
  get passwordAllowed(): boolean {
    return this.secure || this.#options.local;
  }

  /** Serves the client until it leaves. Never rejects. */
  async serve(): Promise<void> {
    try {
      this.output.line(`* OK [CAPABILITY ${capabilities(this)}] ${this.hostname} Posthouse ready`);
      while (this.state !== 'logout') {
        const event = await this.#next('command');
        if (!event) break;
        await this.#handle(event);
      }
    } catch (error) {
      this.#options.log.warn('imap.connection-defect', { error: describe(error) });
      this.#say('* BYE [SERVERBUG] Internal error');
    } finally {
      this.#end();
    }
  }

  /** Ends the connection with a reason, from outside (shutdown, time limits). */
  bye(reason: string, code: string | null = null): void {
    if (this.state === 'logout' || this.output.closed) return;
    this.#say(`* BYE ${code ? `[${code}] ` : ''}${responseText(reason)}`);
    this.logOut();
    this.#incoming.close();
    this.output.flush();
    this.#finish();
  }

  logIn(session: Session): void {
    clearTimeout(this.#loginTimer);
    this.session = session;
    this.state = 'authenticated';
  }

  select(selection: Selection | null): void {
    this.selection?.close();
    this.selection = selection;
    if (this.state !== 'logout') this.state = selection ? 'selected' : 'authenticated';
  }

  logOut(): void {
    this.state = 'logout';
  }

  ask(prompt: string): Promise<string | null> {
    this.output.line(`+ ${prompt}`);
    return this.line();
  }

  async line(): Promise<string | null> {
    const event = await this.#next('line');
    if (event?.kind === 'line') return event.text;
    if (event) throw new Malformed('Line too long');
    return null;
  }

  async startTls(): Promise<boolean> {
    const context = this.#options.secureContext;
    if (!context) return false;
    // What came before the TLS layer may have been put there by somebody else (RFC 9051 §6.2.1).
    this.#incoming.release();
    this.#decoder.drop();
    this.output.flush();
    const secured = new TLSSocket(this.#socket, { isServer: true, secureContext: context() });
    if (!(await handshake(secured))) {
      secured.destroy();
      this.logOut();
      return false;
    }
    this.#socket = secured;
    this.#prepare(secured);
    this.output.moveTo(secured);
    this.#incoming.moveTo(secured);
    this.secure = true;
    return true;
  }

  async breathe(): Promise<void> {
    if (this.output.full) {
      await this.output.drained();
      this.#turnStarted = performance.now();
    } else if (performance.now() - this.#turnStarted > TURN_MS) {
      await nextTurn();
      this.#turnStarted = performance.now();
    }
  }

  /** The next event for this connection; null when no more can come. */
  async #next(mode: 'command' | 'line'): Promise<DecoderEvent | null> {
    for (;;) {
      const event = this.#decoder.next(mode);
      if (event) return event;
      this.output.flush();
      await this.output.drained();
      const chunk = await this.#incoming.read();
      if (!chunk) return null;
      this.#turnStarted = performance.now();
      this.#decoder.write(chunk);
    }
  }

  async #handle(event: DecoderEvent): Promise<void> {
    if (event.kind === 'command') await this.#runCommand(event.parts);
    else if (event.kind === 'continue') this.output.line('+ Ready for literal');
    else if (event.kind === 'chunk') await this.#incoming.spool(event.literal, event.chunk, event.last);
    else if (event.kind === 'refused') await this.#refuse(event.reason, event.start);
    else if (event.kind === 'fatal') this.#fatal(event.reason);
    await this.breathe();
  }

  async #runCommand(parts: CommandParts): Promise<void> {
    const { tag, name, rest } = commandName(parts);
    try {
      if (tag === null || name === '') this.#badCommand(tag, 'Not an IMAP command');
      else if (name === 'UID') await this.#runUid(tag, rest);
      else await this.#run(tag, name, rest, false);
    } finally {
      await this.#incoming.discardSpooled();
    }
  }

  async #runUid(tag: string, rest: Arguments): Promise<void> {
    const name = rest.skip(' ') ? rest.peekWord() : '';
    if (name !== '') rest.atom();
    await this.#run(tag, name, rest, true);
  }

  async #run(tag: string, name: string, args: Arguments, uid: boolean): Promise<void> {
    const command = findCommand(name, uid);
    if (!command) return this.#badCommand(tag, 'Unknown command');
    if (!command.states.includes(this.state)) return this.#badCommand(tag, WRONG_STATE[this.state]);
    try {
      const completion = await command.run(this, args, { tag, uid });
      this.#bad = 0;
      this.#complete({ tag, uid }, completion);
    } catch (error) {
      this.#fail({ tag, uid }, name, error);
    }
    if (this.selection?.destroyed) this.bye('The selected mailbox was deleted');
  }

  #complete({ tag, uid }: Call, completion: Completion): void {
    if (completion.silent) return;
    this.selection?.tell(this.output, completion.expunge ?? true, uid || this.enabled.has('IMAP4REV2'));
    const code = completion.code ? `[${completion.code}] ` : '';
    this.output.line(`${tag} OK ${code}${completion.text}`);
  }

  #fail(call: Call, name: string, error: unknown): void {
    if (error instanceof Malformed) {
      this.#badCommand(call.tag, error.message);
    } else if (error instanceof Refusal) {
      this.selection?.tell(this.output, call.uid || !SEQUENCED.has(name), this.enabled.has('IMAP4REV2'));
      this.output.line(`${call.tag} NO ${error.code ? `[${error.code}] ` : ''}${responseText(error.message)}`);
    } else {
      this.#options.log.warn('imap.command-defect', { command: name, error: describe(error) });
      this.output.line(`${call.tag} NO [SERVERBUG] Internal error`);
    }
  }

  #badCommand(tag: string | null, message: string, code = ''): void {
    this.output.line(`${tag ?? '*'} BAD ${code}${responseText(message)}`);
    this.#bad += 1;
    if (this.#bad >= BAD_COMMANDS_MAX) this.bye('Too many bad commands');
  }

  async #refuse(reason: 'text' | 'literal', start: string): Promise<void> {
    await this.#incoming.discardSpooled();
    const tag = tagOf(start);
    if (reason === 'text') this.#badCommand(tag, 'Command line too long');
    else if (tag !== null && APPEND.test(start) && this.session) this.output.line(`${tag} NO [TOOBIG] Message too large`);
    else this.#badCommand(tag, 'Literal too large', '[TOOBIG] ');
  }

  #fatal(reason: string): void {
    this.bye(reason, 'TOOBIG');
  }

  #literalLimit(start: string, taken: number): number {
    if (!this.session) return LOGIN_LITERAL_MAX - Math.min(taken, LOGIN_LITERAL_MAX);
    if (!APPEND.test(start)) return LITERAL_MAX;
    return Math.min(this.messageSizeLimit, this.messageSizeLimit * APPEND_MESSAGES_OCTETS - taken);
  }

  #prepare(socket: Socket): void {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    socket.on('error', () => socket.destroy());
    socket.setTimeout(IDLE_TIMEOUT_MS, () => this.#timedOut());
  }

  /** A client that reads nothing cannot be told either: then the socket just goes. */
  #timedOut(): void {
    this.bye('Idle for too long');
    this.#socket.destroy();
  }

  #say(line: string): void {
    this.output.line(line);
  }

  #end(): void {
    clearTimeout(this.#loginTimer);
    this.logOut();
    this.select(null);
    this.session?.close();
    this.session = null;
    this.#incoming.close();
    this.output.flush();
    this.#finish();
  }

  #finish(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    socket.end();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
    socket.resume();
  }
}

const APPEND = /^\S+ APPEND /i;
/** Commands after whose sequence numbers no EXPUNGE may come before the tagged line. */
const SEQUENCED = new Set(['FETCH', 'STORE', 'SEARCH']);
const WRONG_STATE: Record<State, string> = {
  notAuthenticated: 'Log in first',
  authenticated: 'Not in this state: no mailbox is selected, or already logged in',
  selected: 'Not in this state: already logged in',
  logout: 'Logged out',
};

function handshake(socket: TLSSocket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), HANDSHAKE_TIMEOUT_MS);
    const done = (secured: boolean) => {
      clearTimeout(timer);
      resolve(secured);
    };
    socket.once('secure', () => done(true));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
