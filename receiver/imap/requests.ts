/**
 * What one client has sent, command by command (RFC 9051 §2.2.1): the decoder with the bounds of this connection, which are narrow for a
 * stranger, and commands that came together and may run together (together.ts).
 */
import { runsTogether, TOGETHER_MAX } from './together.ts';
import { type CommandParts, Decoder, type DecoderEvent, STRANGER_TEXT_MAX, TEXT_MAX } from './wire/decoder.ts';

/** Before login a literal is a name or a password. */
const LOGIN_LITERAL_MAX = 4096;
const LITERAL_MAX = 64 * 1024;
/** MULTIAPPEND: octets of one command, as a multiple of the largest message. */
const APPEND_MESSAGES_OCTETS = 4;
/** Commands whose literal is a message. */
const APPEND = /^\S+ (?:APPEND|(?:UID )?REPLACE) /i;

export interface RequestsOptions {
  isLoggedIn(): boolean;
  /** Octets. */
  messageSizeLimit: number;
}

export class Requests {
  readonly #options: RequestsOptions;
  readonly #decoder: Decoder;
  /** Read while looking for commands to run together, and not one of them. */
  #held: DecoderEvent | null = null;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#decoder = new Decoder(
      (start, taken) => this.#literalLimit(start, taken),
      () => (options.isLoggedIn() ? TEXT_MAX : STRANGER_TEXT_MAX),
    );
  }

  /** True inside a command that is not complete. */
  get midway(): boolean {
    return this.#decoder.midway;
  }

  /** What has arrived. Call only after `next` has returned null. */
  write(chunk: Uint8Array): void {
    this.#decoder.write(chunk);
  }

  /** Forgets what has not been taken. */
  drop(): void {
    this.#held = null;
    this.#decoder.drop();
  }

  /** The next event; null when more octets are needed. */
  next(mode: 'command' | 'line'): DecoderEvent | null {
    const event = this.#held ?? this.#decoder.next(mode);
    this.#held = null;
    return event;
  }

  /** A command, with those behind it that have arrived whole and may run together with it. */
  together(first: CommandParts): CommandParts[] {
    const commands = [first];
    if (!runsTogether(first)) return commands;
    while (commands.length < TOGETHER_MAX) {
      this.#held = this.#decoder.next('command');
      if (this.#held?.kind !== 'command' || !runsTogether(this.#held.parts)) break;
      commands.push(this.#held.parts);
      this.#held = null;
    }
    return commands;
  }

  #literalLimit(start: string, taken: number): number {
    const { isLoggedIn, messageSizeLimit } = this.#options;
    if (!isLoggedIn()) return LOGIN_LITERAL_MAX - Math.min(taken, LOGIN_LITERAL_MAX);
    if (!bringsMessage(start)) return LITERAL_MAX;
    return Math.min(messageSizeLimit, messageSizeLimit * APPEND_MESSAGES_OCTETS - taken);
  }
}

/** Whether a command that begins so has messages for literals. */
export function bringsMessage(start: string): boolean {
  return APPEND.test(start);
}
