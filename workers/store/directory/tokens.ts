/**
 * Opaque tokens of one account. `bridge`: bound to one receiver, useless elsewhere. `web`: the session
 * cookie. `api`: a bearer token for a program. Only their SHA-256 is kept, and each one dies with the
 * credential it was made from.
 */
import { toHex } from '../../../shared/signing.ts';
import type { Env } from '../../env.ts';
import type { Account } from '../mail/types.ts';
import { ACCOUNT_COLUMNS, type AccountColumns, accountOf } from './rows.ts';

export type TokenKind = 'bridge' | 'web' | 'api';
export type TokenScope = 'full' | 'submit';

const HOUR_MS = 3_600_000;
/** A bridge token outlives the 12 h for which a receiver remembers a login; while it is used it renews itself. */
export const TOKEN_LIFE_MS: Record<TokenKind, number> = { bridge: 24 * HOUR_MS, web: 30 * 24 * HOUR_MS, api: 24 * HOUR_MS };
/** Submissions wait for the edge no longer than this (DESIGN.md, the receiver). */
export const SUBMIT_TOKEN_LIFE_MS = 72 * HOUR_MS;
/** Characters of a token: 256 bits in base64url. */
const TOKEN_LENGTH = 43;

export interface TokenRow {
  account: Account;
  kind: TokenKind;
  receiver: number | null;
  scope: TokenScope;
  /** Epoch milliseconds. */
  expires: number;
}

export interface NewToken {
  account: number;
  credential: number;
  kind: TokenKind;
  /** Bridge tokens only. */
  receiver: number | null;
  scope: TokenScope;
}

/** Makes a token; expired ones of the account go at the same time. */
export async function createToken(env: Env, token: NewToken, now: number): Promise<{ token: string; expires: number }> {
  const secret = randomToken();
  const expires = now + (token.scope === 'submit' ? SUBMIT_TOKEN_LIFE_MS : TOKEN_LIFE_MS[token.kind]);
  await env.DIRECTORY.batch([
    env.DIRECTORY.prepare('DELETE FROM token WHERE account = ? AND expires_at <= ?').bind(token.account, now),
    env.DIRECTORY.prepare(
      'INSERT INTO token (sha256, account, credential, kind, receiver, scope, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ).bind(await digest(secret), token.account, token.credential, token.kind, token.receiver, token.scope, expires),
  ]);
  return { token: secret, expires };
}

/** One query. Null when unknown, expired, or of a removed account. */
export async function findToken(env: Env, token: string, now: number): Promise<TokenRow | null> {
  if (token.length !== TOKEN_LENGTH) return null;
  const sha256 = await digest(token);
  const row = await env.DIRECTORY.prepare(
    `SELECT t.kind, t.receiver, t.scope, t.expires_at AS expires, ${ACCOUNT_COLUMNS}
       FROM token t JOIN account ac ON ac.id = t.account AND ac.removed_at IS NULL
      WHERE t.sha256 = ? AND t.expires_at > ?`,
  )
    .bind(sha256, now)
    .first<Omit<TokenRow, 'account'> & AccountColumns>();
  const account = accountOf(row);
  if (!row || !account) return null;
  const expires = row.kind === 'bridge' && row.scope === 'full' ? await renew(env, sha256, row.expires, now) : row.expires;
  return { account, kind: row.kind, receiver: row.receiver, scope: row.scope, expires };
}

/** A mirror that follows its account for weeks must not lose its token: used in its second half, it starts anew. */
async function renew(env: Env, sha256: string, expires: number, now: number): Promise<number> {
  if (expires - now > TOKEN_LIFE_MS.bridge / 2) return expires;
  const renewed = now + TOKEN_LIFE_MS.bridge;
  await env.DIRECTORY.prepare('UPDATE token SET expires_at = ? WHERE sha256 = ?').bind(renewed, sha256).run();
  return renewed;
}

/** Ends a session. */
export async function removeToken(env: Env, token: string): Promise<void> {
  await env.DIRECTORY.prepare('DELETE FROM token WHERE sha256 = ?')
    .bind(await digest(token))
    .run();
}

/** 256 random bits, base64url. */
export function randomToken(): string {
  const octets = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...octets))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

async function digest(token: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))));
}
