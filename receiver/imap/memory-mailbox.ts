/**
 * A mailbox in arrays, for `memory-session.ts`: its placements by UID, its counters, its listeners; and how flags combine.
 */
import { flagOfKeyword, keywordOfFlag } from '../../shared/flags.ts';
import type { MessageIndex } from '../../shared/mime/index-types.ts';
import type { Flags, MailboxChange, MailboxStatus, StoreRequest } from './session.ts';

export interface Email {
  id: number;
  thread: number;
  raw: Uint8Array;
  index: MessageIndex;
  wire: { envelope: string; body: string; bodyStructure: string };
  /** IMAP spelling, without `\Deleted`. */
  keywords: string[];
  placements: Set<Placement>;
}
export interface Placement {
  uid: number;
  mailbox: MemoryMailbox;
  email: Email;
  deleted: boolean;
  modseq: number;
  internalDate: number;
  savedDate: number;
}

export class MemoryMailbox {
  name: string;
  subscribed = true;
  uidnext = 1;
  highestModseq = 1;
  /** By uid, ascending. */
  placements: Placement[] = [];
  /** What was expunged, in that order. */
  expunged: { uid: number; modseq: number }[] = [];
  /** Removals up to this mod-sequence are forgotten. */
  horizon = 0;
  readonly id: string;
  readonly uidvalidity: number;
  readonly specialUse: string | null;
  readonly listeners = new Set<(change: MailboxChange) => void>();

  constructor(id: string, name: string, uidvalidity: number, use: string | null) {
    this.id = id;
    this.name = name;
    this.uidvalidity = uidvalidity;
    this.specialUse = use;
  }

  placement(uid: number): Placement | undefined {
    const { placements } = this;
    // As long as nothing was expunged, UID n is element n-1.
    const guess = placements[uid - 1];
    if (guess?.uid === uid) return guess;
    let low = 0;
    let high = placements.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((placements[middle]?.uid ?? 0) < uid) low = middle + 1;
      else high = middle;
    }
    return placements[low]?.uid === uid ? placements[low] : undefined;
  }

  those(uids: number[]): Placement[] {
    return uids.map((uid) => this.placement(uid)).filter((placement) => placement !== undefined);
  }

  keywords(): string[] {
    const keywords = new Map<string, string>();
    for (const { email } of this.placements) {
      for (const keyword of email.keywords) if (!keyword.startsWith('\\')) keywords.set(keyword.toLowerCase(), keyword);
    }
    return [...keywords.values()].sort();
  }

  status(): MailboxStatus {
    const { placements, uidnext, uidvalidity, highestModseq } = this;
    return {
      messages: placements.length,
      unseen: placements.filter(({ email }) => !email.keywords.includes('\\Seen')).length,
      deleted: placements.filter(({ deleted }) => deleted).length,
      uidnext,
      uidvalidity,
      highestModseq,
      size: octetsOf(placements),
      deletedSize: octetsOf(placements.filter(({ deleted }) => deleted)),
    };
  }

  /** UIDs expunged after `modseq`, ascending; null when that is beyond the horizon. */
  vanished(modseq: number): number[] | null {
    if (modseq < this.horizon) return null;
    return this.expunged
      .filter((gone) => gone.modseq > modseq)
      .map(({ uid }) => uid)
      .sort((a, b) => a - b);
  }

  /** Forgets what was expunged when. */
  forgetHistory(): void {
    this.expunged = [];
    this.horizon = this.highestModseq;
  }

  tell(change: Partial<MailboxChange>): void {
    for (const listener of [...this.listeners]) listener({ added: [], expunged: [], flags: [], ...change });
  }
}

function octetsOf(placements: Placement[]): number {
  return placements.reduce((total, { email }) => total + email.index.size, 0);
}

/** Without regard to case. */
export function hasFlag(flags: readonly string[], wanted: string): boolean {
  return flags.some((flag) => flag.toLowerCase() === wanted.toLowerCase());
}

/** `named`: the request names `\Deleted`. */
export function combineDeleted(before: boolean, mode: StoreRequest['mode'], named: boolean): boolean {
  if (mode === 'replace') return named;
  return named ? mode === 'add' : before;
}

/** Sorted, each keyword once, in the spelling the store gives back (it keeps them in lower case). */
export function combineKeywords(before: readonly string[], mode: StoreRequest['mode'], flags: readonly string[]): string[] {
  const result = new Set(mode === 'replace' ? [] : before.map(keyOf));
  for (const flag of flags) {
    if (mode === 'remove') result.delete(keyOf(flag));
    else result.add(keyOf(flag));
  }
  return [...result].sort().map(flagOfKeyword);
}

function keyOf(flag: string): string {
  return keywordOfFlag(flag) ?? flag.toLowerCase();
}

/** The Flags of a text like `(\Seen blue)`; the caller keeps one per text. */
export function internable(text: string): Flags {
  const list = text === '()' ? [] : text.slice(1, -1).split(' ');
  const lower = new Set(list.map((flag) => flag.toLowerCase()));
  return { list, text, has: (flag) => lower.has(flag.toLowerCase()) };
}
