/**
 * Reading emails, threads and mailboxes as the doors see them. One query each, one row read per object (and one index
 * entry per email of a thread).
 */
import type { Part } from '../../../shared/mime/index-types.ts';
import type { Env } from '../../env.ts';
import { mailDatabase, readTogether } from './database.ts';
import { idOf, keyRange, keysJson } from './keys.ts';
import { type MailboxStateRow, readMailboxState } from './rows.ts';
import type { Account, EmailRow, MailboxRow } from './types.ts';

interface StoredEmail {
  key: number;
  thread: number;
  modseq: number;
  receivedAt: number;
  sentAt: number | null;
  size: number;
  hasAttachment: number;
  sha256: string;
  keywords: string;
  mailboxes: string;
  headersComplete: number;
  subject: string;
  preview: string;
  headers: string;
  structure: string;
}

const COLUMNS = `key, thread, modseq, receivedAt, sentAt, size, hasAttachment, sha256, keywords, mailboxes, headersComplete, subject, preview, headers, structure`;

/** In the order asked; foreign ids and those without a live membership are left out. */
export async function readEmails(env: Env, account: Account, ids: number[]): Promise<EmailRow[]> {
  const sql = `SELECT ${COLUMNS} FROM email WHERE key IN (SELECT value FROM json_each(?1)) AND live = 1`;
  const db = mailDatabase(env, account.shard);
  const { results } = await readTogether<StoredEmail>(db, db.prepare(sql).bind(keysJson(account.id, ids)));
  const found = new Map(results.map((row) => [idOf(row.key), row]));
  return ids
    .map((id) => found.get(id))
    .filter((row) => row !== undefined)
    .map(readEmail);
}

function readEmail(row: StoredEmail): EmailRow {
  const { key, thread, hasAttachment, keywords, mailboxes, headersComplete, structure, ...same } = row;
  let tree: Part | null = null;
  return {
    ...same,
    id: idOf(key),
    thread: idOf(thread),
    hasAttachment: hasAttachment === 1,
    keywords: JSON.parse(keywords) as string[],
    mailboxes: JSON.parse(mailboxes) as number[],
    headersComplete: headersComplete === 1,
    // Kilobytes of JSON that a listing does not look at.
    get structure() {
      tree ??= JSON.parse(structure) as Part;
      return tree;
    },
  };
}

/** Thread → its emails by receivedAt, then id. */
export async function readThreads(env: Env, account: Account, ids: number[]): Promise<Map<number, number[]>> {
  const sql = `SELECT thread, key FROM email WHERE thread IN (SELECT value FROM json_each(?1)) AND gone = 0 AND live = 1 ORDER BY receivedAt, key`;
  const db = mailDatabase(env, account.shard);
  const { results } = await readTogether<{ thread: number; key: number }>(db, db.prepare(sql).bind(keysJson(account.id, ids)));
  const threads = new Map<number, number[]>();
  for (const { thread, key } of results) {
    const emails = threads.get(idOf(thread));
    if (emails) emails.push(idOf(key));
    else threads.set(idOf(thread), [idOf(key)]);
  }
  return threads;
}

/** The first `max` threads that have emails. One query; it reads the emails of those threads. */
export async function readThreadIds(env: Env, account: Account, max: number): Promise<number[]> {
  const sql = 'SELECT DISTINCT thread FROM email WHERE thread BETWEEN ?1 AND ?2 AND gone = 0 AND live = 1 ORDER BY thread LIMIT ?3';
  const db = mailDatabase(env, account.shard);
  const { results } = await readTogether<{ thread: number }>(db, db.prepare(sql).bind(...keyRange(account.id), max));
  return results.map(({ thread }) => idOf(thread));
}

/** Every mailbox that exists, by sort order and name. */
export async function readMailboxes(env: Env, account: Account): Promise<MailboxRow[]> {
  const sql = 'SELECT * FROM mailbox WHERE key BETWEEN ?1 AND ?2 AND destroyedModseq IS NULL ORDER BY sortOrder, name, key';
  const db = mailDatabase(env, account.shard);
  const { results } = await readTogether<MailboxStateRow>(db, db.prepare(sql).bind(...keyRange(account.id)));
  return results.map((row) => {
    const { createdModseq: _created, destroyedModseq: _destroyed, ...mailbox } = readMailboxState(row);
    return mailbox;
  });
}
