/**
 * The quota of an account (RFC 9425), of which there is one or none. Its state moves with every change of what is stored and
 * with every setting; the account's row also keeps when it was last set and when it came to be. One query each.
 */
import type { Env } from '../../env.ts';
import { mailDatabase } from './database.ts';
import { tellHub } from './hub.ts';
import type { AccountState } from './rows.ts';
import { parsePosition, readAccount } from './states.ts';
import type { Account, QuotaChanges } from './types.ts';

/** Sets the quota in octets, null for none. */
export async function setQuota(env: Env, shard: number, account: number, quota: number | null): Promise<void> {
  const sql = `UPDATE account SET quota = ?2, modseq = modseq + 1, quotaModseq = modseq + 1, quotaSetModseq = modseq + 1,
    quotaBornModseq = CASE WHEN quota IS NULL AND ?2 IS NOT NULL THEN modseq + 1 ELSE quotaBornModseq END WHERE id = ?1 RETURNING *`;
  const row = await mailDatabase(env, shard).prepare(sql).bind(account, quota).first<AccountState>();
  if (row) tellHub(env, row);
}

/** What became of the quota since a state; null when that cannot be told. */
export async function quotaChanges(env: Env, account: Account, since: string): Promise<QuotaChanges | null> {
  const row = await readAccount(env, account);
  const position = parsePosition(since, row);
  if (!position) return null;
  const { base } = position;
  return { change: changeSince(row, base), onlyUsed: row.quotaSetModseq <= base, newState: String(row.quotaModseq) };
}

function changeSince(row: AccountState, base: number): QuotaChanges['change'] {
  if (row.quotaModseq <= base) return 'none';
  if (row.quota !== null) return row.quotaBornModseq > base ? 'created' : 'updated';
  return row.quotaSetModseq > base ? 'destroyed' : 'none';
}
