/**
 * One client's connection (RFC 9051 §3, §5): greeting, commands in the order sent, literals spooled, answers,
 * time limits, TLS upgrade, the end. One command runs at a time; while it runs nothing more is read, so a
 * client that sends faster than we answer is held back by TCP.
 */

import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import type { Guest } from '../listeners.ts';
import type { Log } from '../log.ts';
import { capabilities } from './capabilities.ts';
import { Channel } from './channel.ts';
import { BrokenAnswer, type Client, ClientGone, type State } from './client.ts';
import { Dispatcher, describeError } from './dispatch.ts';
import { Notifier } from './notify/notifier.ts';
import { ANNOTATIONS, type NotifyRequest } from './notify/request.ts';
import { Teller } from './notify/teller.ts';
import type { Output } from './output.ts';
import { bringsMessage, Requests } from './requests.ts';
import type { Selection } from './selection.ts';
import type { Backend, Session } from './session.ts';
import { Malformed, tagOf } from './wire/arguments.ts';
import { coded, type ResponseCode } from './wire/codes.ts';
import type { CommandParts, DecoderEvent } from './wire/decoder.ts';
import { responseText } from './wire/encoder.ts';

/** From connecting to login: a stranger may not hold a connection for nothing. */
export const LOGIN_TIMEOUT_MS = 60_000;
/** RFC 9051 §5.4: at least 30 minutes. */
export const IDLE_TIMEOUT_MS = 30 * 60_000 + 30_000;
/** A turn longer than this is shared with the other connections. */
const TURN_MS = 8;

export interface ConnectionOptions {
  backend: Backend;
  hostname: string;
  messageSizeLimit: number;
  /** Null: TLS is there already. */
  secureContext: (() => SecureContext) | null;
  /** Listener and client are both loopback: a password may travel without TLS (as Dovecot does). */
  local: boolean;
  log: Pick<Log, 'warn'>;
  /** The URL of the JMAP session object; null when clients cannot reach it. */
  jmapSession?: string | null;
  /** Asked when somebody has logged in, told when they have left: bounds the connections of one user. */
  users?: UserCount;
  /** Milliseconds; `LOGIN_TIMEOUT_MS` and `IDLE_TIMEOUT_MS` unless a test is in a hurry. */
  timeouts?: { login: number; idle: number; progress?: number };
}

/** Counts connections by user. */
export interface UserCount {
  /** False: there are too many. */
  enter(address: string): boolean;
  leave(address: string): void;
}

export class Connection implements Client, Guest {
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
  readonly jmapSession: string | null;
  notifier: Notifier | null = null;
  idling = false;
  failures = 0;
  readonly #options: ConnectionOptions;
  readonly #channel: Channel;
  readonly #requests: Requests;
  readonly #loginTimer: NodeJS.Timeout;
  readonly #dispatcher: Dispatcher;
  #unwatch: (() => void) | null = null;
  /** Waiting for the client: what is said now is not in the middle of an answer. */
  #listening = false;
  #farewell: string | null = null;
  /** Writes news between commands. */
  readonly #teller: Teller;
  #turnStarted = performance.now();

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#options = options;
    this.jmapSession = options.jmapSession ?? null;
    this.backend = options.backend;
    this.hostname = options.hostname;
    this.messageSizeLimit = options.messageSizeLimit;
    this.remoteAddress = socket.remoteAddress ?? '';
    this.secure = options.secureContext === null;
    this.#requests = new Requests({ isLoggedIn: () => this.session !== null, messageSizeLimit: options.messageSizeLimit });
    this.#channel = new Channel(socket, {
      silence: options.timeouts?.idle ?? IDLE_TIMEOUT_MS,
      onSilence: () => this.#timedOut(),
      forget: () => this.#requests.drop(),
    });
    this.output = this.#channel.output;
    this.#dispatcher = new Dispatcher(this, options.log, options.timeouts?.progress);
    this.#teller = new Teller({
      client: this,
      listens: () => this.#listening && !this.#requests.midway,
      onEnd: () => {
        if (this.#farewell !== null && this.#listening) this.#leave();
      },
      onDefect: (error) => {
        options.log.warn('imap.notify-defect', { error: describeError(error) });
        this.#channel.destroy();
      },
    });
    this.#loginTimer = setTimeout(() => this.#tooSlow(), options.timeouts?.login ?? LOGIN_TIMEOUT_MS);
  }

  get compressed(): boolean {
    return this.#channel.compressed;
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
      this.output.line(`* OK ${coded(`CAPABILITY ${capabilities(this)}`, `${this.hostname} Posthouse ready`)}`);
      while (this.state !== 'logout') {
        const event = await this.#next('command');
        if (!event) break;
        await this.#handle(event);
      }
    } catch (error) {
      this.#options.log.warn('imap.connection-defect', { error: describeError(error) });
      if (!(error instanceof BrokenAnswer)) this.output.line(`* BYE ${coded('SERVERBUG', 'Internal error')}`);
    } finally {
      this.#end();
    }
  }

  dismiss(reason: string): void {
    this.bye(reason, 'UNAVAILABLE');
  }

  bye(reason: string, code: ResponseCode | null = null): void {
    if (this.state === 'logout' || this.output.closed) return;
    this.#farewell ??= `* BYE ${coded(code, responseText(reason))}`;
    if (this.#listening && !this.#teller.busy) this.#leave();
  }

  verified(): void {
    clearTimeout(this.#loginTimer);
  }

  logIn(session: Session): boolean {
    if (this.#options.users?.enter(session.address) === false) return false;
    this.session = session;
    this.state = 'authenticated';
    // The password was changed or the account removed: what is on this machine must not be read any more.
    this.#unwatch = session.onRevoked(() => this.bye('This login is no longer valid', 'EXPIRED'));
    return true;
  }

  tlsExporter(): Uint8Array | null {
    return this.#channel.tlsExporter();
  }

  compress(): void {
    this.#channel.compress();
  }

  select(selection: Selection | null): void {
    this.selection?.close();
    this.selection = selection;
    if (selection) selection.wanted = this.notifier?.wanted ?? null;
    if (this.state !== 'logout') this.state = selection ? 'selected' : 'authenticated';
  }

  logOut(): void {
    this.state = 'logout';
  }

  ask(prompt: string): Promise<string> {
    this.output.line(`+ ${prompt}`);
    return this.line();
  }

  async line(): Promise<string> {
    const event = await this.#next('line');
    if (event?.kind === 'line') return event.text;
    if (event) throw new Malformed('Line too long');
    throw new ClientGone();
  }

  notifyBy(request: NotifyRequest): Notifier {
    const { session } = this;
    if (!session) throw new Error('NOTIFY before login');
    this.notifier?.close();
    // ENABLE METADATA is not undone by NOTIFY.
    const groups = this.enabled.has('METADATA') ? [...request.groups, ...ANNOTATIONS.groups] : request.groups;
    this.notifier = new Notifier(this, session, { ...request, groups }, () => this.#teller.wake());
    if (this.selection) this.selection.wanted = this.notifier.wanted;
    return this.notifier;
  }

  async startTls(): Promise<boolean> {
    const context = this.#options.secureContext;
    if (!context) return false;
    this.secure = await this.#channel.startTls(context());
    if (!this.secure) this.logOut();
    return this.secure;
  }

  async breathe(): Promise<void> {
    // A client that reads fast drains at once: having waited for it is not having let others run.
    if (this.output.full) await this.output.drained();
    if (performance.now() - this.#turnStarted <= TURN_MS) return;
    await nextTurn();
    this.#turnStarted = performance.now();
  }

  /** The next event for this connection; null when no more can come. */
  async #next(mode: 'command' | 'line'): Promise<DecoderEvent | null> {
    for (;;) {
      const event = this.#requests.next(mode);
      if (event) return event;
      this.output.flush();
      await this.output.drained();
      this.#listening = true;
      // What happened while the last command ran, or while this was told, waits no longer.
      if (this.notifier) this.#teller.wake();
      const chunk = await this.#channel.incoming.read();
      this.#listening = false;
      await this.#teller.quiet();
      if (!chunk) return null;
      this.#turnStarted = performance.now();
      this.#requests.write(chunk);
    }
  }

  async #handle(event: DecoderEvent): Promise<void> {
    if (event.kind === 'command') await this.#runCommands(this.#requests.together(event.parts));
    else if (event.kind === 'continue') this.output.line('+ Ready for literal');
    else if (event.kind === 'chunk') await this.#channel.incoming.spool(event.literal, event.chunk, event.last);
    else if (event.kind === 'refused') await this.#refuse(event.reason, event.start);
    else if (event.kind === 'fatal') this.bye(event.reason, 'TOOBIG');
    if (this.#farewell !== null) this.#leave();
    await this.breathe();
  }

  async #runCommands(commands: CommandParts[]): Promise<void> {
    try {
      await this.#dispatcher.run(commands);
    } finally {
      await this.#channel.incoming.discardSpooled();
    }
  }

  async #refuse(reason: 'text' | 'literal', start: string): Promise<void> {
    await this.#channel.incoming.discardSpooled();
    const tag = tagOf(start);
    if (reason === 'text') this.#dispatcher.refuse(tag, 'Command line too long');
    else if (tag !== null && bringsMessage(start) && this.session) this.output.line(`${tag} NO ${coded('TOOBIG', 'Message too large')}`);
    else this.#dispatcher.refuse(tag, 'Literal too large', 'TOOBIG');
  }

  /** Says goodbye and stops listening; `serve` ends. */
  #leave(): void {
    if (this.#farewell !== null) this.output.line(this.#farewell);
    this.#farewell = null;
    this.logOut();
    this.#channel.incoming.close();
    this.output.flush();
  }

  /** Also when it hangs in the middle of something: a stranger gets no second minute. */
  #tooSlow(): void {
    this.bye('Too slow to log in');
    if (!this.#listening) this.#channel.destroy();
  }

  /** A client that reads nothing cannot be told either: then the socket just goes. */
  #timedOut(): void {
    this.bye('Idle for too long');
    if (!this.#listening || this.output.full) this.#channel.destroy();
  }

  #end(): void {
    clearTimeout(this.#loginTimer);
    this.logOut();
    this.select(null);
    this.#unwatch?.();
    this.notifier?.close();
    if (this.session) this.#options.users?.leave(this.session.address);
    this.session?.close();
    this.session = null;
    this.#channel.end();
  }
}
