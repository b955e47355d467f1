/**
 * The SQL of a change. Every statement takes its rows as one JSON parameter `?1` (an array of arrays in the order of its
 * columns), so that their number does not depend on the number of messages.
 */
import { textRow } from './text-rows.ts';

const ACCOUNT_COLUMNS = [
  'horizon',
  'nextEmail',
  'nextMailbox',
  'uidvalidity',
  'octets',
  'messages',
  'mailboxModseq',
  'emailModseq',
  'threadModseq',
  'deliveryModseq',
  'quotaModseq',
  'metadataModseq',
] as const;

export const UPDATE_ACCOUNTS = `UPDATE account SET
  modseq = CASE WHEN modseq = j.value->>'expected' THEN j.value->>'modseq' END,
  ${ACCOUNT_COLUMNS.map((column) => `${column} = j.value->>'${column}'`).join(', ')}
  FROM json_each(?1) j WHERE account.id = j.value->>'id'`;

export const MAILBOX_COLUMNS = [
  'key',
  'parent',
  'name',
  'role',
  'sortOrder',
  'subscribed',
  'uidvalidity',
  'uidnext',
  'highestModseq',
  'propertiesModseq',
  'modseq',
  'createdModseq',
  'destroyedModseq',
  'messages',
  'unseen',
  'emails',
  'unread',
  'threads',
  'unreadThreads',
];

export const PUT_MAILBOXES = `INSERT INTO mailbox (${MAILBOX_COLUMNS.join(', ')})
  SELECT ${MAILBOX_COLUMNS.map((_column, index) => `value->>${index}`).join(', ')} FROM json_each(?1) WHERE true
  ON CONFLICT (key) DO UPDATE SET ${MAILBOX_COLUMNS.slice(1)
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`;

export const EMAIL_COLUMNS = [
  'key',
  'account',
  'thread',
  'modseq',
  'live',
  'bornModseq',
  'createdModseq',
  'destroyedModseq',
  'keywordsModseq',
  'receivedAt',
  'sentAt',
  'size',
  'hasAttachment',
  'sha256',
  'keywords',
  'mailboxes',
  'placements',
  'sortFrom',
  'sortTo',
  'sortSubject',
  'source',
  'verdicts',
  'headersComplete',
  'subject',
  'preview',
  'headers',
  'structure',
];

export const INSERT_EMAILS = `INSERT INTO email (${EMAIL_COLUMNS.join(', ')})
  SELECT ${EMAIL_COLUMNS.map((_column, index) => `value->>${index}`).join(', ')} FROM json_each(?1)`;

const TEXT_ROW = textRow('(value->>0)', '(value->>1)', '(value->>2)');

export const INSERT_TEXTS = `INSERT INTO email_text (rowid, "from", "to", cc, bcc, subject, body, attachments)
  SELECT ${TEXT_ROW}, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9 FROM json_each(?1)`;

/** Takes account, hour and id of each. */
export const DELETE_TEXTS = `DELETE FROM email_text WHERE rowid IN (SELECT ${TEXT_ROW} FROM json_each(?1))`;

/** SQLite writes every index again that has a column in SET, so what seldom changes has statements of its own. */
export const UPDATE_EMAILS = `UPDATE email SET modseq = j.value->>1, createdModseq = j.value->>2, destroyedModseq = j.value->>3,
  keywordsModseq = j.value->>4, keywords = j.value->>5, mailboxes = j.value->>6, placements = j.value->>7
  FROM json_each(?1) j WHERE email.key = j.value->>0`;

export const UPDATE_LIVE = `UPDATE email SET live = j.value->>1 FROM json_each(?1) j WHERE email.key = j.value->>0`;

/** A tombstone keeps what `changes` needs and nothing of the message. */
export const BURY = `UPDATE email SET gone = 1, sortFrom = '', sortTo = '', sortSubject = '', subject = '', preview = '', headers = '',
  structure = '', verdicts = NULL WHERE key IN (SELECT value FROM json_each(?1))`;

export const INSERT_PLACEMENTS = `INSERT INTO placement (mailbox, uid, email, thread, receivedAt, unseen, listed)
  SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6 FROM json_each(?1)`;

export const UPDATE_UNSEEN = `UPDATE placement SET unseen = j.value->>2
  FROM json_each(?1) j WHERE placement.mailbox = j.value->>0 AND placement.uid = j.value->>1`;

export const UPDATE_LISTED = `UPDATE placement SET listed = j.value->>2
  FROM json_each(?1) j WHERE placement.mailbox = j.value->>0 AND placement.uid = j.value->>1`;

export const DELETE_PLACEMENTS = `DELETE FROM placement WHERE (mailbox, uid) IN (SELECT value->>0, value->>1 FROM json_each(?1))`;

export const PUT_REFERENCES = `INSERT INTO reference (account, hash, thread) SELECT value->>0, value->>1, value->>2 FROM json_each(?1) WHERE true
  ON CONFLICT (account, hash) DO UPDATE SET thread = excluded.thread`;

export const INSERT_RECEIPTS = `INSERT INTO receipt (spool, account, email) SELECT value->>0, value->>1, value->>2 FROM json_each(?1)`;

export const PUT_SENT_COPIES = `INSERT INTO sent_copy (account, hash, email, ours, at)
  SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each(?1) WHERE true
  ON CONFLICT (account, hash) DO UPDATE SET email = excluded.email, ours = excluded.ours, at = excluded.at`;

/** Pointing to an original that is being deleted undoes the batch; pointing to one that is only condemned saves it. */
export const GUARD_CONDEMNED = `INSERT INTO guard (broken) SELECT 'condemned' FROM condemned
  WHERE (account, sha256) IN (SELECT value->>0, value->>1 FROM json_each(?1)) AND deleting = 1`;
export const PARDON = `DELETE FROM condemned WHERE (account, sha256) IN (SELECT value->>0, value->>1 FROM json_each(?1))`;

/** Counts every thread of an account anew, by the rule of counters.ts; only when another mailbox becomes the trash. */
export const RECOUNT_THREADS = `WITH
  trash AS (SELECT key % 4294967296 AS id FROM mailbox WHERE key BETWEEN ?1 AND ?2 AND role = 'trash' AND destroyedModseq IS NULL),
  place AS (
    SELECT thread, m.value AS mailbox, m.value IN (SELECT id FROM trash) AS trashed,
      instr(keywords, '"$seen"') = 0 AND instr(keywords, '"$draft"') = 0 AS unread
    FROM email, json_each(email.mailboxes) m WHERE account = ?3 AND live = 1),
  unread AS (SELECT DISTINCT thread, trashed FROM place WHERE unread)
  UPDATE mailbox SET unreadThreads = (
    SELECT COUNT(DISTINCT p.thread) FROM place p JOIN unread u ON u.thread = p.thread AND u.trashed = p.trashed
    WHERE p.mailbox = mailbox.key % 4294967296)
  WHERE key BETWEEN ?1 AND ?2 AND destroyedModseq IS NULL`;
