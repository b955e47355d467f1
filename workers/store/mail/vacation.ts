/**
 * The vacation reply of an account (RFC 8621 §8): one row, and a flag on the account that delivery reads anyway. Whom it
 * has answered is remembered for a week (RFC 5230 §4.2); another text counts as another reply.
 */
import type { Env } from '../../env.ts';
import { moveClock, movedAccount } from './clock.ts';
import { mailDatabase, rowsOf } from './database.ts';
import { tellHub } from './hub.ts';
import type { Account, VacationRow } from './types.ts';

/** RFC 5230 §4.1 proposes seven days and asks for at least one. */
export const REPLY_INTERVAL_MS = 7 * 86_400_000;

interface StoredVacation extends Omit<VacationRow, 'isEnabled'> {
  isEnabled: number;
}

const COLUMNS = 'isEnabled, fromDate, toDate, subject, textBody, htmlBody';
const NONE: VacationRow = { isEnabled: false, fromDate: null, toDate: null, subject: null, textBody: null, htmlBody: null };

/** One query. */
export async function readVacation(env: Env, account: Account): Promise<VacationRow> {
  const statement = mailDatabase(env, account.shard).prepare(`SELECT ${COLUMNS} FROM vacation WHERE account = ?1`);
  const row = await statement.bind(account.id).first<StoredVacation>();
  return row ? vacationOf(row) : NONE;
}

function vacationOf({ isEnabled, ...row }: StoredVacation): VacationRow {
  return { ...row, isEnabled: isEnabled === 1 };
}

/** Changes the given fields; three queries and one to read. */
export async function setVacation(env: Env, account: Account, change: Partial<VacationRow>): Promise<void> {
  const { isEnabled, fromDate, toDate, subject, textBody, htmlBody } = { ...(await readVacation(env, account)), ...change };
  const db = mailDatabase(env, account.shard);
  const texts = [subject, textBody, htmlBody].map((text) => text?.toWellFormed() ?? null);
  const [moved] = await db.batch([
    moveClock(db, account.id, 'VacationResponse'),
    db
      .prepare(
        `INSERT INTO vacation (account, revision, ${COLUMNS}) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (account) DO UPDATE SET revision = vacation.revision + 1, isEnabled = ?2, fromDate = ?3, toDate = ?4, subject = ?5,
           textBody = ?6, htmlBody = ?7`,
      )
      .bind(account.id, isEnabled ? 1 : 0, fromDate, toDate, ...texts),
    db.prepare('UPDATE account SET vacation = ?2 WHERE id = ?1').bind(account.id, isEnabled ? 1 : 0),
  ]);
  const state = movedAccount(moved);
  if (state) tellHub(env, state);
}

/** A message that may be answered: from whom, when it came, and its name for ever. */
export interface VacationCause {
  sender: string;
  at: number;
  cause: string;
}

/**
 * The reply that is to go to this sender now, remembered as given; null when there is none in force or the sender had it
 * within a week. The same message may ask again, in case the first asker died. Two queries.
 */
export async function claimReply(env: Env, account: Account, { sender, at, cause }: VacationCause): Promise<VacationRow | null> {
  const db = mailDatabase(env, account.shard);
  const [claimed, row] = await db.batch([
    db
      .prepare(
        `INSERT INTO vacation_reply (account, sender, at, revision, cause)
         SELECT account, ?2, ?3, revision, ?4 FROM vacation WHERE account = ?1 AND isEnabled = 1
           AND (fromDate IS NULL OR fromDate <= ?3) AND (toDate IS NULL OR toDate > ?3)
         ON CONFLICT (account, sender) DO UPDATE SET at = excluded.at, revision = excluded.revision, cause = excluded.cause
           WHERE vacation_reply.at <= excluded.at - ${REPLY_INTERVAL_MS} OR vacation_reply.revision <> excluded.revision
             OR vacation_reply.cause = excluded.cause RETURNING account`,
      )
      .bind(account.id, sender, at, cause),
    db.prepare(`SELECT ${COLUMNS} FROM vacation WHERE account = ?1`).bind(account.id),
  ]);
  const [vacation] = rowsOf<StoredVacation>(row);
  return vacation && (claimed?.results.length ?? 0) > 0 ? vacationOf(vacation) : null;
}

/** Forgets who was answered more than a week ago. */
export function forgetReplies(db: D1Database, now: number): D1PreparedStatement {
  return db.prepare('DELETE FROM vacation_reply WHERE at <= ?1').bind(now - REPLY_INTERVAL_MS);
}
