/**
 * AUTHENTICATE (RFC 9051 §6.2.2) with PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 and -PLUS (RFC 7677), OAUTHBEARER (RFC 7628), each
 * with an initial response (RFC 4959). `*` cancels. A mechanism is refused before it asks for anything when the wire is open.
 */
import { BEARER_FAILURE, readBearer } from '../../sasl/bearer.ts';
import { isBoundFinal, readClientFirst } from '../../sasl/scram.ts';
import { mechanisms } from '../capabilities.ts';
import { type Client, type Command, type Completion, NOT_AUTHENTICATED } from '../client.ts';
import { Refusal } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { decodeUtf8 } from '../wire/bytes.ts';
import { admit, logInWith, refuseLogin } from './login.ts';

/** Octets of one decoded response: two names and a password. */
const RESPONSE_MAX = 3072;

/** `initial` is the decoded initial response, null when there was none. */
type Mechanism = (client: Client, initial: string | null) => Promise<Completion>;

const MECHANISMS: Record<string, Mechanism> = {
  PLAIN: plain,
  LOGIN: loginMechanism,
  'SCRAM-SHA-256': (client, initial) => scram(client, initial, false),
  'SCRAM-SHA-256-PLUS': (client, initial) => scram(client, initial, true),
  OAUTHBEARER: bearer,
};

export const authenticate: Command = {
  name: 'AUTHENTICATE',
  states: NOT_AUTHENTICATED,
  async run(client, args) {
    args.space();
    const name = args.word('mechanism');
    const initial = args.skip(' ') ? decodeResponse(readInitial(args)) : null;
    args.end();
    const mechanism = Object.hasOwn(MECHANISMS, name) ? MECHANISMS[name] : undefined;
    if (!mechanism) throw new Refusal('CANNOT', 'Unknown mechanism');
    if (!client.passwordAllowed) throw new Refusal('PRIVACYREQUIRED', 'Start TLS first');
    if (!mechanisms(client).includes(name)) throw new Refusal('CANNOT', 'This mechanism is not available on this connection');
    return mechanism(client, initial);
  },
};

function readInitial(args: Arguments): string {
  const text = args.astring();
  return text === '=' ? '' : text;
}

async function plain(client: Client, initial: string | null): Promise<Completion> {
  const response = initial ?? (await challenge(client, ''));
  const [authorization, username, password, ...rest] = response.split('\0');
  if (username === undefined || password === undefined || rest.length > 0) throw new Malformed('Not a PLAIN response');
  if (authorization !== '' && authorization !== username) throw new Refusal('AUTHORIZATIONFAILED', 'Nobody may act for somebody else');
  return logInWith(client, username, password, 'AUTHENTICATE');
}

async function loginMechanism(client: Client, initial: string | null): Promise<Completion> {
  const username = initial ?? (await challenge(client, 'Username:'));
  const password = await challenge(client, 'Password:');
  return logInWith(client, username, password, 'AUTHENTICATE');
}

/** The client plays SCRAM with the edge; what is bound to this connection is checked here (DESIGN.md, invariant 7). */
async function scram(client: Client, initial: string | null, plus: boolean): Promise<Completion> {
  const first = readClientFirst(utf8(initial ?? (await challenge(client, ''))), { plus, exporter: client.tlsExporter() });
  if (typeof first === 'string') return refuseLogin(client, first);
  const exchange = await client.backend.scram?.(first.username, first.bare, { remoteAddress: client.remoteAddress });
  if (!exchange) throw new Refusal('CANNOT', 'Unknown mechanism');
  const final = utf8(await challenge(client, exchange.serverFirst));
  const proven = isBoundFinal(final, first) ? await exchange.finish(final) : null;
  if (!proven) return refuseLogin(client, 'Wrong user name or password');
  if ((await challenge(client, proven.serverFinal)) !== '') throw new Malformed('Nothing was asked for');
  return admit(client, await proven.open(), 'AUTHENTICATE');
}

async function bearer(client: Client, initial: string | null): Promise<Completion> {
  const read = readBearer(utf8(initial ?? (await challenge(client, ''))));
  const session = read && (await client.backend.bearer?.(read.username, read.token, { remoteAddress: client.remoteAddress }));
  if (session) return admit(client, session, 'AUTHENTICATE');
  // RFC 7628 §3.2.3: the client reads why, and answers with one %x01 or a cancellation.
  await challenge(client, BEARER_FAILURE);
  return refuseLogin(client, 'Unknown token');
}

async function challenge(client: Client, text: string): Promise<string> {
  const line = await client.ask(Buffer.from(text).toString('base64'));
  if (line === '*') throw new Malformed('Authentication cancelled');
  return decodeResponse(line);
}

function decodeResponse(text: string): string {
  if (text.length > RESPONSE_MAX * 2 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw new Malformed('Invalid base64');
  const decoded = Buffer.from(text, 'base64').latin1Slice();
  if (decoded.length > RESPONSE_MAX) throw new Malformed('Response too long');
  return decoded;
}

/** Byte string → text; what is not UTF-8 is no message of any mechanism. */
function utf8(bytes: string): string {
  const text = decodeUtf8(bytes);
  if (text === null) throw new Malformed('Not UTF-8');
  return text;
}
