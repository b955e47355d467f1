/**
 * The emails of a mirror's file and their places, as a page of changes tells them (shared/protocol.ts, `BridgeEmail`): what is new,
 * what has other flags, what is gone. What STOREs of thousands bring is written set by set.
 */
import type { SQLInputValue } from 'node:sqlite';
import type { BridgePlacement } from '../../shared/protocol.ts';
import type { MirrorFile } from './file.ts';
import type { ContentRow, EmailRow, PageRows } from './rows.ts';
import type { Touched } from './touched.ts';

/** Keyword sets remembered while pages are applied; mailboxes know a few dozen. */
const KEYWORD_SETS_REMEMBERED = 4096;

const SET_KEYWORDS = 'UPDATE email SET keyword_set = ?, keywords_modseq = ? WHERE id IN (SELECT value FROM json_each(?))';
const PLACES_OF = 'SELECT p.mailbox, p.uid FROM json_each(?) j CROSS JOIN placement p ON p.email = j.value';

export class EmailTables {
  readonly #file: MirrorFile;
  readonly #keywordSets = new Map<string, number>();

  constructor(file: MirrorFile) {
    this.#file = file;
  }

  /** Within the page's transaction. Answers how many emails came without the index that the file lacks. */
  apply({ emails, modseq }: PageRows, touched: Touched): number {
    const [flagged, others] = partition(emails, isOnlyFlagged);
    this.#applyKeywords(flagged, touched);
    return others.reduce((missing, email) => missing + this.#applyEmail(email, modseq, touched), 0);
  }

  /** The transaction was undone: sets it made are not there. */
  forgetSets(): void {
    this.#keywordSets.clear();
  }

  /** `modseq`: of the page; what vanished without saying when has vanished by then. */
  #applyEmail(email: EmailRow, modseq: number, touched: Touched): number {
    const known = this.#file.statement('SELECT keyword_set, keywords_modseq FROM email WHERE id = ?').get(email.id);
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

  /** A STORE of thousands brings many: those that are alike at once. What is not known here has no place here. */
  #applyKeywords(emails: EmailRow[], touched: Touched): void {
    const alike = Map.groupBy(emails, ({ keywords, keywordsModseq }) => `${keywordsModseq} ${keywords}`);
    for (const group of alike.values()) {
      const [{ keywords, keywordsModseq } = { keywords: '', keywordsModseq: 0 }] = group;
      const ids = JSON.stringify(group.map(({ id }) => id));
      this.#run(SET_KEYWORDS, this.#keywordSet(keywords), keywordsModseq, ids);
      for (const [mailbox, uid] of this.#file.tuples<[number, number]>(PLACES_OF, ids)) touched.add(mailbox, uid);
    }
  }

  #setKeywords(email: EmailRow, known: Record<string, unknown>, touched: Touched): void {
    const set = this.#keywordSet(email.keywords);
    if (set === known.keyword_set && email.keywordsModseq === known.keywords_modseq) return;
    this.#applyKeywords([email], touched);
  }

  #applyPlacement(email: number, placement: BridgePlacement, touched: Touched): void {
    const { mailbox, uid, receivedAt, savedAt, deleted, modseq } = placement;
    if (placement.expunged) {
      this.#run('DELETE FROM placement WHERE mailbox = ? AND uid = ?', mailbox, uid);
      this.#file.vanished.add(mailbox, uid, modseq);
    } else
      this.#run(
        'INSERT OR REPLACE INTO placement VALUES (?, ?, ?, ?, ?, ?, ?)',
        ...[mailbox, uid, email, receivedAt, savedAt, deleted ? 1 : 0, modseq],
      );
    touched.add(mailbox, uid);
  }

  /** The email is gone with all its places. */
  #vanishAll(email: number, modseq: number, touched: Touched): void {
    for (const { mailbox, uid } of this.#placementsOf(email)) this.#file.vanished.add(mailbox, uid, modseq);
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
    return this.#file.rows('SELECT mailbox, uid FROM placement WHERE email = ?', email);
  }

  #keywordSet(keywords: string): number {
    const known = this.#keywordSets.get(keywords);
    if (known !== undefined) return known;
    this.#run('INSERT INTO keyword_set (keywords) VALUES (?) ON CONFLICT DO NOTHING', keywords);
    const id = Number(this.#file.statement('SELECT id FROM keyword_set WHERE keywords = ?').get(keywords)?.id);
    if (this.#keywordSets.size >= KEYWORD_SETS_REMEMBERED) this.#keywordSets.clear();
    this.#keywordSets.set(keywords, id);
    return id;
  }

  #run(sql: string, ...parameters: SQLInputValue[]): void {
    this.#file.statement(sql).run(...parameters);
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
