/**
 * Push subscriptions (RFC 8620 §7.2): where an account's clients want to be told of changes. They belong to a login and
 * have no state of their own; a destroyed one is deleted, because its URL and keys must be erased.
 */
import type { Env } from '../../env.ts';
import { mailDatabase } from './database.ts';
import { idOf, keyOf, keyRange } from './keys.ts';
import type { Account } from './types.ts';

export interface PushSubscriptionRow {
  id: number;
  /** The name of the login that made it (directory/logins.ts). */
  login: string;
  deviceClientId: string;
  url: string;
  /** Base64url, as the client gave them; null: pushes are not encrypted. */
  keys: { p256dh: string; auth: string } | null;
  /** What the client must send back before anything but the verification is pushed. */
  code: string;
  verified: boolean;
  wrongCodes: number;
  /** Epoch milliseconds; null: as long as its session. */
  expires: number | null;
  /** Epoch milliseconds: its end, whichever comes first. */
  ends: number;
  /** Null for all. */
  types: string[] | null;
  /** The public VAPID key that the client subscribed with. */
  serverKey: string;
}

/** What one call changes, together or not at all. */
export interface PushSubscriptionChanges {
  put: readonly PushSubscriptionRow[];
  destroy: readonly number[];
}

interface Columns extends Omit<PushSubscriptionRow, 'id' | 'keys' | 'verified' | 'types'> {
  key: number;
  p256dh: string | null;
  auth: string | null;
  verified: number;
  types: string | null;
}

/** An id is drawn at random, so that none is used twice although nothing remembers those that went. */
const ID_RANGE = 2 ** 31;

/** A new id. */
export function newPushSubscriptionId(): number {
  return 1 + ((crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % (ID_RANGE - 1));
}

/** All of the account, ended ones too. One query. */
export async function readPushSubscriptions(env: Env, account: Account): Promise<PushSubscriptionRow[]> {
  const { results } = await mailDatabase(env, account.shard)
    .prepare('SELECT * FROM push_subscription WHERE key BETWEEN ?1 AND ?2 ORDER BY key')
    .bind(...keyRange(account.id))
    .run<Columns>();
  return results.map(({ key, p256dh, auth, verified, types, ...row }) => ({
    ...row,
    id: idOf(key),
    keys: p256dh !== null && auth !== null ? { p256dh, auth } : null,
    verified: verified === 1,
    types: types === null ? null : (JSON.parse(types) as string[]),
  }));
}

/** Two statements at most, in one batch. */
export async function changePushSubscriptions(env: Env, account: Account, { put, destroy }: PushSubscriptionChanges): Promise<void> {
  const db = mailDatabase(env, account.shard);
  const statements: D1PreparedStatement[] = [];
  if (put.length > 0) {
    const columns = [...Array(13).keys()].map((column) => `value->>${column}`).join(', ');
    const rows = put.map((row) => columnsOf(account.id, row));
    statements.push(
      db.prepare(`INSERT OR REPLACE INTO push_subscription SELECT ${columns} FROM json_each(?1)`).bind(JSON.stringify(rows).toWellFormed()),
    );
  }
  if (destroy.length > 0) {
    const keys = destroy.map((id) => keyOf(account.id, id));
    statements.push(db.prepare('DELETE FROM push_subscription WHERE key IN (SELECT value FROM json_each(?1))').bind(JSON.stringify(keys)));
  }
  if (statements.length > 0) await db.batch(statements);
}

/** In the order of the table. */
function columnsOf(account: number, row: PushSubscriptionRow): unknown[] {
  const { id, login, deviceClientId, url, keys, code, verified, wrongCodes, expires, ends, types, serverKey } = row;
  const secrets = [keys?.p256dh ?? null, keys?.auth ?? null, code, verified ? 1 : 0, wrongCodes];
  const wishes = [expires, ends, types === null ? null : JSON.stringify(types), serverKey];
  return [keyOf(account, id), login, deviceClientId, url, ...secrets, ...wishes];
}
