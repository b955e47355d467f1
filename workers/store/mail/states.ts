/**
 * State strings (RFC 8620 §5.1): the decimal modseq at which a type last changed. While a `/changes` answer is taken page
 * by page, its intermediate states also say from where it started and which row came last: `base-modseq-key`.
 */
import type { Env } from '../../env.ts';
import { mailDatabase, readTogether } from './database.ts';
import { NoSuchAccount } from './load.ts';
import { type AccountState, STATE_COLUMNS } from './rows.ts';
import type { Account, StateType } from './types.ts';

export type States = Record<StateType, string> & { modseq: number };

/** The account's row. One query. */
export async function readAccount(env: Env, account: Account): Promise<AccountState> {
  const sql = 'SELECT * FROM account WHERE id = ?1';
  const db = mailDatabase(env, account.shard);
  const row = (await readTogether<AccountState>(db, db.prepare(sql).bind(account.id))).results[0];
  if (!row) throw new NoSuchAccount(`account ${account.id} has no mail here`);
  return row;
}

export function statesOf(account: AccountState): States {
  const entries = Object.entries(STATE_COLUMNS).map(([type, column]) => [type, String(account[column])]);
  return { ...(Object.fromEntries(entries) as Record<StateType, string>), modseq: account.modseq };
}

/** Where a reader of changes stands: all that happened up to `base` is known, and rows up to (modseq, key) were seen since. */
export interface Position {
  base: number;
  modseq: number;
  key: number;
}

/** Null when it is no state of ours, or one that the account has forgotten or not reached. */
export function parsePosition(state: string, account: Pick<AccountState, 'modseq' | 'horizon'>): Position | null {
  const match = /^(\d{1,15})(?:-(\d{1,15})-(\d{1,16}))?$/.exec(state);
  if (!match) return null;
  const base = Number(match[1]);
  const position = { base, modseq: Number(match[2] ?? base), key: Number(match[3] ?? Number.MAX_SAFE_INTEGER) };
  const isKnown = base >= account.horizon && position.modseq >= base && position.modseq <= account.modseq;
  return isKnown ? position : null;
}

export function formatPosition({ base, modseq, key }: Position): string {
  return `${base}-${modseq}-${key}`;
}
