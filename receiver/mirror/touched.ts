/**
 * Which messages a round of changes touched, so that mailboxes in use look only at those. Bounded: a round
 * that touches more is followed by a comparison of whole mailboxes instead.
 */

/** Messages noted one by one: reading them again costs about as much as loading a mailbox of ten times as many. */
const NOTED_MAX = 10_000;

export class Touched {
  #mailboxes = new Map<number, Set<number>>();
  #count = 0;
  /** Too many to name, or the file is another one: everything may have changed. */
  everything = false;

  add(mailbox: number, uid: number): void {
    if (this.everything) return;
    const uids = this.#mailboxes.get(mailbox) ?? new Set();
    if (uids.size === 0) this.#mailboxes.set(mailbox, uids);
    if (uids.has(uid)) return;
    uids.add(uid);
    if (++this.#count > NOTED_MAX) this.addEverything();
  }

  addEverything(): void {
    this.everything = true;
    this.#mailboxes = new Map();
  }

  /** Ascending. */
  uids(mailbox: number): number[] {
    return [...(this.#mailboxes.get(mailbox) ?? [])].sort((a, b) => a - b);
  }
}
