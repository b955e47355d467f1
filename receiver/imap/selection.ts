/**
 * A selected mailbox: the session's open mailbox, this client's view of it, and the telling of what changed
 * (RFC 9051 §5.2, §7.5). Also the saved result of the last SEARCH (`$`, RFC 5182).
 */
import { fetchStart, type Manner } from './manner.ts';
import type { Output } from './output.ts';
import type { Flags, MailboxChange, SelectedMailbox } from './session.ts';
import { vanishedLines } from './vanished.ts';
import { View } from './view.ts';
import { coded, type ResponseCode } from './wire/codes.ts';
import { largestNamed, lowerBound, resolveRanges, type SequenceSet, STAR } from './wire/sets.ts';

/** A keyword list longer than this is not shown whole in FLAGS: it must fit a line that clients can read. */
const KEYWORDS_SHOWN_MAX = 500;
const SYSTEM_FLAGS = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'];

export class Selection {
  readonly box: SelectedMailbox;
  readonly view: View;
  readonly enabled: ReadonlySet<string>;
  /** UIDs of `$`. */
  saved: number[] = [];
  /** The mailbox was deleted under the client. */
  destroyed = false;
  /** Called after each change; IDLE listens here. */
  onChange: (() => void) | null = null;
  /** What NOTIFY wants told of this mailbox (RFC 5465); null without it. */
  wanted: { messages: boolean; flags: boolean } | null = null;
  readonly #unsubscribe: () => void;
  /** The client has been told of every change up to this mod-sequence (RFC 7162 §3.2). */
  #settled: number;
  /** The highest mod-sequence told since; above `#settled` while an EXPUNGE below it is held back. */
  #toldModseq = 0;
  /** UIDs that commands in flight will tell, with how many of them. */
  readonly #promised = new Map<number, number>();
  #shownKeywords = new Set<string>();
  /** Interned sets all of whose keywords were shown: the common case costs one lookup per message. */
  #shownSets = new WeakSet<Flags>();

  /** `enabled`: what the client has switched on, now and later. */
  constructor(box: SelectedMailbox, enabled: ReadonlySet<string>) {
    this.box = box;
    this.enabled = enabled;
    this.#unsubscribe = box.subscribe((change) => this.#note(change));
    this.view = new View(box.uids());
    this.#settled = box.highestModseq();
  }

  close(): void {
    this.onChange = null;
    this.#unsubscribe();
    this.box.close();
  }

  /** FLAGS and PERMANENTFLAGS lists as this client is to see them now (RFC 9051 §7.3.5, §7.1). */
  flagLists(): { flags: string; permanent: string } {
    const keywords = this.box.keywords().slice(0, KEYWORDS_SHOWN_MAX);
    this.#shownKeywords = new Set(keywords.map((keyword) => keyword.toLowerCase()));
    const flags = [...SYSTEM_FLAGS, ...keywords].join(' ');
    return { flags: `(${flags})`, permanent: this.box.readOnly ? '()' : `(${flags} \\*)` };
  }

  /** Writes FLAGS again when `flags` holds a keyword the client was not told of. */
  announceKeywords(output: Output, flags: Flags): void {
    if (this.#shownSets.has(flags)) return;
    this.#shownSets.add(flags);
    if (flags.list.every((flag) => flag.startsWith('\\') || this.#shownKeywords.has(flag.toLowerCase()))) return;
    const before = this.#shownKeywords.size;
    const lists = this.flagLists();
    if (this.#shownKeywords.size === before && before >= KEYWORDS_SHOWN_MAX) return;
    output.line(`* FLAGS ${lists.flags}`);
    output.line(`* OK ${coded(`PERMANENTFLAGS ${lists.permanent}`, 'New keywords')}`);
  }

  /**
   * Writes what the client is owed; answers how many messages it was told are gone. `expunge`: whether that may be among it
   * (RFC 9051 §7.5.1). `tagged`: the caller puts HIGHESTMODSEQ into its tagged answer itself.
   */
  tell(output: Output, expunge: boolean, manner: Manner, tagged = false): number {
    if (this.wanted?.messages === false) return 0;
    const gone = this.view.pending ? this.#tellPending(output, expunge, manner) : 0;
    if (this.view.expungePending || this.#promised.size > 0) this.#holdBack(output, manner);
    else if (this.wanted?.flags !== false) {
      this.#settled = this.box.highestModseq();
      if (gone > 0 && manner.vanished && manner.modseq && !tagged) this.tellHighestModseq(output);
    }
    this.#toldModseq = 0;
    return gone;
  }

  /** `HIGHESTMODSEQ` with what a client may take for its own: no change up to there is unknown to it (RFC 7162 §3.1.2.1). */
  get highestModseq(): ResponseCode {
    return `HIGHESTMODSEQ ${this.#settled}`;
  }

  tellHighestModseq(output: Output): void {
    output.line(`* OK ${coded(this.highestModseq, 'Highest')}`);
  }

  /** The client has been told of this mod-sequence. */
  modseqTold(modseq: number): void {
    if (modseq > this.#toldModseq) this.#toldModseq = modseq;
  }

  /** A command in flight will tell these messages itself: until it is its turn, commands before it do not. */
  promise(uids: readonly number[]): void {
    for (const uid of uids) this.#promised.set(uid, (this.#promised.get(uid) ?? 0) + 1);
  }

  /** It is its turn, or it has failed. */
  keepPromise(uids: readonly number[]): void {
    for (const uid of uids) {
      const others = (this.#promised.get(uid) ?? 1) - 1;
      if (others > 0) this.#promised.set(uid, others);
      else this.#promised.delete(uid);
    }
  }

  #tellOrPromise(output: Output, uid: number, manner: Manner): void {
    if (this.#promised.has(uid)) this.view.noteFlags(uid);
    else this.tellFlags(output, uid, manner);
  }

  #tellPending(output: Output, expunge: boolean, manner: Manner): number {
    const updates = this.view.take(expunge);
    if (manner.vanished) output.write(vanishedLines(updates.expungedUids, ''));
    else for (const sequence of updates.expunged) output.write(`* ${sequence} EXPUNGE\r\n`);
    if (updates.exists !== null) output.line(`* ${updates.exists} EXISTS`);
    if (this.wanted?.flags !== false) for (const uid of updates.flags) this.#tellOrPromise(output, uid, manner);
    if (updates.expungedUids.length > 0 && this.saved.length > 0) {
      const gone = new Set(updates.expungedUids);
      this.saved = this.saved.filter((uid) => !gone.has(uid));
    }
    return updates.expungedUids.length;
  }

  /** A client that breaks off now must not think that it knows of the removals it was not told (RFC 7162 §3.2, §6). */
  #holdBack(output: Output, { modseq }: Manner): void {
    if (modseq && this.#toldModseq > this.#settled) this.tellHighestModseq(output);
  }

  /**
   * UIDs a set names, ascending, among those the client knows. Null: a sequence number the client cannot know
   * (answered BAD, RFC 9051 §9 `seq-number`); with `byUid` unknown numbers are simply not there.
   */
  resolve(set: SequenceSet, byUid: boolean): number[] | null {
    if (set.saved) return [...this.saved];
    return byUid ? this.#byUid(set) : this.#bySequence(set);
  }

  #byUid(set: SequenceSet): number[] {
    const { uids } = this.view;
    const largest = this.view.lastUid || this.box.uidnext();
    const found: number[] = [];
    for (const [from, to] of resolveRanges(set, largest)) {
      for (let index = lowerBound(uids, from); index < uids.length && (uids[index] ?? 0) <= to; index += 1) found.push(uids[index] ?? 0);
    }
    return found;
  }

  #bySequence(set: SequenceSet): number[] | null {
    const { size, uids } = this.view;
    // `1:*` in an empty mailbox is what every client sends: nothing, not an error.
    if (size === 0) return set.ranges.every(([from, to]) => from === STAR || to === STAR) ? [] : null;
    if (largestNamed(set) > size) return null;
    const found: number[] = [];
    for (const [from, to] of resolveRanges(set, size)) {
      for (let index = from - 1; index < to; index += 1) found.push(uids[index] ?? 0);
    }
    return found;
  }

  #note(change: MailboxChange): void {
    if (change.destroyed) this.destroyed = true;
    this.view.apply(change);
    this.onChange?.();
  }

  /** Writes the FETCH of one message's flags as they are now; nothing when it is gone. */
  tellFlags(output: Output, uid: number, manner: Manner): void {
    const flags = this.box.flags(uid);
    if (!flags) return;
    this.announceKeywords(output, flags);
    this.view.flagsTold(uid);
    const modseq = manner.modseq ? ` MODSEQ (${this.#modseqOf(uid)})` : '';
    output.write(
      `${fetchStart(manner, this.view.sequenceOf(uid), uid)}${manner.uid ? `UID ${uid} ` : ''}FLAGS ${flags.text}${modseq})\r\n`,
    );
  }

  /** The same without the flags, which the client knows: for `.SILENT` (RFC 7162 §3.1.3). */
  tellModseq(output: Output, uid: number, manner: Manner): void {
    if (!this.box.flags(uid)) return;
    this.view.flagsTold(uid);
    const start = fetchStart(manner, this.view.sequenceOf(uid), uid);
    output.write(`${start}${manner.uid ? `UID ${uid} ` : ''}MODSEQ (${this.#modseqOf(uid)}))\r\n`);
  }

  #modseqOf(uid: number): number {
    const modseq = this.box.modseq(uid);
    this.modseqTold(modseq);
    return modseq;
  }
}
