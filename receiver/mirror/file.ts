/**
 * One account's mirror on disk: what the edge's pages of changes said, and how far they have been read. Each page is one
 * transaction together with its cursor, so a process killed at any moment goes on where it stopped
 * (shared/protocol.ts, "bridge"). Nothing is written here that did not come from the edge.
 */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { BridgeMailbox, BridgePlacement } from '../../shared/protocol.ts';
import { Annotations } from './annotations.ts';
import { FlagSets, flagCode } from './flag-sets.ts';
import type { ContentRow, EmailRow, PageRows } from './rows.ts';
import { openDatabase } from './schema.ts';
import { markClosed } from './soundness.ts';
import type { Touched } from './touched.ts';
import { Vanished } from './vanished.ts';

/** A mailbox as it is shown: `uidnext` is where the last finished round of changes ended. */
export interface MailboxRow {
  id: number;
  parent: number | null;
  name: string;
  role: string | null;
  subscribed: boolean;
  uidvalidity: number;
  uidnext: number;
  highestModseq: number;
}

/** A message in a mailbox, as little of it as flags need. */
export interface EntryRow {
  uid: number;
  email: number;
  /** See flag-sets.ts. */
  code: number;
  modseq: number;
  size: number;
}

/** Keyword sets remembered while pages are applied; mailboxes know a few dozen. */
const KEYWORD_SETS_REMEMBERED = 4096;

/** Entries read by one statement while a mailbox is loaded. */
const ENTRIES_AT_ONCE = 4096;

/** uid, email, keyword set, deleted, modseq, size */
type EntryTuple = [number, number, number, number, number, number];
const ENTRY = `SELECT p.uid, p.email, e.keyword_set, p.deleted, max(p.modseq, e.keywords_modseq) AS modseq, e.size
  FROM placement p CROSS JOIN email e ON e.id = p.email WHERE p.mailbox = ?`;
const ENTRIES_OF = `SELECT p.uid, p.email, e.keyword_set, p.deleted, max(p.modseq, e.keywords_modseq), e.size FROM json_each(?2) j
  CROSS JOIN placement p ON p.mailbox = ?1 AND p.uid = j.value CROSS JOIN email e ON e.id = p.email`;
const SET_KEYWORDS = 'UPDATE email SET keyword_set = ?, keywords_modseq = ? WHERE id IN (SELECT value FROM json_each(?))';
const PLACES_OF = 'SELECT p.mailbox, p.uid FROM json_each(?) j CROSS JOIN placement p ON p.email = j.value';
const PUBLISHED = 'max(uidnext, published_uidnext, coalesce((SELECT max(uid) + 1 FROM placement WHERE mailbox = mailbox.id), 1))';

export class MirrorFile {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #keywordSets = new Map<string, number>();
  readonly flagSets: FlagSets;
  /** Names this file and no other: what is made of its email numbers belongs to it alone. */
  readonly generation: string;
  readonly vanished: Vanished;
  readonly annotations: Annotations;
  /** '' before the first page. */
  cursor: string;
  /** The account's modseq at the last finished round. */
  modseq: number;
  /** The first synchronisation has ended; until then nothing in here is shown. */
  complete: boolean;

  /** Throws `UnusableFile` (schema.ts). */
  constructor(path: string) {
    this.path = path;
    this.#database = openDatabase(path);
    this.flagSets = new FlagSets((id) => String(this.statement('SELECT keywords FROM keyword_set WHERE id = ?').get(id)?.keywords ?? ''));
    const meta = new Map(this.rows<{ name: string; value: unknown }>('SELECT name, value FROM meta').map((row) => [row.name, row.value]));
    this.cursor = String(meta.get('cursor') ?? '');
    this.modseq = Number(meta.get('modseq') ?? 0);
    this.complete = meta.get('complete') === 1;
    this.generation = String(meta.get('generation') ?? randomUUID());
    this.#setMeta('generation', this.generation);
    this.annotations = new Annotations(meta.get('usage'), meta.get('metadata'));
    this.vanished = new Vanished(this, Number(meta.get('forgotten') ?? 0));
  }

  /** Prepared once. */
  statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const made = this.#database.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }

  /** All rows of a statement whose columns the caller knows. */
  rows<Row>(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.statement(sql).all(...parameters) as unknown as Row[];
  }

  /** The same as arrays, in the order of the columns: half the time of objects where rows come by the thousand. */
  tuples<Tuple extends unknown[]>(sql: string, ...parameters: SQLInputValue[]): Tuple[] {
    const key = `tuples ${sql}`;
    const statement = this.#statements.get(key) ?? this.#database.prepare(sql);
    if (!this.#statements.has(key)) {
      statement.setReturnArrays(true);
      this.#statements.set(key, statement);
    }
    return statement.all(...parameters) as unknown as Tuple[];
  }

  /** Writes one page and its cursor. Answers how many emails came without the index that this file lacks: a defect of the feed. */
  apply(page: PageRows, touched: Touched): number {
    return this.#transaction(() => {
      let missing = 0;
      for (const mailbox of page.mailboxes) this.#applyMailbox(mailbox);
      const [flagged, others] = partition(page.emails, isOnlyFlagged);
      this.#applyKeywords(flagged, touched);
      for (const email of others) missing += this.#applyEmail(email, page.modseq, touched);
      this.annotations.apply(page, (name, value) => this.#setMeta(name, value));
      if (!page.more) this.#publish(page.modseq);
      this.#setMeta('cursor', page.cursor);
      this.cursor = page.cursor;
      return missing;
    });
  }

  mailboxes(): MailboxRow[] {
    const rows = this.rows<Omit<MailboxRow, 'subscribed'> & { subscribed: number }>(
      `SELECT id, parent, name, role, subscribed, uidvalidity, published_uidnext AS uidnext, highest_modseq AS highestModseq
       FROM mailbox ORDER BY id`,
    );
    return rows.map((row) => ({ ...row, subscribed: row.subscribed === 1 }));
  }

  /** Every message of a mailbox below `uidnext`, by uid. */
  *entries(mailbox: number, uidnext: number): Iterable<EntryRow> {
    const sql = `${ENTRY} AND p.uid > ? AND p.uid < ? ORDER BY p.uid LIMIT ${ENTRIES_AT_ONCE}`;
    for (let last = 0; ; ) {
      const rows = this.tuples<EntryTuple>(sql, mailbox, last, uidnext);
      for (const row of rows) yield this.#entry(row);
      if (rows.length < ENTRIES_AT_ONCE) return;
      last = rows.at(-1)?.[0] ?? uidnext;
    }
  }

  count(mailbox: number): number {
    return Number(this.statement('SELECT count(*) AS n FROM placement WHERE mailbox = ?').get(mailbox)?.n);
  }

  /** Those of `uids` (ascending) that are there, in their order. */
  *entriesOf(mailbox: number, uids: readonly number[]): Iterable<EntryRow> {
    for (let at = 0; at < uids.length; at += ENTRIES_AT_ONCE) {
      const some = uids.slice(at, at + ENTRIES_AT_ONCE);
      for (const row of this.tuples<EntryTuple>(ENTRIES_OF, mailbox, JSON.stringify(some))) yield this.#entry(row);
    }
  }

  close(): void {
    this.#database.close();
    markClosed(this.path);
  }

  #transaction<T>(work: () => T): T {
    const before = { cursor: this.cursor, modseq: this.modseq, complete: this.complete };
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      Object.assign(this, before);
      this.#keywordSets.clear();
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #run(sql: string, ...parameters: SQLInputValue[]): void {
    this.statement(sql).run(...parameters);
  }

  #setMeta(name: string, value: SQLInputValue): void {
    this.#run('INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value', name, value);
  }

  /** A round has ended: what it brought may be shown. */
  #publish(modseq: number): void {
    this.#run(`UPDATE mailbox SET published_uidnext = ${PUBLISHED} WHERE published_uidnext <> ${PUBLISHED}`);
    if (!this.complete) this.vanished.begin();
    const forgotten = this.vanished.trim();
    if (forgotten !== null) this.#setMeta('forgotten', forgotten);
    this.#setMeta('modseq', modseq);
    this.#setMeta('complete', 1);
    this.modseq = modseq;
    this.complete = true;
  }

  #applyMailbox(mailbox: BridgeMailbox): void {
    if (mailbox.destroyed) {
      this.#run('DELETE FROM placement WHERE mailbox = ?', mailbox.id);
      this.#run('DELETE FROM mailbox WHERE id = ?', mailbox.id);
      this.vanished.forget(mailbox.id);
      return;
    }
    const { id, parent, name, role, subscribed, uidvalidity, uidnext, highestModseq } = mailbox;
    this.#run(
      `INSERT INTO mailbox (id, parent, name, role, subscribed, uidvalidity, uidnext, highest_modseq) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET parent = excluded.parent, name = excluded.name, role = excluded.role, subscribed = excluded.subscribed,
         uidvalidity = excluded.uidvalidity, uidnext = excluded.uidnext, highest_modseq = excluded.highest_modseq`,
      ...[id, parent, name, role, subscribed ? 1 : 0, uidvalidity, uidnext, highestModseq],
    );
  }

  /** `modseq`: of the page; what vanished without saying when has vanished by then. */
  #applyEmail(email: EmailRow, modseq: number, touched: Touched): number {
    const known = this.statement('SELECT keyword_set, keywords_modseq FROM email WHERE id = ?').get(email.id);
    if (email.destroyed) {
      if (known) this.#vanishAll(email.id, modseq, touched);
      for (const placement of email.placements) this.#applyPlacement(email.id, placement, touched);
      return 0;
    }
    if (email.content) {
      if (known) this.#forget(email.id, touched);
      this.#addEmail(email, email.content);
    } else if (!known) {
      if (email.placements.some((placement) => !placement.expunged)) return 1;
    } else {
      this.#setKeywords(email, known, touched);
    }
    for (const placement of email.placements) this.#applyPlacement(email.id, placement, touched);
    return 0;
  }

  #addEmail(email: EmailRow, content: ContentRow): void {
    const { sha256, size, sentAt, thread, envelope, body, bodyStructure, preview, headersComplete, headers, structure } = content;
    const set = this.#keywordSet(email.keywords);
    this.#run('INSERT INTO email VALUES (?, ?, ?, ?, ?, ?, ?)', email.id, set, email.keywordsModseq, size, sentAt, thread, sha256);
    const complete = headersComplete ? '1' : '0';
    const texts = [envelope, body, bodyStructure, preview, complete, headers, structure];
    this.#run('INSERT INTO content VALUES (?, ?, ?, ?, ?, ?, ?, ?)', email.id, ...texts);
    this.#addKeys(email.id, content);
  }

  #addKeys(email: number, { keys, headersComplete }: ContentRow): void {
    const { sent, written, reply, base, subject, sortFrom, sortTo, sortCc, displayFrom, displayTo, ids, from, to, cc, bcc } = keys;
    const sorting = [base, subject, sortFrom, sortTo, sortCc, displayFrom, displayTo, new Uint8Array(ids.buffer)];
    this.#run(
      'INSERT INTO message_key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[email, sent, written, reply ? 1 : 0, headersComplete ? 1 : 0, ...sorting, from, to, cc, bcc],
    );
  }

  /** What a STORE of thousands brings: those that are alike at once. What is not known here has no place here. */
  #applyKeywords(emails: EmailRow[], touched: Touched): void {
    const alike = Map.groupBy(emails, ({ keywords, keywordsModseq }) => `${keywordsModseq} ${keywords}`);
    for (const group of alike.values()) {
      const [{ keywords, keywordsModseq } = { keywords: '', keywordsModseq: 0 }] = group;
      const ids = JSON.stringify(group.map(({ id }) => id));
      this.#run(SET_KEYWORDS, this.#keywordSet(keywords), keywordsModseq, ids);
      for (const [mailbox, uid] of this.tuples<[number, number]>(PLACES_OF, ids)) touched.add(mailbox, uid);
    }
  }

  #setKeywords(email: EmailRow, known: Record<string, unknown>, touched: Touched): void {
    const set = this.#keywordSet(email.keywords);
    if (set === known.keyword_set && email.keywordsModseq === known.keywords_modseq) return;
    this.#run('UPDATE email SET keyword_set = ?, keywords_modseq = ? WHERE id = ?', set, email.keywordsModseq, email.id);
    this.#touchPlacements(email.id, touched);
  }

  #applyPlacement(email: number, placement: BridgePlacement, touched: Touched): void {
    const { mailbox, uid, receivedAt, savedAt, deleted, modseq } = placement;
    if (placement.expunged) {
      this.#run('DELETE FROM placement WHERE mailbox = ? AND uid = ?', mailbox, uid);
      this.vanished.add(mailbox, uid, modseq);
    } else
      this.#run(
        'INSERT OR REPLACE INTO placement VALUES (?, ?, ?, ?, ?, ?, ?)',
        ...[mailbox, uid, email, receivedAt, savedAt, deleted ? 1 : 0, modseq],
      );
    touched.add(mailbox, uid);
  }

  /** The email is gone with all its places. */
  #vanishAll(email: number, modseq: number, touched: Touched): void {
    for (const { mailbox, uid } of this.#placementsOf(email)) this.vanished.add(mailbox, uid, modseq);
    this.#forget(email, touched);
  }

  #forget(email: number, touched: Touched): void {
    this.#touchPlacements(email, touched);
    this.#run('DELETE FROM placement WHERE email = ?', email);
    this.#run('DELETE FROM content WHERE email = ?', email);
    this.#run('DELETE FROM message_key WHERE email = ?', email);
    this.#run('DELETE FROM email WHERE id = ?', email);
  }

  #touchPlacements(email: number, touched: Touched): void {
    for (const { mailbox, uid } of this.#placementsOf(email)) touched.add(mailbox, uid);
  }

  #placementsOf(email: number): { mailbox: number; uid: number }[] {
    return this.rows('SELECT mailbox, uid FROM placement WHERE email = ?', email);
  }

  #keywordSet(keywords: string): number {
    const known = this.#keywordSets.get(keywords);
    if (known !== undefined) return known;
    this.#run('INSERT INTO keyword_set (keywords) VALUES (?) ON CONFLICT DO NOTHING', keywords);
    const id = Number(this.statement('SELECT id FROM keyword_set WHERE keywords = ?').get(keywords)?.id);
    if (this.#keywordSets.size >= KEYWORD_SETS_REMEMBERED) this.#keywordSets.clear();
    this.#keywordSets.set(keywords, id);
    return id;
  }

  /** Reads the flag set with it, because a mailbox in use may outlive this file by a rebuild. */
  #entry([uid, email, keywordSet, deleted, modseq, size]: EntryTuple): EntryRow {
    const code = flagCode(keywordSet, deleted === 1);
    this.flagSets.get(code);
    return { uid, email, code, modseq, size };
  }
}

/** Nothing but its keywords has changed. */
function isOnlyFlagged({ content, destroyed, placements }: EmailRow): boolean {
  return !content && !destroyed && placements.length === 0;
}

function partition<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): [Item[], Item[]] {
  const [first, second]: [Item[], Item[]] = [[], []];
  for (const item of items) (isFirst(item) ? first : second).push(item);
  return [first, second];
}
