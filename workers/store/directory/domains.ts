/** The domains we take mail for, each with its postmaster (RFC 5321 §4.5.1) and its MTA-STS policy (RFC 8461). */
import type { Env } from '../../env.ts';

export type MtaStsMode = 'none' | 'testing' | 'enforce';

export interface Domain {
  name: string;
  /** Account id and first address; null until the domain's first account or alias. */
  postmaster: number | null;
  postmasterAddress: string | null;
  mtaStsMode: MtaStsMode;
  /** Seconds. */
  mtaStsMaxAge: number;
  createdAt: number;
}

/** What is left out stays as it is, or takes its default. */
export interface DomainChange {
  postmaster?: number;
  mtaStsMode?: MtaStsMode;
  mtaStsMaxAge?: number;
}

const LISTING = `SELECT d.name, d.postmaster, ac.address AS postmasterAddress, d.mta_sts_mode AS mtaStsMode,
    d.mta_sts_max_age AS mtaStsMaxAge, d.created_at AS createdAt
  FROM domain d LEFT JOIN account ac ON ac.id = d.postmaster WHERE d.removed_at IS NULL`;

/** Null when it is none of ours. */
export async function findDomain(env: Env, name: string): Promise<Domain | null> {
  return env.DIRECTORY.prepare(`${LISTING} AND d.name = ?`).bind(name).first<Domain>();
}

/** By name. An installation has few: they are not paged. */
export async function listDomains(env: Env): Promise<Domain[]> {
  return (await env.DIRECTORY.prepare(`${LISTING} ORDER BY d.name`).all<Domain>()).results;
}

/** Adds the domain, or changes it; a domain that was removed comes back. */
export async function putDomain(env: Env, name: string, change: DomainChange, now: number): Promise<void> {
  await env.DIRECTORY.prepare(
    `INSERT INTO domain (name, postmaster, mta_sts_mode, mta_sts_max_age, created_at)
     VALUES (?1, ?2, COALESCE(?3, 'testing'), COALESCE(?4, 86400), ?5)
     ON CONFLICT (name) DO UPDATE SET
       postmaster = COALESCE(?2, postmaster), mta_sts_mode = COALESCE(?3, mta_sts_mode),
       mta_sts_max_age = COALESCE(?4, mta_sts_max_age), removed_at = NULL`,
  )
    .bind(name, change.postmaster ?? null, change.mtaStsMode ?? null, change.mtaStsMaxAge ?? null, now)
    .run();
}

/** `inUse`: addresses of it exist. */
export async function removeDomain(env: Env, name: string, now: number): Promise<'removed' | 'inUse' | 'unknown'> {
  const removed = await env.DIRECTORY.prepare(
    `UPDATE domain SET removed_at = ?2 WHERE name = ?1 AND removed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM address WHERE domain = ?1) RETURNING name`,
  )
    .bind(name, now)
    .first();
  if (removed) return 'removed';
  return (await findDomain(env, name)) ? 'inUse' : 'unknown';
}
