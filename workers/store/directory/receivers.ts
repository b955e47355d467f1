/** Receivers: the VPS processes that may deposit mail, each with a key of its own (DESIGN.md, invariant 6). */
import { fromHex, toHex } from '../../../shared/signing.ts';
import type { Env } from '../../env.ts';
import { readTogether } from '../mail/database.ts';
import { isUniqueViolation } from './rows.ts';
import type { Receiver } from './types.ts';

/** A receiver as the admin API lists it: without its key. */
export interface ReceiverListing {
  id: number;
  name: string;
  hostname: string | null;
  createdAt: number;
  revokedAt: number | null;
}

interface ReceiverRow {
  id: number;
  name: string;
  hostname: string | null;
  key: string;
}

/** Null when unknown or revoked. */
export async function findReceiver(env: Env, id: number): Promise<Receiver | null> {
  const statement = env.DIRECTORY.prepare('SELECT id, name, hostname, key FROM receiver WHERE id = ? AND revoked_at IS NULL').bind(id);
  const [row] = (await readTogether<ReceiverRow>(env.DIRECTORY, statement)).results;
  return row ? { id: row.id, name: row.name, hostname: row.hostname, key: fromHex(row.key) } : null;
}

/** Revoked ones too, oldest first. */
export async function listReceivers(env: Env): Promise<ReceiverListing[]> {
  const rows = await env.DIRECTORY.prepare(
    'SELECT id, name, hostname, created_at AS createdAt, revoked_at AS revokedAt FROM receiver ORDER BY id',
  ).all<ReceiverListing>();
  return rows.results;
}

/** Host names of the receivers that take mail: the MX names of every domain (RFC 8461 §3.2 `mx`). */
export async function mxHosts(env: Env): Promise<string[]> {
  const rows = await env.DIRECTORY.prepare(
    'SELECT DISTINCT hostname FROM receiver WHERE revoked_at IS NULL AND hostname IS NOT NULL ORDER BY hostname',
  ).all<{ hostname: string }>();
  return rows.results.map((row) => row.hostname);
}

/**
 * Registers a receiver; the one of that name when it has the same key (its host name is updated).
 * `taken`: a live one of that name has another key.
 */
export async function addReceiver(
  env: Env,
  receiver: { name: string; hostname: string | null; key: Uint8Array },
  now: number,
): Promise<{ id: number; made: boolean } | 'taken'> {
  const key = toHex(receiver.key);
  try {
    const row = await env.DIRECTORY.prepare('INSERT INTO receiver (name, hostname, key, created_at) VALUES (?, ?, ?, ?) RETURNING id')
      .bind(receiver.name, receiver.hostname, key, now)
      .first<{ id: number }>();
    return { id: row?.id ?? 0, made: true };
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
  }
  const known = await env.DIRECTORY.prepare(
    'UPDATE receiver SET hostname = COALESCE(?, hostname) WHERE name = ? AND key = ? AND revoked_at IS NULL RETURNING id',
  )
    .bind(receiver.hostname, receiver.name, key)
    .first<{ id: number }>();
  return known ? { id: known.id, made: false } : 'taken';
}

/** From now on its signature counts for nothing, nor do the tokens bound to it. False when there is no such live receiver. */
export async function revokeReceiver(env: Env, id: number, now: number): Promise<boolean> {
  const [revoked] = await env.DIRECTORY.batch<{ id: number }>([
    env.DIRECTORY.prepare('UPDATE receiver SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL RETURNING id').bind(now, id),
    env.DIRECTORY.prepare('DELETE FROM token WHERE receiver = ?').bind(id),
  ]);
  return (revoked?.results.length ?? 0) > 0;
}
