/**
 * From a complete command to its tagged answer (RFC 9051 §2.2.2, §7.1): which command it is, whether it may run now, what it
 * owes before the tagged line, and what becomes of its errors. A client that sends nothing but nonsense is shown out.
 */
import type { Log } from '../log.ts';
import { isCommandOff } from './capabilities.ts';
import { BrokenAnswer, type Call, type Client, ClientGone, type Command, type Completion, type State } from './client.ts';
import { findCommand } from './commands/index.ts';
import { mannerOf } from './manner.ts';
import { PROGRESS_INTERVAL_MS, whileWaiting } from './progress.ts';
import { Refusal } from './session.ts';
import { type Arguments, commandName, Malformed } from './wire/arguments.ts';
import { coded, type ResponseCode } from './wire/codes.ts';
import type { CommandParts } from './wire/decoder.ts';
import { responseText } from './wire/encoder.ts';

/** Syntax errors in a row before we take the client for a lost HTTP browser or an attacker. */
const BAD_COMMANDS_MAX = 20;
/** Commands that wait for the edge, for long when they are large, and write nothing before they are done (RFC 9585). */
const WAITING = new Set(['APPEND', 'COPY', 'DELETE', 'EXPUNGE', 'MOVE', 'RENAME', 'REPLACE']);
/** Commands whose answer is that messages are gone. */
const REMOVING = new Set(['EXPUNGE', 'MOVE', 'REPLACE']);
/** Commands after whose sequence numbers no EXPUNGE may come before the tagged line (RFC 9051 §7.5.1). */
const SEQUENCED = new Set(['FETCH', 'STORE', 'SEARCH', 'SORT', 'THREAD']);
/** Commands that may stand behind `UID` and name no message without it: all others are refused after ENABLE UIDONLY (RFC 9586). */
const WITHOUT_NUMBERS = new Set(['EXPUNGE']);
const WRONG_STATE: Record<State, string> = {
  notAuthenticated: 'Log in first',
  authenticated: 'Not in this state: no mailbox is selected, or already logged in',
  selected: 'Not in this state: already logged in',
  logout: 'Logged out',
};

export class Dispatcher {
  readonly #client: Client;
  readonly #log: Pick<Log, 'warn'>;
  readonly #progress: number;
  #bad = 0;

  /** `progress`: milliseconds between two notes of a command that waits. */
  constructor(client: Client, log: Pick<Log, 'warn'>, progress = PROGRESS_INTERVAL_MS) {
    this.#client = client;
    this.#log = log;
    this.#progress = progress;
  }

  /** Starts commands together, answers them in their order. Rejects only when the connection cannot go on. */
  async run(commands: CommandParts[]): Promise<void> {
    let turn = Promise.resolve();
    for (const parts of commands) {
      turn = this.#runOne(parts, turn);
      // Who comes next will see it fail; until then it is nobody's rejection.
      turn.catch(() => {});
    }
    await turn;
  }

  /** Resolves when it has been answered, and with it those before it. */
  async #runOne(parts: CommandParts, turn: Promise<void>): Promise<void> {
    const { tag, name, rest } = commandName(parts);
    if (tag !== null && name === 'UID') await this.#runUid({ tag, uid: true, turn }, rest);
    else if (tag !== null && name !== '') await this.#runNamed({ tag, uid: false, turn }, name, rest);
    else {
      await turn;
      this.refuse(tag, 'Not an IMAP command');
    }
  }

  /** A tagged BAD. */
  refuse(tag: string | null, message: string, code: ResponseCode | null = null): void {
    this.#client.output.line(`${tag ?? '*'} BAD ${coded(code, responseText(message))}`);
    this.#bad += 1;
    if (this.#bad >= BAD_COMMANDS_MAX) this.#client.bye('Too many bad commands');
  }

  async #runUid(call: Call, rest: Arguments): Promise<void> {
    const name = rest.skip(' ') ? rest.peekWord() : '';
    if (name !== '') rest.atom();
    await this.#runNamed(call, name, rest);
  }

  async #runNamed(call: Call, name: string, args: Arguments): Promise<void> {
    const client = this.#client;
    const command = findCommand(name, call.uid);
    const known = command && !isCommandOff(client, name, call.uid);
    if (!known || !command.states.includes(client.state)) {
      await call.turn;
      this.refuse(call.tag, known ? WRONG_STATE[client.state] : 'Unknown command');
      return;
    }
    if (client.enabled.has('UIDONLY') && command.uid === 'also' && !call.uid && !WITHOUT_NUMBERS.has(name)) {
      await call.turn;
      this.refuse(call.tag, `Use UID ${name}: sequence numbers are switched off`, 'UIDREQUIRED');
      return;
    }
    try {
      const completion = await this.#run(command, args, call);
      await call.turn;
      this.#bad = 0;
      await this.#complete(call, name, completion);
    } catch (error) {
      await call.turn;
      await this.#fail(call, name, error);
    }
    if (client.selection?.destroyed) client.bye('The selected mailbox was deleted');
  }

  async #run(command: Command, args: Arguments, call: Call): Promise<Completion> {
    if (!WAITING.has(command.name)) return command.run(this.#client, args, call);
    const stop = whileWaiting(this.#client, call.tag, this.#progress);
    try {
      return await command.run(this.#client, args, call);
    } finally {
      stop();
    }
  }

  async #complete({ tag, uid }: Call, name: string, completion: Completion): Promise<void> {
    if (completion.silent) return;
    await this.#tell(name, completion.expunge ?? true, uid);
    this.#client.output.line(`${tag} OK ${coded(completion.code ?? null, completion.text)}`);
  }

  async #fail(call: Call, name: string, error: unknown): Promise<void> {
    if (error instanceof Malformed) {
      this.refuse(call.tag, error.message, error.code);
    } else if (error instanceof Refusal) {
      await this.#tell(name, call.uid || !SEQUENCED.has(name), call.uid);
      this.#client.output.line(`${call.tag} NO ${coded(error.code, responseText(error.message))}`);
    } else if (error instanceof BrokenAnswer) {
      throw error;
    } else if (!(error instanceof ClientGone)) {
      this.#log.warn('imap.command-defect', { command: name, error: describeError(error) });
      this.#client.output.line(`${call.tag} NO ${coded('SERVERBUG', 'Internal error')}`);
    }
  }

  /** With NOTIFY what was asked for; but who removes messages hears of it in any case. */
  async #tell(name: string, expunge: boolean, uid: boolean): Promise<void> {
    const { selection, output, notifier } = this.#client;
    if (selection && notifier && REMOVING.has(name)) selection.wanted = null;
    if (!notifier || REMOVING.has(name)) selection?.tell(output, expunge, mannerOf(this.#client, uid));
    if (selection && notifier) selection.wanted = notifier.wanted;
    await notifier?.tell(expunge, uid);
  }
}

export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
