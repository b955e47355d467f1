/**
 * One change to one account, worked out in memory: the account as it was read, the operations applied to it, and
 * at the end what has to be written. It does no I/O and decides everything; the batch that writes it is undone
 * when the account's clock has moved since the read, and then the change is worked out again (write.ts).
 */
import { type AccountState, type EmailContent, type EmailState, isVisible, type MailboxState, type Placement, present } from './rows.ts';
import { type Settled, settle } from './settle.ts';

/** What a change was read from. */
export interface LedgerSource {
  account: AccountState;
  mailboxes: Iterable<MailboxState>;
  /** All emails of every thread that the change may touch. */
  emails: Iterable<EmailState>;
}

/** One annotation; `mailbox` 0 is the server. */
export interface MetadataChange {
  mailbox: number;
  entry: string;
  value: string | null;
}

/** What `Ledger.close` hands to the writer. */
export interface Change extends Settled {
  expectedModseq: number;
  references: { hash: number; thread: number }[];
  receipts: { spool: string; email: number }[];
  sentCopies: { hash: number; email: number; ours: boolean }[];
  /** Annotations to set; null removes. */
  metadata: MetadataChange[];
  now: number;
}

export class Ledger {
  readonly account: AccountState;
  readonly modseq: number;
  readonly now: number;
  readonly references: { hash: number; thread: number }[] = [];
  readonly receipts: { spool: string; email: number }[] = [];
  readonly sentCopies: { hash: number; email: number; ours: boolean }[] = [];
  readonly metadata: MetadataChange[] = [];
  readonly #expectedModseq: number;
  readonly #mailboxes = new Map<number, MailboxState>();
  readonly #mailboxesBefore: ReadonlyMap<number, MailboxState>;
  readonly #emails = new Map<number, EmailState>();
  readonly #before = new Map<number, EmailState>();
  readonly #contents = new Map<number, EmailContent>();
  readonly #places = new Map<string, number>();
  #abandoned = false;

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
    return email && isVisible(email) ? email : undefined;
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

  /** Octets of the emails that lost their last placement in this change so far. */
  octetsFreed(): number {
    let sum = 0;
    for (const [id, email] of this.#before) {
      const now = this.#emails.get(id);
      if (now && now !== email && !email.gone && present(now).length === 0) sum += email.size;
    }
    return sum;
  }

  // -- writing

  /** Sets an annotation, or removes it. */
  setMetadata(mailbox: number, entry: string, value: string | null): void {
    this.metadata.push({ mailbox, entry, value });
    this.account.metadataModseq = this.modseq;
  }

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

  /** Nothing of this change is to be written. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** Works out marks, counters and clocks; null when nothing has changed. */
  close(): Change | null {
    if (this.#abandoned) return null;
    const { account, modseq, now, references, receipts, sentCopies, metadata } = this;
    const settled = settle({
      account,
      modseq,
      before: { emails: this.#before, mailboxes: this.#mailboxesBefore },
      after: { emails: this.#emails, mailboxes: this.#mailboxes },
      contents: this.#contents,
    });
    return settled && { ...settled, expectedModseq: this.#expectedModseq, references, receipts, sentCopies, metadata, now };
  }
}
