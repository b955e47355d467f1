/**
 * OAUTHBEARER (RFC 7628) with our own tokens: an app password, or a token that the login over HTTP gave to a program. A
 * failure is told in JSON before the exchange ends, so that a client knows to ask for a new token.
 */
import { readGs2 } from './gs2.ts';

/** Octets of a message we read. */
const MESSAGE_MAX = 4096;
/** RFC 6750 §2.1. */
const TOKEN = /^Bearer +([A-Za-z0-9\-._~+/]{1,1024}=*)$/i;

/** `username` null: the token alone says who it is. Null when the message is none. */
export function readBearer(message: string): { username: string | null; token: string } | null {
  const gs2 = message.length <= MESSAGE_MAX ? readGs2(message) : null;
  if (gs2?.binding !== 'n' || !gs2.rest.startsWith('\x01') || !gs2.rest.endsWith('\x01\x01')) return null;
  const pairs = gs2.rest.slice(1, -2).split('\x01');
  if (!pairs.every((pair) => /^[A-Za-z]+=/.test(pair))) return null;
  const token = TOKEN.exec(pairs.find((pair) => pair.startsWith('auth='))?.slice(5) ?? '')?.[1];
  return token === undefined ? null : { username: gs2.authzid, token };
}

/** RFC 7628 §3.2.2. */
export const BEARER_FAILURE = JSON.stringify({ status: 'invalid_token', schemes: 'bearer', scope: 'mail' });
