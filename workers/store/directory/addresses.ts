/**
 * Aliases, catch-alls (`@domain`) and the addresses a catch-all shall not receive. An account's first
 * address is made with the account and lies in the same table.
 */
import type { Env } from '../../env.ts';
import { isUniqueViolation } from './rows.ts';

export type AliasKind = 'alias' | 'catchall' | 'blocked';

export interface AliasListing {
  address: string;
  kind: AliasKind;
  /** The account's first address; null for a blocked one. */
  account: string | null;
  createdAt: number;
}

const LISTING = `SELECT a.address, a.kind, ac.address AS account, a.created_at AS createdAt
  FROM address a LEFT JOIN account ac ON ac.id = a.account WHERE a.kind <> 'primary'`;

/** At most `limit` entries after `after`, by name; of one account when it is given. */
export async function listAliases(env: Env, account: number | null, after: string, limit: number): Promise<AliasListing[]> {
  const rows = await env.DIRECTORY.prepare(`${LISTING} AND a.address > ?1 AND (?2 IS NULL OR a.account = ?2) ORDER BY a.address LIMIT ?3`)
    .bind(after, account, limit)
    .all<AliasListing>();
  return rows.results;
}

/** Null when there is none of that name. */
export async function findAlias(env: Env, address: string): Promise<AliasListing | null> {
  return env.DIRECTORY.prepare(`${LISTING} AND a.address = ?`).bind(address).first<AliasListing>();
}

/** Adds an entry; its account becomes the domain's postmaster when there is none. False: the name is taken. */
export async function addAlias(
  env: Env,
  alias: { address: string; kind: AliasKind; account: number | null; domain: string },
  now: number,
): Promise<boolean> {
  try {
    await env.DIRECTORY.batch([
      env.DIRECTORY.prepare('INSERT INTO address (address, kind, account, domain, created_at) VALUES (?, ?, ?, ?, ?)').bind(
        alias.address,
        alias.kind,
        alias.account,
        alias.domain,
        now,
      ),
      env.DIRECTORY.prepare('UPDATE domain SET postmaster = ? WHERE name = ? AND postmaster IS NULL').bind(alias.account, alias.domain),
    ]);
    return true;
  } catch (error) {
    if (isUniqueViolation(error)) return false;
    throw error;
  }
}

/** False when there is no such alias; an account's first address is none. */
export async function removeAlias(env: Env, address: string): Promise<boolean> {
  const removed = await env.DIRECTORY.prepare("DELETE FROM address WHERE address = ? AND kind <> 'primary' RETURNING address")
    .bind(address)
    .first();
  return removed !== null;
}
