/**
 * AUTHENTICATE (RFC 9051 §6.2.2) with PLAIN (RFC 4616) and LOGIN, initial response included (RFC 4959). `*`
 * cancels. A mechanism is refused before it asks for anything when a password may not be sent.
 */
import { type Client, type Command, type Completion, NOT_AUTHENTICATED } from '../client.ts';
import { Refusal } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { logInWith } from './login.ts';

/** Octets of one decoded response: two names and a password. */
const RESPONSE_MAX = 3072;

/** `initial` is the decoded initial response, null when there was none. */
type Mechanism = (client: Client, initial: string | null) => Promise<Completion>;

const MECHANISMS: Record<string, Mechanism> = { PLAIN: plain, LOGIN: loginMechanism };

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
