/**
 * Plain-text protocol transcripts (`test/transcripts`), after chasquid's: one line, one direction. The server behind them is
 * a parameter: the memory session and the mirror pass the same ones.
 *
 *   # comment                    c1: a connection; several may talk in one file
 *   c -> A1 NOOP                 sent with CRLF; `\x00` escapes, `\\` is a backslash only before an x
 *   c .> text                    sent without CRLF
 *   c <- A1 OK NOOP completed    the next line, exactly
 *   c <~ \* OK .*                the next line, by regular expression; named groups become variables `${name}`
 *   c <? \* .*                   lines up to and including the first that matches
 *   c <|                         the server closes the connection
 *   c tls                        the client goes on over TLS
 *   c compress                   the client goes on compressed
 *   ! edge away                  something happens behind the server (stage.ts)
 *
 * In what is sent, `${NOT *300}` is 300 times `NOT `.
 */
import { ImapClient } from './imap-client.ts';

/** Where a transcript is played. */
export interface Place {
  port(): Promise<number>;
  /** `! name argument` */
  set?(name: string, argument: string): void;
}

/** What a server said while transcripts were played, and to what. */
export class Heard {
  /** Of status responses, with their arguments. */
  readonly codes = new Set<string>();
  /** Answered OK or NO. Upper case; `UID FETCH` and `FETCH` are two. */
  readonly commands = new Set<string>();
  readonly #asked = new Map<string, string>();

  /** A line sent; one that is part of a literal does no harm, for it is not answered. */
  sent(connection: string, line: string): void {
    const [, tag, name] = /^(\S+) ((?:UID )?[A-Z]+)/i.exec(line) ?? [];
    if (tag && name) this.#asked.set(`${connection} ${tag}`, name.toUpperCase());
  }

  received(connection: string, line: string): void {
    const [, tag, status, code] = /^(\S+) (OK|NO|BAD|BYE|PREAUTH) (?:\[([^\]]+)\])?/.exec(line) ?? [];
    if (code) this.codes.add(code);
    const command = this.#asked.get(`${connection} ${tag}`);
    if (command && (status === 'OK' || status === 'NO')) this.commands.add(command);
  }
}

export interface Step {
  number: number;
  connection: string;
  verb: string;
  text: string;
}

/** Reads a transcript. Throws on a line that is none. */
export function parseTranscript(source: string): Step[] {
  const steps: Step[] = [];
  for (const [index, line] of source.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const found = /^(\w+|!) (->|\.>|<-|<~|<\?|<\||tls|compress|\w+)(?: (.*))?$/.exec(line);
    if (!found) throw new Error(`line ${index + 1} is no step of a transcript: ${line}`);
    steps.push({ number: index + 1, connection: found[1] ?? '', verb: found[2] ?? '', text: found[3] ?? '' });
  }
  return steps;
}

/** Plays a transcript where `place` says. Rejects at the first line that differs. */
export async function playTranscript(source: string, place: Place, heard = new Heard()): Promise<void> {
  const players = new Map<string, Player>();
  const variables = new Map<string, string>();
  try {
    for (const step of parseTranscript(source)) {
      if (step.connection === '!') {
        set(place, step);
        continue;
      }
      const player = players.get(step.connection) ?? new Player(await ImapClient.open(await place.port()), step.connection, heard);
      players.set(step.connection, player);
      const verb = Object.hasOwn(VERBS, step.verb) ? VERBS[step.verb] : undefined;
      if (!verb) throw new Error(`line ${step.number}: there is no verb ${step.verb}`);
      await verb(player, substitute(step.text, variables, step.verb), step, variables);
    }
  } finally {
    for (const { client } of players.values()) client.close();
  }
}

function set(place: Place, { number, verb, text }: Step): void {
  try {
    place.set?.(verb, text);
  } catch (error) {
    throw new Error(`line ${number}: ${error instanceof Error ? error.message : error}`);
  }
}

/** One connection of a transcript; what it says and hears is noted. */
class Player {
  readonly client: ImapClient;
  readonly #name: string;
  readonly #heard: Heard;

  constructor(client: ImapClient, name: string, heard: Heard) {
    this.client = client;
    this.#name = name;
    this.#heard = heard;
  }

  say(octets: string): void {
    this.#heard.sent(this.#name, octets);
    this.client.send(octets);
  }

  async line(what: string): Promise<string | null> {
    const line = await this.client.line(what);
    if (line !== null) this.#heard.received(this.#name, line);
    return line;
  }
}

type Verb = (player: Player, text: string, step: Step, variables: Map<string, string>) => Promise<void>;

const VERBS: Record<string, Verb> = {
  '->': async (player, text) => player.say(`${unescapeOctets(text)}\r\n`),
  '.>': async (player, text) => player.say(unescapeOctets(text)),
  '<-': async (player, text, step) => {
    const line = await player.line(text);
    if (line !== bytes(text)) throw difference(step, text, line);
  },
  '<~': async (player, text, step, variables) => {
    const line = await player.line(text);
    const found = line === null ? null : matcher(text).exec(line);
    if (!found) throw difference(step, text, line);
    for (const [name, value] of Object.entries(found.groups ?? {})) variables.set(name, value);
  },
  '<?': async (player, text, step) => {
    const passed: string[] = [];
    for (;;) {
      const line = await player.line(text);
      if (line === null) throw difference(step, text, passed.join('\n'));
      if (matcher(text).test(line)) return;
      passed.push(line);
    }
  },
  '<|': async (player, _text, step) => {
    const line = await player.line('the end');
    if (line !== null) throw difference(step, 'the end of the connection', line);
  },
  tls: ({ client }) => client.startTls(),
  compress: async ({ client }) => client.startCompression(),
};

function substitute(text: string, variables: Map<string, string>, verb: string): string {
  return text.replace(/\$\{(\w+)\}/g, (whole, name: string) => {
    const value = variables.get(name) ?? whole;
    return verb === '<~' || verb === '<?' ? value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : value;
  });
}

function unescapeOctets(text: string): string {
  const long = bytes(text).replace(/\$\{(.+?)\*(\d+)\}/g, (_whole, some: string, times: string) => some.repeat(Number(times)));
  return long.replace(/\\x([0-9a-f]{2})/gi, (_whole, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** Text as UTF-8 octets in a byte string. */
function bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function matcher(pattern: string): RegExp {
  return new RegExp(`^${bytes(pattern)}$`, 's');
}

function difference(step: Step, wanted: string, got: string | null): Error {
  return new Error(`line ${step.number}: wanted  ${wanted}\n        but got ${got ?? '(the connection ended)'}`);
}
