/**
 * One change to one account, worked out in memory: the account as it was read, the operations applied to it, and
 * at the end what has to be written. It does no I/O and decides everything; the batch that writes it is undone
 * when the account's clock has moved since the read, and then the change is worked out again (write.ts).
 */
import { countEmails, countThread, Tally } from './counters.ts';
import { type AccountState, type EmailContent, type EmailState, type MailboxState, memberships, type Placement, present } from './rows.ts';

/**
 * Expunged marks one email keeps. A client that moves one message to and fro adds one each time; beyond
 * this the oldest are forgotten and the horizon passes them, so that older cursors start afresh.
 */
export const MARKS_PER_EMAIL_MAX = 100;

/** What a change was read from. */
export interface LedgerSource {
  account: AccountState;
  mailboxes: Iterable<MailboxState>;
  /** All emails of every thread that the change may touch. */
  emails: Iterable<EmailState>;
}

/** What `Ledger.close` hands to the writer. */
export interface Change {
  account: AccountState;
  expectedModseq: number;
  mailboxes: MailboxState[];
  created: { email: EmailState; content: EmailContent }[];
  /** Pairs of what was and what is. */
  updated: { before: EmailState; after: EmailState }[];
  references: { hash: number; thread: number }[];
  receipts: { spool: string; email: number }[];
  sentCopies: { hash: number; email: number; ours: boolean }[];
  /** The trash is another mailbox than before: its thread counters, and all others, are counted anew. */
  recountThreads: boolean;
  now: number;
}

export class Ledger {
  readonly account: AccountState;
  readonly modseq: number;
  readonly now: number;
  readonly references: { hash: number; thread: number }[] = [];
  readonly receipts: { spool: string; email: number }[] = [];
  readonly sentCopies: { hash: number; email: number; ours: boolean }[] = [];
  readonly #expectedModseq: number;
  readonly #mailboxes = new Map<number, MailboxState>();
  readonly #mailboxesBefore: ReadonlyMap<number, MailboxState>;
  readonly #emails = new Map<number, EmailState>();
  readonly #before = new Map<number, EmailState>();
  readonly #contents = new Map<number, EmailContent>();
  readonly #places = new Map<string, number>();

  constructor({ account, mailboxes, emails }: LedgerSource, now: number) {
    this.account = { ...account, modseq: account.modseq + 1 };
    this.modseq = this.account.modseq;
    this.now = now;
    this.#expectedModseq = account.modseq;
    for (const mailbox of mailboxes) this.#mailboxes.set(mailbox.id, mailbox);
    this.#mailboxesBefore = new Map(this.#mailboxes);
    for (const email of emails) {
      this.#emails.set(email.id, email);
      this.#before.set(email.id, email);
      for (const place of present(email)) this.#places.set(`${place.mailbox}:${place.uid}`, email.id);
    }
  }

  // -- reading

  /** A mailbox that exists. */
  mailbox(id: number): MailboxState | undefined {
    const mailbox = this.#mailboxes.get(id);
    return mailbox?.destroyedModseq === null ? mailbox : undefined;
  }

  mailboxes(): MailboxState[] {
    return [...this.#mailboxes.values()].filter((mailbox) => mailbox.destroyedModseq === null);
  }

  mailboxWithRole(role: string): MailboxState | undefined {
    return this.mailboxes().find((mailbox) => mailbox.role === role);
  }

  /** An email with a placement left. */
  email(id: number): EmailState | undefined {
    const email = this.#emails.get(id);
    if (!email || email.gone) return undefined;
    return present(email).length > 0 || this.#contents.has(id) ? email : undefined;
  }

  /** An email that JMAP sees. */
  visibleEmail(id: number): EmailState | undefined {
    const email = this.email(id);
    return email && memberships(email).length > 0 ? email : undefined;
  }

  /** The email at a uid. */
  at(mailbox: number, uid: number): EmailState | undefined {
    const id = this.#places.get(`${mailbox}:${uid}`);
    return id === undefined ? undefined : this.email(id);
  }

  threadSize(thread: number): number {
    let size = 0;
    for (const email of this.#emails.values()) if (email.thread === thread && !email.gone) size++;
    return size;
  }

  /** Emails with a placement in a mailbox, as far as they were read. */
  emailsIn(mailbox: number): EmailState[] {
    return [...this.#emails.values()].filter((email) => !email.gone && present(email).some((place) => place.mailbox === mailbox));
  }

  /** True for a thread that an email of this change began. */
  beganHere(thread: number): boolean {
    return this.#contents.has(thread);
  }

  /** Octets of the emails stored by this change so far. */
  octetsAdded(): number {
    let sum = 0;
    for (const { index } of this.#contents.values()) sum += index.size;
    return sum;
  }

  // -- writing

  /** Stores a new email, in no mailbox yet; `thread` null lets it begin one. Returns its id. */
  create(email: Pick<EmailState, 'receivedAt' | 'sha256' | 'keywords'> & { thread: number | null }, content: EmailContent): number {
    const id = this.account.nextEmail++;
    this.#contents.set(id, content);
    this.#emails.set(id, {
      ...email,
      id,
      thread: email.thread ?? id,
      size: content.index.size,
      keywordsModseq: this.modseq,
      placements: [],
      modseq: this.modseq,
      bornModseq: this.modseq,
      createdModseq: this.modseq,
      destroyedModseq: null,
      gone: false,
    });
    return id;
  }

  /** Puts an email into a mailbox and returns its uid there. */
  place(email: number, mailbox: number, deleted = false): number {
    const target = this.mailbox(mailbox);
    const state = this.email(email);
    if (!target || !state) throw new RangeError('place: no such email or mailbox');
    const uid = target.uidnext;
    this.#mailboxes.set(mailbox, { ...target, uidnext: uid + 1 });
    const placement: Placement = { mailbox, uid, savedAt: this.now, deleted, modseq: this.modseq };
    this.#emails.set(email, { ...state, placements: [...state.placements, placement] });
    this.#places.set(`${mailbox}:${uid}`, email);
    return uid;
  }

  /** Takes an email out of a mailbox; the last placement takes the email. */
  expunge(email: EmailState, mailbox: number, uid: number): void {
    this.#replacePlacement(email.id, mailbox, uid, (placement) => ({ ...placement, modseq: this.modseq, expunged: this.modseq }));
    this.#places.delete(`${mailbox}:${uid}`);
  }

  /** Takes out everything that was read of a mailbox. */
  empty(mailbox: number): void {
    for (const email of this.emailsIn(mailbox)) {
      for (const place of present(email)) if (place.mailbox === mailbox) this.expunge(email, mailbox, place.uid);
    }
  }

  setDeleted(email: EmailState, mailbox: number, uid: number, deleted: boolean): void {
    this.#replacePlacement(email.id, mailbox, uid, (placement) =>
      placement.deleted === deleted ? placement : { ...placement, deleted, modseq: this.modseq },
    );
  }

  /** Replaces the keywords; nothing happens when they are the same. */
  setKeywords(email: EmailState, keywords: Iterable<string>): void {
    const sorted = [...new Set(keywords)].sort();
    const state = this.#emails.get(email.id);
    if (!state || sorted.join(' ') === state.keywords.join(' ')) return;
    this.#emails.set(email.id, { ...state, keywords: sorted, keywordsModseq: this.modseq });
  }

  /** Adds or replaces a mailbox; counters and clocks are kept by `close`. */
  putMailbox(mailbox: MailboxState): void {
    this.#mailboxes.set(mailbox.id, mailbox);
  }

  #replacePlacement(email: number, mailbox: number, uid: number, change: (placement: Placement) => Placement): void {
    const state = this.#emails.get(email);
    if (!state) return;
    const index = state.placements.findIndex((place) => place.mailbox === mailbox && place.uid === uid && place.expunged === undefined);
    const placement = state.placements[index];
    const changed = placement && change(placement);
    if (!changed || changed === placement) return;
    this.#emails.set(email, { ...state, placements: state.placements.with(index, changed) });
  }

  // -- closing

  /** Works out marks, counters and clocks; null when nothing has changed. `delivery`: new mail arrived (RFC 8621 §1.5). */
  close(delivery = false): Change | null {
    const created: Change['created'] = [];
    const updated: Change['updated'] = [];
    for (const [id, email] of this.#emails) {
      const before = this.#before.get(id);
      if (email === before) continue;
      const after = this.#mark(before, email);
      this.#emails.set(id, after);
      const content = this.#contents.get(id);
      if (before) updated.push({ before, after });
      else if (content) created.push({ email: after, content });
    }
    this.#count(
      created.map(({ email }) => email),
      updated,
    );
    const mailboxes = this.#changedMailboxes(created, updated);
    const { references, receipts, sentCopies } = this;
    if (created.length + updated.length + mailboxes.length + receipts.length === 0) return null;
    this.#advanceStates(created, updated, mailboxes, delivery);
    const recountThreads = this.#trashMoved();
    const { account, now } = this;
    return {
      account,
      expectedModseq: this.#expectedModseq,
      mailboxes,
      created,
      updated,
      references,
      receipts,
      sentCopies,
      recountThreads,
      now,
    };
  }

  /** Sets the modseqs that say since when an email exists, is visible, or is gone. */
  #mark(before: EmailState | undefined, email: EmailState): EmailState {
    const visible = memberships(email).length > 0;
    const wasVisible = before !== undefined && memberships(before).length > 0;
    const marks: Partial<EmailState> = { modseq: this.modseq, gone: present(email).length === 0 };
    if (visible && !wasVisible) Object.assign(marks, { createdModseq: this.modseq, destroyedModseq: null });
    if (!visible && (wasVisible || !before)) marks.destroyedModseq = this.modseq;
    return { ...email, ...marks, placements: this.#withoutOldMarks(email.placements) };
  }

  #withoutOldMarks(placements: readonly Placement[]): readonly Placement[] {
    const kept = placements.filter((placement) => (placement.expunged ?? Number.POSITIVE_INFINITY) > this.account.horizon);
    const marks = kept.filter((placement) => placement.expunged !== undefined).map((placement) => placement.expunged ?? 0);
    if (marks.length <= MARKS_PER_EMAIL_MAX) return kept;
    const limit = marks.sort((a, b) => b - a)[MARKS_PER_EMAIL_MAX / 2] ?? 0;
    this.account.horizon = Math.max(this.account.horizon, limit);
    return kept.filter((placement) => (placement.expunged ?? Number.POSITIVE_INFINITY) > limit);
  }

  /** Adds to each mailbox what the changed emails and their threads contribute now and did not before. */
  #count(created: EmailState[], updated: Change['updated']): void {
    const tally = new Tally();
    const olds = updated.map(({ before }) => before);
    const news = [...created, ...updated.map(({ after }) => after)];
    countEmails(tally, olds, -1);
    countEmails(tally, news, 1);
    const touched = new Set(news.map((email) => email.thread));
    const trash = this.mailboxWithRole('trash')?.id ?? null;
    for (const emails of byThread(this.#before.values(), touched)) countThread(tally, emails, trash, -1);
    for (const emails of byThread(this.#emails.values(), touched)) countThread(tally, emails, trash, 1);
    for (const [id, counts] of tally.differences()) {
      const mailbox = this.#mailboxes.get(id);
      if (!mailbox) continue;
      const next = { ...mailbox };
      for (const [counter, amount] of Object.entries(counts) as [keyof typeof counts, number][]) next[counter] += amount;
      this.#mailboxes.set(id, next);
    }
    const lost = news.filter(({ gone }) => gone);
    this.account.messages += created.length - lost.length;
    this.account.octets += octets(created) - octets(lost);
  }

  /** Mailboxes that differ from what was read, with HIGHESTMODSEQ raised where a message changed (RFC 7162 §3.1.2.1). */
  #changedMailboxes(created: Change['created'], updated: Change['updated']): MailboxState[] {
    const touched = new Set<number>();
    for (const { email } of created) for (const { mailbox } of email.placements) touched.add(mailbox);
    for (const { before, after } of updated) {
      if (before.keywords !== after.keywords) for (const { mailbox } of present(after)) touched.add(mailbox);
      for (const placement of after.placements) if (placement.modseq === this.modseq) touched.add(placement.mailbox);
    }
    const changed: MailboxState[] = [];
    for (const [id, mailbox] of this.#mailboxes) {
      const next = touched.has(id) ? { ...mailbox, highestModseq: this.modseq } : mailbox;
      if (next !== this.#mailboxesBefore.get(id)) changed.push({ ...next, modseq: this.modseq });
    }
    return changed;
  }

  #advanceStates(created: Change['created'], updated: Change['updated'], mailboxes: MailboxState[], delivery: boolean): void {
    const { account, modseq } = this;
    const seen = (email: EmailState) => memberships(email).length > 0;
    const appeared = created.some(({ email }) => seen(email));
    const turned = updated.some(({ before, after }) => seen(before) !== seen(after));
    if (mailboxes.length > 0) account.mailboxModseq = modseq;
    if (appeared || updated.some(({ before, after }) => seen(before) || seen(after))) account.emailModseq = modseq;
    if (appeared || turned) account.threadModseq = modseq;
    if (appeared && delivery) account.deliveryModseq = modseq;
    if (created.length > 0 || updated.some(({ after }) => after.gone)) account.quotaModseq = modseq;
  }

  #trashMoved(): boolean {
    const before = [...this.#mailboxesBefore.values()].find(({ role, destroyedModseq }) => role === 'trash' && destroyedModseq === null);
    return before?.id !== this.mailboxWithRole('trash')?.id;
  }
}

function octets(emails: EmailState[]): number {
  return emails.reduce((sum, email) => sum + email.size, 0);
}

function byThread(emails: Iterable<EmailState>, threads: ReadonlySet<number>): Iterable<EmailState[]> {
  const groups = new Map<number, EmailState[]>();
  for (const email of emails) {
    if (!threads.has(email.thread)) continue;
    const group = groups.get(email.thread);
    if (group) group.push(email);
    else groups.set(email.thread, [email]);
  }
  return groups.values();
}
