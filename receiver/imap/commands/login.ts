/**
 * LOGIN (RFC 9051 §6.2.3), and the one way from a proof of identity to a session that AUTHENTICATE shares. Without TLS a
 * password is refused before it is looked at (LOGINDISABLED), loopback excepted.
 */
import { capabilities } from '../capabilities.ts';
import { type Client, type Command, type Completion, NOT_AUTHENTICATED } from '../client.ts';
import { Refusal, type Session } from '../session.ts';
import { decodeUtf8 } from '../wire/bytes.ts';

/** Wrong passwords on one connection; whoever guesses on shall connect again, where bans and limits count. */
const FAILURES_MAX = 5;

export const login: Command = {
  name: 'LOGIN',
  states: NOT_AUTHENTICATED,
  async run(client, args) {
    args.space();
    const username = args.astring();
    args.space();
    const password = args.astring();
    args.end();
    return logInWith(client, username, password, 'LOGIN');
  },
};

/** `username` and `password` are byte strings, taken for UTF-8. */
export async function logInWith(client: Client, username: string, password: string, command: string): Promise<Completion> {
  if (!client.passwordAllowed) throw new Refusal('PRIVACYREQUIRED', 'Start TLS first');
  return admit(client, await verify(client, username, password), command);
}

/** Lets the owner of the session in; null is a failed login. */
export async function admit(client: Client, session: Session | null, command: string): Promise<Completion> {
  if (!session) return refuseLogin(client, 'Wrong user name or password');
  client.verified();
  await readied(session);
  if (!client.logIn(session)) {
    session.close();
    throw new Refusal('LIMIT', 'Too many connections of this user');
  }
  return { text: `${command} completed`, code: `CAPABILITY ${capabilities(client)}` };
}

/** A failed login; after a few the connection ends. */
export function refuseLogin(client: Client, reason: string): never {
  client.failures += 1;
  if (client.failures >= FAILURES_MAX) {
    client.output.line('* BYE Too many failed logins');
    client.logOut();
  }
  throw new Refusal('AUTHENTICATIONFAILED', reason);
}

/** Not ready is not logged in: the session is closed again and the client may try later. */
async function readied(session: Session): Promise<void> {
  try {
    await session.ready();
  } catch (error) {
    session.close();
    throw error;
  }
}

async function verify(client: Client, username: string, password: string) {
  const name = decodeUtf8(username);
  const secret = decodeUtf8(password);
  if (!name || !secret) return null;
  return client.backend.login(name, secret, { remoteAddress: client.remoteAddress });
}
