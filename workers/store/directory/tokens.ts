/**
 * Opaque tokens of one account. `bridge`: bound to one receiver, useless elsewhere. `web`: the session
 * cookie. `api`: a bearer token for a program. Only their SHA-256 is kept, and each one dies with the
 * credential it was made from.
 */
import { toHex } from '../../../shared/signing.ts';
import type { Env } from '../../env.ts';
import { readTogether } from '../mail/database.ts';
import type { Account } from '../mail/types.ts';
import { ACCOUNT_COLUMNS, type AccountColumns, accountOf } from './rows.ts';

export type TokenKind = 'bridge' | 'web' | 'api';
export type TokenScope = 'full' | 'submit';

const HOUR_MS = 3_600_000;
/** Its end, whatever happens. A mirror follows its account for weeks on one login. */
export const TOKEN_LIFE_MS: Record<TokenKind, number> = { bridge: 30 * 24 * HOUR_MS, web: 30 * 24 * HOUR_MS, api: 24 * HOUR_MS };
/** A bridge token that was not used for so long ends early; longer than the 12 h for which a receiver remembers a login. */
export const BRIDGE_UNUSED_MS = 24 * HOUR_MS;
/** Submissions wait for the edge no longer than this (DESIGN.md, the receiver). */
export const SUBMIT_TOKEN_LIFE_MS = 72 * HOUR_MS;
/** Characters of a token: 256 bits in base64url. */
const TOKEN_LENGTH = 43;

export interface TokenRow {
  account: Account;
  /** What it was made from. */
  credential: number;
  kind: TokenKind;
  receiver: number | null;
  scope: TokenScope;
  /** Epoch milliseconds: its end at the latest. */
  expires: number;
  /** Epoch milliseconds: its end if it is not used until then; null when it need not be used. */
  unusedAfter: number | null;
}

export interface NewToken {
  account: number;
  credential: number;
  kind: TokenKind;
  /** Bridge tokens only. */
  receiver: number | null;
  scope: TokenScope;
  /** Epoch milliseconds: ends then at the latest, e.g. with the token it was exchanged for. */
  until?: number;
}

/** Makes a token; ended ones of the account go at the same time. `expires`: its end at the latest. */
export async function createToken(env: Env, token: NewToken, now: number): Promise<{ token: string; expires: number }> {
  const secret = randomToken();
  const { account, credential, kind, receiver, scope } = token;
  const life = scope === 'submit' ? SUBMIT_TOKEN_LIFE_MS : TOKEN_LIFE_MS[kind];
  const expires = Math.min(now + life, token.until ?? Number.MAX_SAFE_INTEGER);
  const unusedAfter = endsUnused(kind, scope) ? now + BRIDGE_UNUSED_MS : null;
  await env.DIRECTORY.batch([
    env.DIRECTORY.prepare('DELETE FROM token WHERE account = ? AND MIN(expires_at, COALESCE(unused_after, expires_at)) <= ?').bind(
      account,
      now,
    ),
    env.DIRECTORY.prepare(
      'INSERT INTO token (sha256, account, credential, kind, receiver, scope, expires_at, unused_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ).bind(await digest(secret), account, credential, kind, receiver, scope, expires, unusedAfter),
  ]);
  return { token: secret, expires };
}

/** One query. Null when unknown, ended, or of a removed account. */
export async function findToken(env: Env, token: string, now: number): Promise<TokenRow | null> {
  return findTokenOf(env, await tokenDigest(token), now);
}

/** What a token is known by; null for what can be none. */
export async function tokenDigest(token: string): Promise<string | null> {
  return token.length === TOKEN_LENGTH ? digest(token) : null;
}

/** The same by the token's digest; asked for at once, so that it travels with what else is asked of the directory in this turn. */
export async function findTokenOf(env: Env, sha256: string | null, now: number): Promise<TokenRow | null> {
  if (sha256 === null) return null;
  const statement = env.DIRECTORY.prepare(
    `SELECT t.credential, t.kind, t.receiver, t.scope, t.expires_at AS expires, t.unused_after AS unusedAfter, ${ACCOUNT_COLUMNS}
       FROM token t JOIN account ac ON ac.id = t.account AND ac.removed_at IS NULL
      WHERE t.sha256 = ? AND MIN(t.expires_at, COALESCE(t.unused_after, t.expires_at)) > ?`,
  ).bind(sha256, now);
  const [row] = (await readTogether<Omit<TokenRow, 'account'> & AccountColumns>(env.DIRECTORY, statement)).results;
  const account = row ? accountOf(row) : null;
  if (!row || !account) return null;
  const { credential, kind, receiver, scope, expires, unusedAfter } = row;
  return { account, credential, kind, receiver, scope, expires, unusedAfter };
}

/** Submissions wait in a spool without using their token. */
function endsUnused(kind: TokenKind, scope: TokenScope): boolean {
  return kind === 'bridge' && scope === 'full';
}

/** Puts off the end of a token that was used. Written when half of the time is gone: a busy mirror does not write a row per request. */
export async function noteTokenUse(env: Env, token: string, { unusedAfter }: TokenRow, now: number): Promise<void> {
  if (unusedAfter === null || unusedAfter - now >= BRIDGE_UNUSED_MS / 2) return;
  await env.DIRECTORY.prepare('UPDATE token SET unused_after = ? WHERE sha256 = ?')
    .bind(now + BRIDGE_UNUSED_MS, await digest(token))
    .run();
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

/** Clears away tokens that ended, of whatever account, at most `limit`; for the cron. */
export async function sweepTokens(env: Env, now: number, limit: number): Promise<void> {
  await env.DIRECTORY.prepare(
    'DELETE FROM token WHERE sha256 IN (SELECT sha256 FROM token WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
  )
    .bind(now, limit)
    .run();
}
