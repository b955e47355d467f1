/**
 * Turns worked-out changes into one batch: all or nothing. The first statement moves each account's clock from where
 * it was read; where it stands elsewhere by now the column becomes NULL, which its constraint refuses, and
 * everything is undone. Statements are set-based: their number does not depend on the number of messages.
 */
import { indexRow, searchRow } from './content.ts';
import { eachChunk } from './database.ts';
import { keyOf, keyRange } from './keys.ts';
import type { Change } from './ledger.ts';
import { metadataStatements } from './metadata.ts';
import { type EmailState, isUnseen, isVisible, memberships, type Placement, present, writePlacements } from './rows.ts';
import {
  BURY,
  DELETE_PLACEMENTS,
  DELETE_TEXTS,
  EMAIL_COLUMNS,
  GUARD_CONDEMNED,
  INSERT_EMAILS,
  INSERT_PLACEMENTS,
  INSERT_RECEIPTS,
  INSERT_TEXTS,
  MAILBOX_COLUMNS,
  PARDON,
  PUT_MAILBOXES,
  PUT_REFERENCES,
  PUT_SENT_COPIES,
  RECOUNT_THREADS,
  UPDATE_ACCOUNTS,
  UPDATE_EMAILS,
  UPDATE_LISTED,
  UPDATE_LIVE,
  UPDATE_UNSEEN,
} from './statements.ts';
import { hourOf } from './text-rows.ts';

/** The statements of a batch that makes all of `changes`, or none. Accounts must differ and lie in `db`. */
export function changeStatements(db: D1Database, changes: readonly Change[]): D1PreparedStatement[] {
  const created = changes.flatMap(({ account, created }) => created.map((entry) => ({ account: account.id, ...entry })));
  const updated = changes.flatMap(({ account, updated }) => updated.map((entry) => ({ account: account.id, ...entry })));
  const gone = updated.filter(({ after }) => after.gone);
  const blobs = created.map(({ account, email }) => [account, email.sha256]);
  return [
    ...eachChunk(db, UPDATE_ACCOUNTS, changes.map(accountRow)),
    ...eachChunk(db, GUARD_CONDEMNED, blobs),
    ...eachChunk(db, PARDON, blobs),
    ...eachChunk(db, INSERT_EMAILS, created.map(newEmailRow)),
    ...eachChunk(
      db,
      INSERT_TEXTS,
      created.map(({ account, email, content }) => searchRow(account, email, content.index.search)),
    ),
    ...eachChunk(
      db,
      UPDATE_EMAILS,
      updated.map(({ account, after }) => changedEmailRow(account, after)),
    ),
    ...eachChunk(
      db,
      UPDATE_LIVE,
      updated.filter(turned).map(({ account, after }) => [keyOf(account, after.id), isVisible(after) ? 1 : 0]),
    ),
    ...eachChunk(
      db,
      BURY,
      gone.map(({ account, after }) => keyOf(account, after.id)),
    ),
    ...eachChunk(
      db,
      DELETE_TEXTS,
      gone.map(({ account, after }) => [account, hourOf(after.receivedAt), after.id]),
    ),
    ...placementStatements(db, created, updated),
    ...eachChunk(db, PUT_MAILBOXES, changes.flatMap(mailboxRows)),
    ...metadataStatements(db, changes),
    ...recounts(db, changes),
    ...eachChunk(
      db,
      PUT_REFERENCES,
      changes.flatMap(({ account, references }) => references.map(({ hash, thread }) => [account.id, hash, keyOf(account.id, thread)])),
    ),
    ...eachChunk(
      db,
      INSERT_RECEIPTS,
      changes.flatMap(({ account, receipts }) => receipts.map(({ spool, email }) => [spool, account.id, email])),
    ),
    ...eachChunk(
      db,
      PUT_SENT_COPIES,
      changes.flatMap(({ account, sentCopies, now }) =>
        sentCopies.map(({ hash, email, ours }) => [account.id, hash, email, ours ? 1 : 0, now]),
      ),
    ),
  ];
}

function accountRow({ account, expectedModseq }: Change): unknown {
  return { ...account, expected: expectedModseq };
}

function mailboxRows({ account, mailboxes }: Change): unknown[][] {
  return mailboxes.map((mailbox) => {
    const parent = mailbox.parent === null ? null : keyOf(account.id, mailbox.parent);
    const row: Record<string, unknown> = { ...mailbox, key: keyOf(account.id, mailbox.id), parent, subscribed: mailbox.subscribed ? 1 : 0 };
    return MAILBOX_COLUMNS.map((column) => row[column] ?? null);
  });
}

function newEmailRow({ account, email, content }: Change['created'][number] & { account: number }): unknown[] {
  const row: Record<string, unknown> = {
    ...email,
    ...indexRow(content),
    key: keyOf(account, email.id),
    account,
    thread: keyOf(account, email.thread),
    live: isVisible(email) ? 1 : 0,
    keywords: JSON.stringify(email.keywords),
    mailboxes: JSON.stringify(memberships(email)),
    placements: writePlacements(email.placements),
  };
  return EMAIL_COLUMNS.map((column) => row[column] ?? null);
}

function changedEmailRow(account: number, email: EmailState): unknown[] {
  return [
    keyOf(account, email.id),
    email.modseq,
    email.createdModseq,
    email.destroyedModseq,
    email.keywordsModseq,
    JSON.stringify(email.keywords),
    JSON.stringify(memberships(email)),
    writePlacements(email.placements),
  ];
}

function turned({ before, after }: { before: EmailState; after: EmailState }): boolean {
  return isVisible(before) !== isVisible(after);
}

type Account<Entry> = Entry & { account: number };

/** Rows of `placement` before and after, and the statements that lead from one to the other. */
function placementStatements(
  db: D1Database,
  created: Account<Change['created'][number]>[],
  updated: Account<Change['updated'][number]>[],
): D1PreparedStatement[] {
  const inserts: unknown[][] = [];
  const unseens: unknown[][] = [];
  const listeds: unknown[][] = [];
  const deletes: unknown[][] = [];
  for (const { account, email } of created) {
    for (const place of present(email)) inserts.push(placementRow(account, email, place));
  }
  for (const { account, before, after } of updated) {
    if (before.placements === after.placements && isUnseen(before) === isUnseen(after)) continue;
    const olds = new Map(present(before).map((place) => [`${place.mailbox}:${place.uid}`, placementRow(account, before, place)]));
    for (const place of present(after)) {
      const row = placementRow(account, after, place);
      const old = olds.get(`${place.mailbox}:${place.uid}`);
      olds.delete(`${place.mailbox}:${place.uid}`);
      if (!old) inserts.push(row);
      if (old && old[UNSEEN] !== row[UNSEEN]) unseens.push([row[0], row[1], row[UNSEEN]]);
      if (old && old[LISTED] !== row[LISTED]) listeds.push([row[0], row[1], row[LISTED]]);
    }
    for (const [mailbox, uid] of olds.values()) deletes.push([mailbox, uid]);
  }
  return [
    ...eachChunk(db, DELETE_PLACEMENTS, deletes),
    ...eachChunk(db, UPDATE_UNSEEN, unseens),
    ...eachChunk(db, UPDATE_LISTED, listeds),
    ...eachChunk(db, INSERT_PLACEMENTS, inserts),
  ];
}

/** Where `placementRow` has what may change. */
const UNSEEN = 5;
const LISTED = 6;

function placementRow(account: number, email: EmailState, place: Placement): unknown[] {
  const listed = present(email).find((other) => other.mailbox === place.mailbox && !other.deleted)?.uid === place.uid;
  const keys = [keyOf(account, place.mailbox), place.uid, keyOf(account, email.id), keyOf(account, email.thread)];
  return [...keys, email.receivedAt, isUnseen(email) ? 1 : 0, listed ? 1 : 0];
}

function recounts(db: D1Database, changes: readonly Change[]): D1PreparedStatement[] {
  const moved = changes.filter(({ recountThreads }) => recountThreads);
  return moved.map(({ account }) => db.prepare(RECOUNT_THREADS).bind(...keyRange(account.id), account.id));
}
