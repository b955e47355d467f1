/** How an account's columns become the account that the doors know. */
import type { Account } from '../mail/types.ts';

/** Columns of `account ac`, under names that join with any other table's. */
export const ACCOUNT_COLUMNS =
  'ac.id AS account_id, ac.shard AS account_shard, ac.address AS account_address, ac.name AS account_name, ac.quota AS account_quota, ac.imap_without AS account_imap_without';

/** A row that carries `ACCOUNT_COLUMNS`; nulls when an outer join found no account. */
export interface AccountColumns {
  account_id: number | null;
  account_shard: number;
  account_address: string;
  account_name: string;
  account_quota: number | null;
  /** Names separated by spaces. */
  account_imap_without: string;
}

/** Null when the join found none. */
export function accountOf(row: AccountColumns | null): Account | null {
  if (row === null || row.account_id === null) return null;
  return {
    id: row.account_id,
    shard: row.account_shard,
    address: row.account_address,
    name: row.account_name,
    quota: row.account_quota,
    ...(row.account_imap_without === '' ? {} : { imapWithout: row.account_imap_without.split(' ') }),
  };
}

/** Whether a batch failed because a row of that name is there already. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && /UNIQUE constraint failed/.test(error.message);
}
