/**
 * The feed a mirror follows: everything that changed since its cursor, in pages, ordered by the clock. A cursor is
 * `base-modseq-key-mailboxes`: all up to `base` is known; emails up to (modseq, key) and mailboxes up to `mailboxes` were
 * sent since. Placements are told from `base` on, because an email is sent once, at its last change. A commit of a mirror that knows all
 * but the commit itself is answered with what the commit has worked out, and reads nothing.
 */
import type { Part } from '../../../shared/mime/index-types.ts';
import {
  type BridgeEmail,
  type BridgeIndex,
  type BridgeMailbox,
  type BridgePlacement,
  CHANGES_PAGE_MAX,
  type ChangesPage,
} from '../../../shared/protocol.ts';
import type { Env } from '../../env.ts';
import { keptTexts } from './content.ts';
import { mailDatabase, mailDatabases, rowsOf } from './database.ts';
import { keyRange } from './keys.ts';
import type { Change } from './ledger.ts';
import { NoSuchAccount } from './load.ts';
import { bridgeMetadata, readMetadata } from './metadata.ts';
import {
  type AccountState,
  EMAIL_STATE_COLUMNS,
  type EmailContent,
  type EmailState,
  type EmailStateRow,
  type MailboxState,
  type MailboxStateRow,
  type Placement,
  readEmailState,
  readMailboxState,
} from './rows.ts';
import type { Account } from './types.ts';

/** Characters of headers and structure in one page: a page is held in memory, and parsed, by both sides. */
const PAGE_LENGTH_MAX = 4_000_000;

interface Cursor {
  base: number;
  modseq: number;
  key: number;
  mailboxes: number;
}

const BEGINNING: Cursor = { base: 0, modseq: 0, key: 0, mailboxes: 0 };

type FeedRow = EmailStateRow & { length: number };

/** One page of changes. Two batches: the rows that changed, then the indexes of those that are new to the asker. */
export async function readChanges(env: Env, account: Account, cursor: string, limit: number): Promise<ChangesPage> {
  const db = mailDatabase(env, account.shard);
  return makePage(db, account, cursor, limit, await db.batch(feedStatements(db, account, cursor, limit)));
}

/** Reads what a page is made of; goes into any batch. */
export function feedStatements(db: D1Database, account: Account, cursor: string, limit: number): D1PreparedStatement[] {
  const at = parseCursor(cursor) ?? BEGINNING;
  return [
    db.prepare('SELECT * FROM account WHERE id = ?1').bind(account.id),
    db.prepare('SELECT * FROM mailbox WHERE key BETWEEN ?1 AND ?2 AND modseq > ?3').bind(...keyRange(account.id), at.mailboxes),
    db
      .prepare(
        `SELECT ${EMAIL_STATE_COLUMNS}, length(headers) + length(structure) AS length FROM email WHERE account = ?1
         AND modseq >= ?2 AND (modseq > ?2 OR key > ?3) AND (gone = 0 OR bornModseq <= ?2 OR ?5 > 0) ORDER BY modseq, key LIMIT ?4`,
      )
      .bind(account.id, at.modseq, at.key, limit + 1, at.base),
    readMetadata(db, account.id, at.mailboxes),
  ];
}

/** The page of what `feedStatements` found. */
export async function makePage(
  db: D1Database,
  account: Account,
  cursor: string,
  limit: number,
  [accounts, mailboxes, emails, metadata]: readonly D1Result[],
): Promise<ChangesPage> {
  const from = parseCursor(cursor);
  const at = from ?? BEGINNING;
  const state = rowsOf<AccountState>(accounts)[0];
  if (!state) throw new NoSuchAccount(`account ${account.id} has no mail here`);
  const isForgotten = at.base > 0 && at.base < state.horizon;
  if (!from || isForgotten || at.modseq > state.modseq)
    return { reset: true, mailboxes: [], emails: [], cursor: '', more: true, modseq: state.modseq };
  const rows = cutPage(rowsOf<FeedRow>(emails), limit, at.base);
  const more = rows.length < rowsOf<FeedRow>(emails).length;
  const last = rows.at(-1);
  const next = more && last ? { ...at, modseq: last.modseq, key: last.key, mailboxes: state.modseq } : null;
  return {
    reset: false,
    mailboxes: rowsOf<MailboxStateRow>(mailboxes).map(readMailboxState).filter(isNews(at)).map(bridgeMailbox),
    emails: await bridgeEmails(db, rows, at),
    cursor: next ? formatCursor(next) : String(state.modseq),
    more,
    modseq: state.modseq,
    usage: { octets: state.octets, quota: state.quota },
    ...(state.metadataModseq > at.mailboxes ? { metadata: bridgeMetadata(metadata) } : {}),
  };
}

/**
 * The page after a change that is all there is behind the cursor, since the batch that wrote it was guarded by the clock. Null when there
 * is more, or when annotations changed, which are told all together.
 */
export function pageOfChange(
  { account, created, updated, mailboxes, metadata, expectedModseq }: Change,
  cursor: string,
): ChangesPage | null {
  const { modseq, octets, quota, horizon } = account;
  if (cursor !== String(expectedModseq) || horizon > expectedModseq || metadata.length > 0) return null;
  const at: Cursor = { base: expectedModseq, modseq: expectedModseq, key: Number.MAX_SAFE_INTEGER, mailboxes: expectedModseq };
  const born = created.map(({ email, content }) => bridgeEmail(email, email.gone ? undefined : indexOfContent(email, content), at));
  return {
    reset: false,
    mailboxes: mailboxes.filter(isNews(at)).map(bridgeMailbox),
    emails: [...updated.map(({ after }) => bridgeEmail(after, undefined, at)), ...born],
    cursor: String(modseq),
    more: false,
    modseq,
    usage: { octets, quota },
  };
}

/** Tombstones of mailboxes that the asker never saw are no news. */
function isNews({ mailboxes }: Cursor): (mailbox: MailboxState) => boolean {
  return ({ destroyedModseq, createdModseq }) => destroyedModseq === null || createdModseq <= mailboxes;
}

/** At most `limit` rows; of new emails, which bring their indexes along, a page's usual number and a few megabytes; at least one row. */
function cutPage(rows: FeedRow[], limit: number, base: number): FeedRow[] {
  let length = 0;
  let born = 0;
  const end = rows.slice(0, limit).findIndex((row, index) => {
    if (row.bornModseq <= base) return false;
    length += row.length;
    born += 1;
    return index > 0 && (length > PAGE_LENGTH_MAX || born > CHANGES_PAGE_MAX);
  });
  return rows.slice(0, end === -1 ? limit : end);
}

interface IndexRow {
  key: number;
  sentAt: number | null;
  headersComplete: number;
  subject: string;
  preview: string;
  headers: string;
  structure: string;
}

/** What a mirror keeps of emails, by their keys. */
function readIndexes(db: D1Database, keys: readonly number[]): D1PreparedStatement {
  const sql = `SELECT key, sentAt, headersComplete, subject, preview, headers, structure FROM email WHERE key IN (SELECT value FROM json_each(?1))`;
  return db.prepare(sql).bind(JSON.stringify(keys));
}

async function bridgeEmails(db: D1Database, rows: FeedRow[], at: Cursor): Promise<BridgeEmail[]> {
  const born = rows.filter((row) => row.bornModseq > at.base && row.gone === 0).map(({ key }) => key);
  const { results } = born.length === 0 ? { results: [] } : await readIndexes(db, born).run<IndexRow>();
  const indexes = new Map(results.map((row) => [row.key, row]));
  return rows.map((row) => {
    const email = readEmailState(row);
    const index = indexes.get(row.key);
    return bridgeEmail(email, index?.structure ? indexOfRow(email, index) : undefined, at);
  });
}

/**
 * An email that may have been sent on an earlier page, and has changed since, is sent again with its expunged places. So is one that
 * came and went between two looks: a client may have seen it through another receiver (RFC 7162 §3.2.6).
 */
function bridgeEmail(email: EmailState, index: BridgeIndex | undefined, { base, modseq: position }: Cursor): BridgeEmail {
  const { id, keywordsModseq } = email;
  const isUnseen = email.bornModseq > position;
  const placements = email.placements.filter(({ modseq, expunged }) => (index ? base > 0 || !(isUnseen && expunged) : modseq > base));
  return {
    id,
    keywords: [...email.keywords],
    keywordsModseq,
    placements: placements.map(bridgePlacement(email)),
    ...(index ? { index } : {}),
    ...(email.gone ? { destroyed: true } : {}),
  };
}

function bridgePlacement({ receivedAt }: EmailState): (placement: Placement) => BridgePlacement {
  return ({ mailbox, uid, savedAt, deleted, modseq, expunged }) => ({
    mailbox,
    uid,
    receivedAt,
    savedAt,
    deleted,
    modseq,
    ...(expunged === undefined ? {} : { expunged: true }),
  });
}

function indexOfRow({ sha256, size, receivedAt, thread }: EmailState, row: IndexRow): BridgeIndex {
  const { sentAt, subject, headers, preview } = row;
  const [headersComplete, structure] = [row.headersComplete === 1, JSON.parse(row.structure) as Part];
  return { sha256, size, receivedAt, sentAt, thread, subject, headers, headersComplete, structure, preview };
}

function indexOfContent({ sha256, size, receivedAt, thread }: EmailState, { index }: EmailContent): BridgeIndex {
  const { sentAt, headersComplete, structure } = index;
  return { sha256, size, receivedAt, sentAt, thread, ...keptTexts(index), headersComplete, structure };
}

function bridgeMailbox(mailbox: MailboxState): BridgeMailbox {
  const { id, parent, name, role, subscribed, uidvalidity, uidnext, highestModseq, modseq, destroyedModseq } = mailbox;
  const row = { id, parent, name, role, subscribed, uidvalidity, uidnext, highestModseq, modseq };
  return destroyedModseq === null ? row : { ...row, destroyed: true };
}

/** Null when it is none of ours. */
function parseCursor(text: string): Cursor | null {
  if (text === '') return BEGINNING;
  const match = /^(\d{1,15})(?:-(\d{1,15})-(\d{1,16})-(\d{1,15}))?$/.exec(text);
  if (!match) return null;
  const base = Number(match[1]);
  const modseq = Number(match[2] ?? base);
  return { base, modseq, key: Number(match[3] ?? Number.MAX_SAFE_INTEGER), mailboxes: Number(match[4] ?? base) };
}

function formatCursor({ base, modseq, key, mailboxes }: Cursor): string {
  return `${base}-${modseq}-${key}-${mailboxes}`;
}

/** Heads of many feeds: account → modseq. Unknown accounts are left out. One query a shard. */
export async function readHeads(env: Env, accounts: readonly number[]): Promise<Record<string, number>> {
  const heads: Record<string, number> = {};
  for (const db of mailDatabases(env)) {
    const statement = db.prepare('SELECT id, modseq FROM account WHERE id IN (SELECT value FROM json_each(?1))');
    const { results } = await statement.bind(JSON.stringify(accounts)).run<{ id: number; modseq: number }>();
    for (const { id, modseq } of results) heads[id] = modseq;
  }
  return heads;
}
