/**
 * Message sequence numbers as one client knows them (RFC 9051 §2.3.1.2, §5.2, §7.5.1). A mailbox changes at any
 * time; a client learns of it only when its command allows. Until then a view keeps the old numbering and
 * remembers what it owes: expunged, added, other flags. The rest of IMAP asks here which number is which UID.
 */
import type { MailboxChange } from './session.ts';
import { lowerBound } from './wire/sets.ts';

/** What to tell, in this order: EXPUNGE, EXISTS, FETCH FLAGS. */
export interface Updates {
  /** Sequence numbers, each valid after the one before it was told (they descend). */
  expunged: number[];
  /** The UIDs of `expunged`, ascending. */
  expungedUids: number[];
  /** The new number of messages; null when it did not grow. */
  exists: number | null;
  /** UIDs whose flags are to be told, ascending. */
  flags: number[];
}

const NOTHING: Updates = { expunged: [], expungedUids: [], exists: null, flags: [] };

export class View {
  #uids: Uint32Array;
  #size: number;
  readonly #expunged = new Set<number>();
  #added: number[] = [];
  readonly #flags = new Set<number>();

  /** `uids`: ascending, what SELECT told the client. */
  constructor(uids: Uint32Array) {
    this.#uids = uids.slice();
    this.#size = uids.length;
  }

  /** Messages the client knows of: its EXISTS less its EXPUNGEs. */
  get size(): number {
    return this.#size;
  }

  /** UIDs by sequence number, ascending. Valid until the next `take`. */
  get uids(): Uint32Array {
    return this.#uids.subarray(0, this.#size);
  }

  /** Something waits to be told. */
  get pending(): boolean {
    return this.#expunged.size > 0 || this.#added.length > 0 || this.#flags.size > 0;
  }

  /** The client still counts messages that are gone. */
  get expungePending(): boolean {
    return this.#expunged.size > 0;
  }

  uidAt(sequence: number): number | undefined {
    return sequence >= 1 && sequence <= this.#size ? this.#uids[sequence - 1] : undefined;
  }

  /** 0 when the client does not know this UID. */
  sequenceOf(uid: number): number {
    const index = lowerBound(this.#uids, uid, this.#size);
    return index < this.#size && this.#uids[index] === uid ? index + 1 : 0;
  }

  /** The largest UID the client knows; 0 in an empty view. */
  get lastUid(): number {
    return this.#uids[this.#size - 1] ?? 0;
  }

  /** Takes note of a change; nothing is told yet. */
  apply(change: MailboxChange): void {
    this.#noteAdded(change.added);
    if (change.expunged.length > 0) this.#noteExpunged(change.expunged);
    for (const uid of change.flags) this.noteFlags(uid);
  }

  /** The flags of `uid` have to be told. */
  noteFlags(uid: number): void {
    // A message the client has not been told of will be asked for with its flags anyway.
    if (this.sequenceOf(uid) > 0 && !this.#expunged.has(uid)) this.#flags.add(uid);
  }

  /** The flags of `uid` have just been told. */
  flagsTold(uid: number): void {
    this.#flags.delete(uid);
  }

  owesFlags(uid: number): boolean {
    return this.#flags.has(uid);
  }

  /** Hands over what may be told now; EXPUNGE and what depends on it only when `expunge` is true. */
  take(expunge: boolean): Updates {
    if (!this.pending) return NOTHING;
    const expungedUids = expunge ? this.#takeExpunged() : [];
    const expunged = this.#removeAll(expungedUids);
    const exists = this.#takeAdded();
    const flags = [...this.#flags].sort((a, b) => a - b);
    this.#flags.clear();
    return { expunged, expungedUids, exists, flags };
  }

  #noteAdded(uids: number[]): void {
    for (const uid of uids) {
      if (uid > (this.#added.at(-1) ?? this.lastUid)) this.#added.push(uid);
    }
  }

  #noteExpunged(uids: number[]): void {
    const gone = new Set(uids);
    this.#added = this.#added.filter((uid) => !gone.has(uid));
    for (const uid of uids) {
      this.#flags.delete(uid);
      if (this.sequenceOf(uid) > 0) this.#expunged.add(uid);
    }
  }

  #takeExpunged(): number[] {
    const uids = [...this.#expunged].sort((a, b) => a - b);
    this.#expunged.clear();
    return uids;
  }

  /** From the last to the first, so that no number told changes one still to tell. One pass, however many. */
  #removeAll(ascending: number[]): number[] {
    if (ascending.length === 0) return [];
    const sequences: number[] = [];
    let kept = 0;
    let next = 0;
    for (let index = 0; index < this.#size; index += 1) {
      const uid = this.#uids[index] ?? 0;
      if (uid === ascending[next]) {
        sequences.push(index + 1);
        next += 1;
      } else {
        this.#uids[kept] = uid;
        kept += 1;
      }
    }
    this.#size = kept;
    return sequences.reverse();
  }

  #takeAdded(): number | null {
    if (this.#added.length === 0) return null;
    const total = this.#size + this.#added.length;
    if (total > this.#uids.length) {
      const grown = new Uint32Array(Math.max(total, Math.ceil(total * 1.25)));
      grown.set(this.uids);
      this.#uids = grown;
    }
    this.#uids.set(this.#added, this.#size);
    this.#size = total;
    this.#added = [];
    return total;
  }
}
