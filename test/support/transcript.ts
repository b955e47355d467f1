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
 */
import { ImapClient } from './imap-client.ts';

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
    const found = /^(\w+) (->|\.>|<-|<~|<\?|<\||tls)(?: (.*))?$/.exec(line);
    if (!found) throw new Error(`line ${index + 1} is no step of a transcript: ${line}`);
    steps.push({ number: index + 1, connection: found[1] ?? '', verb: found[2] ?? '', text: found[3] ?? '' });
  }
  return steps;
}

/** Plays a transcript against an IMAP port with an account of its own. Rejects at the first line that differs. */
export async function playTranscript(source: string, port: number): Promise<void> {
  const clients = new Map<string, ImapClient>();
  const variables = new Map<string, string>();
  try {
    for (const step of parseTranscript(source)) {
      let client = clients.get(step.connection);
      if (!client) {
        client = await ImapClient.open(port);
        clients.set(step.connection, client);
      }
      await VERBS[step.verb]?.(client, substitute(step.text, variables, step.verb), step, variables);
    }
  } finally {
    for (const client of clients.values()) client.close();
  }
}

type Verb = (client: ImapClient, text: string, step: Step, variables: Map<string, string>) => Promise<void>;

const VERBS: Record<string, Verb> = {
  '->': async (client, text) => client.send(`${unescapeOctets(text)}\r\n`),
  '.>': async (client, text) => client.send(unescapeOctets(text)),
  '<-': async (client, text, step) => {
    const line = await client.line(text);
    if (line !== bytes(text)) throw difference(step, text, line);
  },
  '<~': async (client, text, step, variables) => {
    const line = await client.line(text);
    const found = line === null ? null : matcher(text).exec(line);
    if (!found) throw difference(step, text, line);
    for (const [name, value] of Object.entries(found.groups ?? {})) variables.set(name, value);
  },
  '<?': async (client, text, step) => {
    const passed: string[] = [];
    for (;;) {
      const line = await client.line(text);
      if (line === null) throw difference(step, text, passed.join('\n'));
      if (matcher(text).test(line)) return;
      passed.push(line);
    }
  },
  '<|': async (client, _text, step) => {
    const line = await client.line('the end');
    if (line !== null) throw difference(step, 'the end of the connection', line);
  },
  tls: (client) => client.startTls(),
};

function substitute(text: string, variables: Map<string, string>, verb: string): string {
  return text.replace(/\$\{(\w+)\}/g, (whole, name: string) => {
    const value = variables.get(name) ?? whole;
    return verb === '<~' || verb === '<?' ? value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : value;
  });
}

function unescapeOctets(text: string): string {
  return bytes(text).replace(/\\x([0-9a-f]{2})/gi, (_whole, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
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
