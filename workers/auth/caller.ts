/**
 * Who is calling. A receiver signs its calls; a user brings an account token, a session cookie, a bearer
 * token or an app password (RFC 7617, RFC 6750). Every door asks here and nowhere else.
 */
import { formatAddress, parseAddress } from '../../shared/address.ts';
import type { Frame } from '../../shared/frame.ts';
import { HEADER_TOKEN } from '../../shared/protocol.ts';
import { fromBase64, sha256 } from '../../shared/scram.ts';
import { toHex } from '../../shared/signing.ts';
import { findAppPassword, isTouchDue, touchCredential } from '../store/directory/credentials.ts';
import { findToken, findTokenOf, noteTokenUse, type TokenScope, tokenDigest } from '../store/directory/tokens.ts';
import type { Receiver } from '../store/directory/types.ts';
import type { Account } from '../store/mail/types.ts';
import { problem } from './problem.ts';
import { type DoorContext, readReceiver, readReceiverCall } from './receiver-call.ts';
import { isOwnOrigin, needsOrigin, sessionToken } from './session-cookie.ts';

export { readReceiver, readReceiverCall } from './receiver-call.ts';

/** Characters of a Basic credential: an address, a colon, a password, in base64. */
const BASIC_MAX = 1024;

export interface UserCaller {
  account: Account;
  via: 'cookie' | 'bearer' | 'basic' | 'receiver';
  /** `submit` tokens may only submit. */
  scope: TokenScope;
}

/**
 * The user a receiver acts for: its signature and `X-Posthouse-Token`, bound to that receiver. POSTs carry
 * a frame; the body of any other method is left alone.
 */
export async function readUserCallByReceiver(
  c: DoorContext,
): Promise<{ receiver: Receiver; caller: UserCaller; frame: Frame | null } | Response> {
  const secret = c.req.header(HEADER_TOKEN) ?? '';
  const now = Date.now();
  const digest = await tokenDigest(secret);
  // Looked up together with the receiver: a token alone is worth nothing, so nothing is told by it.
  const [call, token] = await Promise.all([readSigned(c), findTokenOf(c.env, digest, now)]);
  if (call instanceof Response) return call;
  if (token?.kind !== 'bridge' || token.receiver !== call.receiver.id) {
    return problem(401, 'The account token is unknown, expired, or bound to another receiver: log in again.');
  }
  await noteTokenUse(c.env, secret, token, now);
  return { ...call, caller: { account: token.account, via: 'receiver', scope: token.scope } };
}

async function readSigned(c: DoorContext): Promise<{ receiver: Receiver; frame: Frame | null } | Response> {
  if (c.req.method === 'POST') return readReceiverCall(c);
  const receiver = await readReceiver(c);
  return receiver instanceof Response ? receiver : { receiver, frame: null };
}

/**
 * A person's or program's own call: cookie (Origin checked unless it only reads), Bearer, or Basic with an
 * app password. Else a Response: 401, or 403 for a cookie that another site's page sent.
 */
export async function readUserCall(c: DoorContext): Promise<UserCaller | Response> {
  const authorization = c.req.header('authorization');
  if (authorization === undefined) return readCookie(c);
  const [scheme = '', credentials = ''] = authorization.split(/ +/, 2);
  const read = SCHEMES[scheme.toLowerCase()];
  return (await read?.(c, credentials)) ?? challenge(c);
}

type SchemeReader = (c: DoorContext, credentials: string) => Promise<UserCaller | null>;
const SCHEMES: Record<string, SchemeReader | undefined> = { bearer: readBearer, basic: readBasic };

async function readCookie(c: DoorContext): Promise<UserCaller | Response> {
  const cookie = sessionToken(c);
  const token = cookie === undefined ? null : await findToken(c.env, cookie, Date.now());
  if (token?.kind !== 'web') return challenge(c);
  if (needsOrigin(c) && !isOwnOrigin(c)) return problem(403, 'A session cookie counts only for requests of the webmail itself.');
  const session = toHex(await sha256(new TextEncoder().encode(cookie)));
  return { account: { ...token.account, login: { session, ends: token.expires } }, via: 'cookie', scope: token.scope };
}

async function readBearer(c: DoorContext, credentials: string): Promise<UserCaller | null> {
  const token = await findToken(c.env, credentials, Date.now());
  if (token?.kind !== 'api') return null;
  return { account: { ...token.account, login: { credential: token.credential } }, via: 'bearer', scope: token.scope };
}

/** Only app passwords: they are random, so one SHA-256 finds them and no other secret comes here (invariant 7). */
async function readBasic(c: DoorContext, credentials: string): Promise<UserCaller | null> {
  const octets = credentials.length <= BASIC_MAX ? fromBase64(credentials) : null;
  const [, name, password] = /^([^:]*):(.*)$/s.exec(new TextDecoder().decode(octets ?? new Uint8Array())) ?? [];
  const address = parseAddress(name ?? '');
  if (!address || !password) return null;
  const digest = toHex(await sha256(new TextEncoder().encode(password)));
  const found = await findAppPassword(c.env, formatAddress(address), digest);
  if (!found) return null;
  const now = Date.now();
  if (isTouchDue(found.lastUsedAt, now)) await touchCredential(c.env, found.id, now);
  return { account: { ...found.account, login: { credential: found.id } }, via: 'basic', scope: 'full' };
}

/** RFC 9110 §15.5.2. A browser gets no Basic challenge: it would answer with a dialog over the webmail's own login. */
function challenge(c: DoorContext): Response {
  const answer = problem(401, 'Log in: a session cookie, a bearer token, or Basic with an app password.');
  const isBrowser = c.req.header('sec-fetch-mode') !== undefined;
  if (!isBrowser) answer.headers.append('www-authenticate', 'Basic realm="posthouse", charset="UTF-8"');
  answer.headers.append('www-authenticate', 'Bearer realm="posthouse"');
  return answer;
}
