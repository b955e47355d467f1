/**
 * The commands of POP3: RFC 1939, CAPA and response codes (RFC 2449, RFC 3206), STLS (RFC 2595), AUTH PLAIN (RFC 5034). APOP is
 * not there: it needs the password itself, which nobody here has.
 */
import type { Output } from '../imap/output.ts';
import type { Backend, Session } from '../imap/session.ts';
import { decodeUtf8 } from '../imap/wire/bytes.ts';
import { Stuffing, Top } from './lines.ts';
import { Maildrop } from './maildrop.ts';

export type State = 'authorization' | 'transaction' | 'gone';

/** What a command sees of its connection. */
export interface Pop3Client {
  state: State;
  readonly output: Output;
  readonly backend: Backend;
  readonly remoteAddress: string;
  readonly secure: boolean;
  /** A password may be sent over this connection as it is now. */
  readonly passwordAllowed: boolean;
  /** What USER named. */
  username: string | null;
  /** Failed logins on this connection. */
  failures: number;
  maildrop: Maildrop | null;
  /** One more line from the client; null when none can come. */
  line(): Promise<string | null>;
  /** False when another connection has this maildrop. */
  lock(session: Session): boolean;
  startTls(): Promise<void>;
  leave(): void;
}

/** What `-ERR` tells. */
export class Failure extends Error {}

interface Command {
  states: readonly State[];
  run(client: Pop3Client, argument: string): Promise<void> | void;
}

/** Wrong passwords on one connection; whoever guesses on shall connect again, where bans and limits count. */
const FAILURES_MAX = 3;
const AUTHORIZATION: readonly State[] = ['authorization'];
const TRANSACTION: readonly State[] = ['transaction'];
const ANY: readonly State[] = ['authorization', 'transaction'];

export const COMMANDS: Readonly<Record<string, Command>> = {
  CAPA: { states: ANY, run: (client) => multiLine(client, 'Capability list follows', capabilities(client)) },
  STLS: { states: AUTHORIZATION, run: (client) => client.startTls() },
  USER: {
    states: AUTHORIZATION,
    run(client, argument) {
      demandPrivacy(client);
      if (argument === '') throw new Failure('USER needs a name');
      client.username = argument;
      client.output.line('+OK Now the password');
    },
  },
  PASS: {
    states: AUTHORIZATION,
    run(client, argument) {
      const { username } = client;
      client.username = null;
      if (username === null) throw new Failure('USER comes first');
      return logIn(client, username, argument);
    },
  },
  AUTH: { states: AUTHORIZATION, run: authenticate },
  STAT: {
    states: TRANSACTION,
    run(client) {
      const { count, octets } = maildropOf(client).total();
      client.output.line(`+OK ${count} ${octets}`);
    },
  },
  LIST: { states: TRANSACTION, run: (client, argument) => scan(client, argument, (drop, number) => `${number} ${drop.size(number)}`) },
  UIDL: { states: TRANSACTION, run: (client, argument) => scan(client, argument, (drop, number) => `${number} ${drop.uniqueId(number)}`) },
  RETR: {
    states: TRANSACTION,
    async run(client, argument) {
      const number = numberOf(client, argument);
      if (await send(client, number, null)) maildropOf(client).markRead(number);
    },
  },
  TOP: {
    states: TRANSACTION,
    async run(client, argument) {
      const [number = '', lines = '', ...rest] = argument.split(' ');
      if (!/^\d{1,9}$/.test(lines) || rest.length > 0) throw new Failure('TOP needs a message and a number of lines');
      await send(client, numberOf(client, number), new Top(Number(lines)));
    },
  },
  DELE: {
    states: TRANSACTION,
    run(client, argument) {
      const number = numberOf(client, argument);
      maildropOf(client).delete(number);
      client.output.line(`+OK Message ${number} will be removed at QUIT`);
    },
  },
  RSET: {
    states: TRANSACTION,
    run(client) {
      maildropOf(client).reset();
      client.output.line('+OK Nothing will be removed');
    },
  },
  NOOP: { states: TRANSACTION, run: (client) => client.output.line('+OK') },
  QUIT: {
    states: ANY,
    async run(client) {
      try {
        await client.maildrop?.update();
        client.output.line('+OK Goodbye');
      } finally {
        client.leave();
      }
    },
  },
};

/** RFC 2449 §5: what the connection can do as it is now. */
function capabilities({ state, secure, passwordAllowed }: Pop3Client): string[] {
  return [
    'TOP',
    'UIDL',
    'RESP-CODES',
    'AUTH-RESP-CODE',
    'PIPELINING',
    'EXPIRE NEVER',
    ...(secure ? [] : ['STLS']),
    ...(passwordAllowed ? ['USER', 'SASL PLAIN'] : []),
    ...(state === 'transaction' ? ['IMPLEMENTATION Posthouse'] : []),
  ];
}

/** Without TLS a password is refused before it is asked for, loopback excepted (RFC 2595 §2.2). */
function demandPrivacy({ passwordAllowed }: Pop3Client): void {
  if (!passwordAllowed) throw new Failure('STLS comes first');
}

async function authenticate(client: Pop3Client, argument: string): Promise<void> {
  if (argument === '') throw new Failure('AUTH needs a mechanism; CAPA names them');
  const [mechanism = '', initial, ...rest] = argument.split(' ');
  if (mechanism.toUpperCase() !== 'PLAIN' || rest.length > 0) throw new Failure('Unknown mechanism');
  demandPrivacy(client);
  const response = initial ?? (await challenge(client));
  const [authorization, username, password, ...more] = decodeResponse(response).split('\0');
  if (username === undefined || password === undefined || more.length > 0) throw new Failure('Not a PLAIN response');
  if (authorization !== '' && authorization !== username) throw new Failure('[AUTH] Nobody may act for somebody else');
  await logIn(client, username, password);
}

async function challenge(client: Pop3Client): Promise<string> {
  client.output.line('+ ');
  const line = await client.line();
  if (line === null || line === '*') throw new Failure('Authentication cancelled');
  return line;
}

function decodeResponse(text: string): string {
  const encoded = text === '=' ? '' : text;
  if (encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) throw new Failure('Invalid base64');
  return Buffer.from(encoded, 'base64').latin1Slice();
}

/** `username` and `password` are byte strings, taken for UTF-8. */
async function logIn(client: Pop3Client, username: string, password: string): Promise<void> {
  demandPrivacy(client);
  const name = decodeUtf8(username);
  const secret = decodeUtf8(password);
  const session = name && secret ? await client.backend.login(name, secret, { remoteAddress: client.remoteAddress }) : null;
  if (!session) {
    client.failures += 1;
    if (client.failures >= FAILURES_MAX) client.leave();
    throw new Failure('[AUTH] Wrong user name or password');
  }
  if (!client.lock(session)) {
    session.close();
    throw new Failure('[IN-USE] Another session has this maildrop');
  }
  await openMaildrop(client, session);
}

/** A maildrop that cannot be opened ends the connection: the lock must not stay. */
async function openMaildrop(client: Pop3Client, session: Session): Promise<void> {
  try {
    await session.ready();
    client.maildrop = await Maildrop.open(session);
  } catch (error) {
    client.leave();
    throw error;
  }
  if (!client.maildrop) {
    client.leave();
    throw new Failure('[SYS/PERM] This account has no Inbox');
  }
  client.state = 'transaction';
  const { count, octets } = client.maildrop.total();
  client.output.line(`+OK ${count} messages, ${octets} octets`);
}

function maildropOf({ maildrop }: Pop3Client): Maildrop {
  if (!maildrop) throw new Error('a command of the transaction state ran without a maildrop');
  return maildrop;
}

function numberOf(client: Pop3Client, argument: string): number {
  const number = /^\d{1,10}$/.test(argument) ? Number(argument) : 0;
  if (!maildropOf(client).has(number)) throw new Failure('No such message');
  return number;
}

/** LIST and UIDL: one line for the message asked for, or for all. */
async function scan(client: Pop3Client, argument: string, lineOf: (drop: Maildrop, number: number) => string): Promise<void> {
  const drop = maildropOf(client);
  if (argument !== '') {
    client.output.line(`+OK ${lineOf(drop, numberOf(client, argument))}`);
    return;
  }
  client.output.line('+OK List follows');
  for (const number of drop.numbers()) {
    client.output.line(lineOf(drop, number));
    if (client.output.full) await client.output.drained();
  }
  client.output.line('.');
}

function multiLine(client: Pop3Client, text: string, lines: readonly string[]): void {
  client.output.line(`+OK ${text}`);
  for (const line of lines) client.output.line(line);
  client.output.line('.');
}

/** Sends a message, or its top; true when the client has all of it. What breaks on the way closes the connection: half a message must not look whole. */
async function send(client: Pop3Client, number: number, top: Top | null): Promise<boolean> {
  const drop = maildropOf(client);
  const message = drop.message(number);
  if (!message) throw new Failure('Another program has removed this message');
  const { output } = client;
  const stuffing = new Stuffing();
  let begun = false;
  try {
    for await (const chunk of drop.content(message)) {
      if (!begun) output.line(`+OK ${message.size} octets`);
      begun = true;
      output.bytes(stuffing.take(top ? top.take(chunk) : chunk));
      await output.drained();
      if (output.closed) return false;
      if (top?.done) break;
    }
  } catch (error) {
    if (!begun) throw error;
    client.leave();
    return false;
  }
  if (!begun) output.line(`+OK ${message.size} octets`);
  output.write(stuffing.end());
  return true;
}
