/**
 * `POST /auth/token`: a receiver exchanges a random secret of a user (an app password, or the bearer token of a program) for a
 * token bound to itself (DESIGN.md, invariant 6), for OAUTHBEARER (RFC 7628). People's own passwords never come here (invariant 7).
 */
import { formatAddress, parseAddress } from '../../shared/address.ts';
import { sha256 } from '../../shared/scram.ts';
import { toHex } from '../../shared/signing.ts';
import type { Env } from '../env.ts';
import { findAppPassword, loginParameters, touchCredential } from '../store/directory/credentials.ts';
import { findToken, type TokenScope } from '../store/directory/tokens.ts';
import type { Account } from '../store/mail/types.ts';

/** Whose secret it is; `until`: epoch milliseconds at which it ends by itself. */
export interface Holder {
  account: Account;
  credential: number;
  scope: TokenScope;
  until?: number;
}

/** Null when the secret is nobody's, or not that user's. */
export async function findHolder(env: Env, username: string | null, secret: string, now: number): Promise<Holder | null> {
  const address = username === null ? null : parseAddress(username.trim());
  if (username !== null && !address) return null;
  const name = address && formatAddress(address);
  return (await byBearerToken(env, name, secret, now)) ?? (name === null ? null : byAppPassword(env, name, secret, now));
}

async function byBearerToken(env: Env, name: string | null, secret: string, now: number): Promise<Holder | null> {
  const token = await findToken(env, secret, now);
  if (token?.kind !== 'api') return null;
  if (name !== null && (await loginParameters(env, name))?.account !== token.account.id) return null;
  const { account, credential, scope, expires } = token;
  return { account, credential, scope, until: expires };
}

async function byAppPassword(env: Env, name: string, secret: string, now: number): Promise<Holder | null> {
  const digest = toHex(await sha256(new TextEncoder().encode(secret)));
  const found = await findAppPassword(env, name, digest);
  if (!found) return null;
  await touchCredential(env, found.id, now);
  return { account: found.account, credential: found.id, scope: 'full' };
}
