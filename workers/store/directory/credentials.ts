/**
 * What an account can log in with: one password and app passwords, all SCRAM verifiers that share the
 * account's salt and iteration count, so that one exchange tries them all (DESIGN.md, invariant 7).
 */
import type { Env } from '../../env.ts';
import type { Account } from '../mail/types.ts';
import { ACCOUNT_COLUMNS, type AccountColumns, accountOf, isUniqueViolation } from './rows.ts';

/** One exchange tries each StoredKey: this bounds its work. */
export const CREDENTIALS_MAX = 32;
/** `last used` is told to the hour, so that a busy client does not write a row per request. */
const LAST_USED_STEP_MS = 3_600_000;

/** Base64, as `shared/scram.ts` makes them. */
export interface CredentialKeys {
  storedKey: string;
  serverKey: string;
}

/** What a login name must be derived with. */
export interface LoginParameters {
  account: number;
  salt: string;
  iterations: number;
}

export interface AppPasswordListing {
  id: number;
  label: string;
  createdAt: number;
  lastUsedAt: number | null;
}

/** Null when nobody has this login name: an exact address or alias, in the directory's form. */
export async function loginParameters(env: Env, address: string): Promise<LoginParameters | null> {
  return env.DIRECTORY.prepare(
    `SELECT ac.id AS account, ac.salt, ac.iterations FROM address a
       JOIN account ac ON ac.id = a.account AND ac.removed_at IS NULL
      WHERE a.address = ? AND a.kind IN ('primary', 'alias')`,
  )
    .bind(address)
    .first<LoginParameters>();
}

/** Every credential of an account, at most `CREDENTIALS_MAX`, with the account itself on each. */
export async function loginCredentials(env: Env, account: number): Promise<(CredentialKeys & { id: number; account: Account })[]> {
  const rows = await env.DIRECTORY.prepare(
    `SELECT c.id, c.stored_key AS storedKey, c.server_key AS serverKey, ${ACCOUNT_COLUMNS}
       FROM credential c JOIN account ac ON ac.id = c.account AND ac.removed_at IS NULL
      WHERE c.account = ? ORDER BY c.id LIMIT ${CREDENTIALS_MAX}`,
  )
    .bind(account)
    .all<CredentialKeys & { id: number } & AccountColumns>();
  return rows.results.flatMap((row) => {
    const owner = accountOf(row);
    return owner ? [{ id: row.id, storedKey: row.storedKey, serverKey: row.serverKey, account: owner }] : [];
  });
}

/** The account whose app password has this SHA-256 (hex) and whose login name this is. One query. */
export async function findAppPassword(
  env: Env,
  address: string,
  secretSha256: string,
): Promise<{ id: number; lastUsedAt: number | null; account: Account } | null> {
  const row = await env.DIRECTORY.prepare(
    `SELECT c.id, c.last_used_at AS lastUsedAt, ${ACCOUNT_COLUMNS}
       FROM credential c
       JOIN account ac ON ac.id = c.account AND ac.removed_at IS NULL
       JOIN address a ON a.address = ? AND a.account = ac.id AND a.kind IN ('primary', 'alias')
      WHERE c.secret_sha256 = ?`,
  )
    .bind(address, secretSha256)
    .first<{ id: number; lastUsedAt: number | null } & AccountColumns>();
  const account = accountOf(row);
  return row && account ? { id: row.id, lastUsedAt: row.lastUsedAt, account } : null;
}

/** Notes that a credential was used, at most once an hour. */
export async function touchCredential(env: Env, id: number, now: number): Promise<void> {
  await env.DIRECTORY.prepare('UPDATE credential SET last_used_at = ? WHERE id = ? AND COALESCE(last_used_at, 0) <= ?')
    .bind(now, id, now - LAST_USED_STEP_MS)
    .run();
}

/** Whether `touchCredential` would write. */
export function isTouchDue(lastUsedAt: number | null, now: number): boolean {
  return (lastUsedAt ?? 0) <= now - LAST_USED_STEP_MS;
}

/** Replaces the password and ends every session that the old one began. App passwords stay. */
export async function replacePassword(env: Env, account: number, keys: CredentialKeys, now: number): Promise<void> {
  await env.DIRECTORY.batch([
    env.DIRECTORY.prepare(
      "DELETE FROM token WHERE account = ?1 AND credential IN (SELECT id FROM credential WHERE account = ?1 AND kind = 'password')",
    ).bind(account),
    env.DIRECTORY.prepare("DELETE FROM credential WHERE account = ? AND kind = 'password'").bind(account),
    env.DIRECTORY.prepare(
      "INSERT INTO credential (account, kind, stored_key, server_key, created_at) VALUES (?, 'password', ?, ?, ?)",
    ).bind(account, keys.storedKey, keys.serverKey, now),
  ]);
}

/** Its id. `taken`: this very secret is an app password already. `full`: the account has as many as it may. */
export async function addAppPassword(
  env: Env,
  account: number,
  password: CredentialKeys & { label: string; secretSha256: string },
  now: number,
): Promise<{ id: number } | 'taken' | 'full'> {
  try {
    const row = await env.DIRECTORY.prepare(
      `INSERT INTO credential (account, kind, label, stored_key, server_key, secret_sha256, created_at)
       SELECT ?1, 'app', ?2, ?3, ?4, ?5, ?6 WHERE (SELECT COUNT(*) FROM credential WHERE account = ?1) < ${CREDENTIALS_MAX}
       RETURNING id`,
    )
      .bind(account, password.label, password.storedKey, password.serverKey, password.secretSha256, now)
      .first<{ id: number }>();
    return row ?? 'full';
  } catch (error) {
    if (isUniqueViolation(error)) return 'taken';
    throw error;
  }
}

/** Oldest first. */
export async function listAppPasswords(env: Env, account: number): Promise<AppPasswordListing[]> {
  const rows = await env.DIRECTORY.prepare(
    `SELECT id, label, created_at AS createdAt, last_used_at AS lastUsedAt
       FROM credential WHERE account = ? AND kind = 'app' ORDER BY id`,
  )
    .bind(account)
    .all<AppPasswordListing>();
  return rows.results;
}

/** Removes an app password and ends what it began. False when the account has none of that id. */
export async function removeAppPassword(env: Env, account: number, id: number): Promise<boolean> {
  const [removed] = await env.DIRECTORY.batch<{ id: number }>([
    env.DIRECTORY.prepare("DELETE FROM credential WHERE account = ? AND id = ? AND kind = 'app' RETURNING id").bind(account, id),
    env.DIRECTORY.prepare('DELETE FROM token WHERE account = ? AND credential = ?').bind(account, id),
  ]);
  return (removed?.results.length ?? 0) > 0;
}
