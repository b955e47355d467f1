/**
 * Changes to what is neither mail nor mailbox (identities, submissions): one batch that moves the account's clock
 * by one, marks the type, and touches rows. `${NEXT}` in their SQL is the clock after the move.
 */
import { type AccountState, STATE_COLUMNS } from './rows.ts';
import type { StateType } from './types.ts';

/** Moves the clock; goes first in its batch and returns the account's row as it is then. */
export function moveClock(db: D1Database, account: number, type: StateType, counter?: 'nextSubmission'): D1PreparedStatement {
  const count = counter ? `, ${counter} = ${counter} + 1` : '';
  const sql = `UPDATE account SET modseq = modseq + 1, ${STATE_COLUMNS[type]} = modseq + 1${count} WHERE id = ?1 RETURNING *`;
  return db.prepare(sql).bind(account);
}

/** The account's clock within a batch that has moved it; `?1` is the account. */
export const NEXT = '(SELECT modseq FROM account WHERE id = ?1)';

/** The row `moveClock` returned. */
export function movedAccount(result: D1Result | undefined): AccountState | undefined {
  return (result?.results as AccountState[] | undefined)?.[0];
}
