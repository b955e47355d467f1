/**
 * An account's row and its six mailboxes: the MAIL half of an account, written before the directory knows it.
 */
import { DEFAULT_MAILBOXES } from '../../../shared/roles.ts';
import type { Env } from '../../env.ts';
import { mailDatabase } from './database.ts';
import { ACCOUNT_MAX, keyOf, keyRange } from './keys.ts';
import { inHours } from './text-rows.ts';

/** Makes the account's row and default mailboxes; does nothing when they are there. `quota` in octets, null for none. */
export async function createMailAccount(env: Env, shard: number, account: number, quota: number | null): Promise<void> {
  if (!Number.isInteger(account) || account < 1 || account > ACCOUNT_MAX) throw new RangeError(`no account id: ${account}`);
  const db = mailDatabase(env, shard);
  const now = Date.now();
  const uidvalidity = Math.floor(now / 1000);
  const count = DEFAULT_MAILBOXES.length;
  const mailboxes = DEFAULT_MAILBOXES.map(({ name, role }, index) => [
    keyOf(account, index + 1),
    name,
    role,
    index + 1,
    uidvalidity + index,
  ]);
  await db.batch([
    db
      .prepare(
        `INSERT INTO account (id, quota, modseq, nextHorizon, nextHorizonAt, nextMailbox, uidvalidity, mailboxModseq)
         VALUES (?1, ?2, 1, 0, ?3, ?4, ?5, 1) ON CONFLICT (id) DO NOTHING`,
      )
      .bind(account, quota, now, count + 1, uidvalidity + count),
    db
      .prepare(
        `INSERT INTO mailbox SELECT value->>0, NULL, value->>1, value->>2, value->>3, 1, value->>4, 1, 1, 1, 1, 1, NULL, 0, 0, 0, 0, 0, 0
         FROM json_each(?1) WHERE true ON CONFLICT (key) DO NOTHING`,
      )
      .bind(JSON.stringify(mailboxes)),
  ]);
}

/** Deletes an account's rows; what it has in R2 is found unused later and swept. The directory has let go of it before. */
export async function removeMailAccount(env: Env, shard: number, account: number): Promise<void> {
  const db = mailDatabase(env, shard);
  const range = keyRange(account);
  const inRange = (table: string, column: string) => db.prepare(`DELETE FROM ${table} WHERE ${column} BETWEEN ?1 AND ?2`).bind(...range);
  await db.batch([
    db.prepare('DELETE FROM account WHERE id = ?1').bind(account),
    db.prepare(`DELETE FROM email_text WHERE ${inHours('?1')}`).bind(account),
    inRange('placement', 'mailbox'),
    inRange('email', 'key'),
    inRange('mailbox', 'key'),
    inRange('metadata', 'mailbox'),
    inRange('identity', 'key'),
    inRange('submission', 'key'),
    inRange('submission_report', 'submission'),
    db.prepare('DELETE FROM vacation WHERE account = ?1').bind(account),
    db.prepare('DELETE FROM vacation_reply WHERE account = ?1').bind(account),
    inRange('push_subscription', 'key'),
    db.prepare('DELETE FROM reference WHERE account = ?1').bind(account),
  ]);
}
