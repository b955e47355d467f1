/**
 * One account's mirror on disk: what the edge's pages of changes said, and how far they have been read. Each page is one
 * transaction together with its cursor, so a process killed at any moment goes on where it stopped
 * (shared/protocol.ts, "bridge"). Nothing is written here that did not come from the edge.
 */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { BridgeMailbox } from '../../shared/protocol.ts';
import { Annotations } from './annotations.ts';
import { EmailTables } from './email-tables.ts';
import { FlagSets, flagCode } from './flag-sets.ts';
import type { PageRows } from './rows.ts';
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

/** Entries read by one statement while a mailbox is loaded. */
const ENTRIES_AT_ONCE = 4096;

/** uid, email, keyword set, deleted, modseq, size */
type EntryTuple = [number, number, number, number, number, number];
const ENTRY = `SELECT p.uid, p.email, e.keyword_set, p.deleted, max(p.modseq, e.keywords_modseq) AS modseq, e.size
  FROM placement p CROSS JOIN email e ON e.id = p.email WHERE p.mailbox = ?`;
const ENTRIES_OF = `SELECT p.uid, p.email, e.keyword_set, p.deleted, max(p.modseq, e.keywords_modseq), e.size FROM json_each(?2) j
  CROSS JOIN placement p ON p.mailbox = ?1 AND p.uid = j.value CROSS JOIN email e ON e.id = p.email`;
const PUBLISHED = 'max(uidnext, published_uidnext, coalesce((SELECT max(uid) + 1 FROM placement WHERE mailbox = mailbox.id), 1))';

export class MirrorFile {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #emails = new EmailTables(this);
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
      for (const mailbox of page.mailboxes) this.#applyMailbox(mailbox);
      const missing = this.#emails.apply(page, touched);
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
      this.#emails.forgetSets();
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

  /** Reads the flag set with it, because a mailbox in use may outlive this file by a rebuild. */
  #entry([uid, email, keywordSet, deleted, modseq, size]: EntryTuple): EntryRow {
    const code = flagCode(keywordSet, deleted === 1);
    this.flagSets.get(code);
    return { uid, email, code, modseq, size };
  }
}
