/**
 * Everything of ours that reaches into smtp-server's internals, for what it has no option for: command lines
 * end with CRLF and nothing else, have a bounded length and are UTF-8 (RFC 5321 §2.3.8, §4.5.3.1.4); replies
 * carry our own enhanced status codes; a session that only makes errors ends; no AUTH on an open wire.
 * A test pins the version, so that an upgrade is a decision.
 */
import type { Socket } from 'node:net';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import type { ProofLogin } from '../login.ts';
import { tlsExporter } from '../sasl/exporter.ts';
import {
  ADDRESS_LINE_MAX,
  AUTH_LINE_MAX,
  COMMAND_LINE_MAX,
  ENDLESS_LINE_MAX,
  ERROR_WEIGHT_MAX,
  ERROR_WEIGHTS,
  SESSION_MS,
} from './limits.ts';
import { ENHANCED_CODE, type Reply } from './reply.ts';
import { findMechanism, proofMechanisms, runMechanism } from './sasl.ts';

/** The release whose internals these are. */
export const SMTP_SERVER_VERSION = '3.21.6';

const CR = 0x0d;
const LF = 0x0a;
const NOTHING = Buffer.alloc(0);
/** Pipelined commands answered before other connections get their turn. */
const COMMANDS_PER_TURN = 50;

/** What was wrong with a command line, in the words of the reply. */
type Malformation = 'line too long' | 'bare CR or LF in a command' | 'NUL in a command' | 'a command that is not UTF-8';

/** The command parser: lines by CRLF, bounded; the message itself is left to smtp-server, whose only end is CRLF.CRLF. */
class StrictStream extends SMTPStream {
  /** Octets this line may have, judged by how it begins. */
  lineMax: (beginning: Buffer) => number = () => COMMAND_LINE_MAX;
  onmalformed: (what: Malformation, done: () => void) => void = (_, done) => done();
  #held: Buffer = NOTHING;
  #skipped = 0;

  override _write(chunk: Buffer, encoding: BufferEncoding | 'buffer', next: (error?: Error | null) => void): void {
    if (this.isClosed || chunk.length === 0) next();
    else if (this._dataMode) super._write(chunk, encoding, next);
    else this.#readLines(this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk).then(() => next(), next);
  }

  async #readLines(input: Buffer): Promise<void> {
    this.#held = NOTHING;
    let rest = input;
    for (let turn = 1; rest.length > 0 && !this.isClosed; turn++) {
      if (this._dataMode) return this.#readData(rest);
      const end = rest.indexOf(LF) + 1;
      if (end === 0) return this.#hold(rest);
      const line = rest.subarray(0, end);
      rest = rest.subarray(end);
      await this.#dispatch(line);
      if (turn % COMMANDS_PER_TURN === 0) await yieldToOthers();
    }
  }

  #readData(octets: Buffer): Promise<void> {
    return new Promise((resolve, reject) => super._write(octets, 'buffer', (error) => (error ? reject(error) : resolve())));
  }

  /** Keeps an unfinished line, or, when it is too long already, only counts it. */
  #hold(partial: Buffer): void {
    if (this.#skipped === 0 && partial.length <= this.lineMax(partial)) {
      this.#held = partial;
      return;
    }
    this.#skipped += partial.length;
    if (this.#skipped > ENDLESS_LINE_MAX) throw new Error('a line without an end');
  }

  #dispatch(line: Buffer): Promise<void> {
    const malformation = this.#judge(line);
    this.#skipped = 0;
    return new Promise((resolve) => {
      if (malformation) this.onmalformed(malformation, resolve);
      else this.oncommand(line.subarray(0, -2), resolve);
    });
  }

  #judge(line: Buffer): Malformation | null {
    if (this.#skipped > 0 || line.length > this.lineMax(line)) return 'line too long';
    if (line.indexOf(CR) !== line.length - 2) return 'bare CR or LF in a command';
    if (line.includes(0)) return 'NUL in a command';
    return isUtf8(line) ? null : 'a command that is not UTF-8';
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function isUtf8(octets: Buffer): boolean {
  try {
    utf8.decode(octets);
    return true;
  } catch {
    return false;
  }
}

/** What a listener adds to smtp-server's own options. */
export interface StrictOptions {
  /** Milliseconds before the greeting, for this client. */
  greetingDelay: (remoteAddress: string) => number;
  /** Proves users by other means than passwords; absent where nobody authenticates. */
  login?: ProofLogin;
  /** May this client authenticate without TLS? */
  plaintextAuth: (remoteAddress: string) => boolean;
}

class StrictConnection extends SMTPConnection {
  readonly #strict: StrictOptions;
  #errorWeight = 0;
  #lifetime: NodeJS.Timeout | undefined;

  constructor(server: SMTPServer, socket: Socket | TLSSocket, options: SMTPConnectionOptions | null | undefined, strict: StrictOptions) {
    super(server, socket, options);
    this.#strict = strict;
  }

  /** As the original, with a greeting delay that depends on who calls, and an end to every session. */
  override init(): void {
    this.#lifetime = setTimeout(() => this.send(421, '4.4.2 session too long'), SESSION_MS).unref();
    this._setListeners(() => {
      const { maxClients } = this._server.options;
      if (maxClients && this._server.connections.size > maxClients) {
        this.send(421, `${this.name} too many connections, try again later`, false);
        return;
      }
      const delay = this.#strict.greetingDelay(this.remoteAddress);
      if (delay === 0) this.connectionReady();
      else setTimeout(() => this.connectionReady(), delay).unref();
    });
  }

  /** True while a message is on its way in or being decided on. */
  get receiving(): boolean {
    return Boolean(this._dataStream);
  }

  /** Texts that begin with an enhanced status code keep it; errors are weighed, and too many end the session. */
  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    const ownCode = typeof data === 'string' && ENHANCED_CODE.test(data);
    super.send(code, data, ownCode ? false : context);
    this.#errorWeight += ERROR_WEIGHTS.get(code) ?? 0;
    if (this.#errorWeight > ERROR_WEIGHT_MAX && !this._closing && code !== 421) super.send(421, '4.7.0 too many errors', false);
  }

  override _onClose(): void {
    clearTimeout(this.#lifetime);
    super._onClose();
  }

  override _createParser(): SMTPStream {
    const parser = new StrictStream();
    parser.lineMax = (beginning) => this.#lineMax(beginning);
    parser.oncommand = (command, callback) => this._onCommand(command, callback);
    parser.onmalformed = (what, done) => this.#refuseLine(what, done);
    parser.on('error', (error) => this.send(421, `4.4.2 ${error.message}`));
    return parser;
  }

  /** RFC 4954 §4: no password is taken on a wire that others can read. */
  override handler_AUTH(command: Buffer, callback: () => void): void {
    if (this.secure || this.#strict.plaintextAuth(this.remoteAddress)) {
      this.#authenticate(command, callback);
      return;
    }
    this.send(538, '5.7.11 encryption required: STARTTLS first');
    callback();
  }

  /** AUTH is offered only where it is taken; the command itself stays known, so that it gets its own refusal. */
  override handler_EHLO(command: Buffer, callback: () => void): void {
    const hide = !this.secure && !this.#strict.plaintextAuth(this.remoteAddress);
    const { authMethods } = this._server.options;
    this._server.options.authMethods = hide ? [] : [...this.#proofs(), ...authMethods];
    super.handler_EHLO(command, callback);
    this._server.options.authMethods = authMethods;
  }

  /** Mechanisms of ours that this connection may use now. */
  #proofs(): string[] {
    return this.#strict.login ? proofMechanisms(tlsExporter(this._socket)) : [];
  }

  /** Ours are run here; smtp-server has the rest, and the word on who may authenticate when. */
  #authenticate(command: Buffer, callback: () => void): void {
    const [, name = '', initial = null, ...more] = command.toString().trim().split(/\s+/);
    const { login } = this.#strict;
    const exporter = tlsExporter(this._socket);
    const mechanism = login ? findMechanism(name.toUpperCase(), exporter) : undefined;
    if (!login || !mechanism || this.session.user || more.length > 0) {
      super.handler_AUTH(command, callback);
      return;
    }
    let release = callback;
    const ask = (text: string) =>
      new Promise<string>((resolve) => {
        this._nextHandler = (line: Buffer | string, next: () => void) => {
          release = next;
          resolve(line.toString().trim());
        };
        this.send(334, Buffer.from(text).toString('base64'));
        release();
      });
    runMechanism(mechanism, { login, exporter, initial, ask })
      .then(
        (user) => {
          this.session.user = user as unknown as string;
          this.session.transmissionType = this._transmissionType();
          this.send(235, '2.7.0 authentication successful');
        },
        (error: Reply) => this.send(error.responseCode, error.message),
      )
      .finally(() => release());
  }

  #lineMax(beginning: Buffer): number {
    if (this._nextHandler) return AUTH_LINE_MAX;
    const verb = beginning.toString('latin1', 0, 5).toUpperCase();
    if (verb === 'AUTH ') return AUTH_LINE_MAX;
    return verb === 'MAIL ' || verb === 'RCPT ' ? ADDRESS_LINE_MAX : COMMAND_LINE_MAX;
  }

  #refuseLine(what: Malformation, done: () => void): void {
    this._nextHandler = false;
    if (this._upgrading) done();
    else if (!this._ready) this.send(421, '4.5.1 wait for the greeting');
    else {
      this.send(500, `5.5.${what === 'line too long' ? 6 : 2} ${what}`);
      this._whenWritable(done);
    }
  }
}

/** smtp-server with strict connections. */
export class StrictServer extends SMTPServer {
  readonly #strict: StrictOptions;

  constructor(options: SMTPServerOptions, strict: StrictOptions) {
    super(options);
    this.#strict = strict;
  }

  override connect(socket: Socket | TLSSocket, socketOptions?: SMTPConnectionOptions | null): void {
    const connection = new StrictConnection(this, socket, socketOptions, this.#strict);
    this.connections.add(connection);
    connection.on('error', (error) => this._onError(error));
    connection.on('connect', (facts) => this._onClientConnect(facts));
    connection.init();
  }

  /** Tells a session's client 421 and closes. */
  hangUp(session: SMTPServerSession, text: string): void {
    for (const connection of this.connections) if (connection.session === session) connection.send(421, text);
  }

  /** Tells 421 to everyone who is not in the middle of a message; answers how many are left. */
  dismissIdle(): number {
    for (const connection of [...this.connections]) {
      if (!(connection instanceof StrictConnection && connection.receiving)) connection.send(421, '4.3.2 shutting down');
    }
    return this.connections.size;
  }
}
