/**
 * A mailbox's kept counters (RFC 8621 §2, RFC 9051 §6.3.11), as what emails and threads contribute to them. A change
 * adds the difference between the contribution after it and before it, so counters cannot drift: they are
 * sums, and the batch that writes them is guarded by the account's clock.
 */
import { type EmailState, isUnread, isUnseen, memberships, present } from './rows.ts';

export interface Counts {
  messages: number;
  unseen: number;
  emails: number;
  unread: number;
  threads: number;
  unreadThreads: number;
}

export const NO_COUNTS: Readonly<Counts> = { messages: 0, unseen: 0, emails: 0, unread: 0, threads: 0, unreadThreads: 0 };

/** Sums per mailbox. */
export class Tally {
  readonly #counts = new Map<number, Counts>();

  add(mailbox: number, counter: keyof Counts, amount: number): void {
    const counts = this.#counts.get(mailbox) ?? { ...NO_COUNTS };
    counts[counter] += amount;
    this.#counts.set(mailbox, counts);
  }

  /** Mailboxes whose sum is not zero. */
  *differences(): Iterable<[number, Counts]> {
    for (const [mailbox, counts] of this.#counts) {
      if (Object.values(counts).some((count) => count !== 0)) yield [mailbox, counts];
    }
  }
}

/** Adds what the emails themselves contribute, `sign` times. */
export function countEmails(tally: Tally, emails: Iterable<EmailState>, sign: 1 | -1): void {
  for (const email of emails) {
    const unseen = isUnseen(email) ? sign : 0;
    for (const { mailbox } of present(email)) {
      tally.add(mailbox, 'messages', sign);
      tally.add(mailbox, 'unseen', unseen);
    }
    const unread = isUnread(email) ? sign : 0;
    for (const mailbox of memberships(email)) {
      tally.add(mailbox, 'emails', sign);
      tally.add(mailbox, 'unread', unread);
    }
  }
}

/**
 * Adds what one thread contributes, `sign` times. A thread is unread in a mailbox when any of its emails is, wherever
 * that email lies; the trash counts for itself, and what is only in the trash counts nowhere else (RFC 8621 §2).
 */
export function countThread(tally: Tally, emails: readonly EmailState[], trash: number | null, sign: 1 | -1): void {
  const mailboxes = new Set<number>();
  let unreadInTrash = false;
  let unreadElsewhere = false;
  for (const email of emails) {
    const places = memberships(email);
    for (const mailbox of places) mailboxes.add(mailbox);
    if (!isUnread(email)) continue;
    unreadInTrash ||= trash !== null && places.includes(trash);
    unreadElsewhere ||= places.some((mailbox) => mailbox !== trash);
  }
  for (const mailbox of mailboxes) {
    tally.add(mailbox, 'threads', sign);
    if (mailbox === trash ? unreadInTrash : unreadElsewhere) tally.add(mailbox, 'unreadThreads', sign);
  }
}
