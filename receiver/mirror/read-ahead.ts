/**
 * Reading ahead: a client that fetches one message after the other (a first download for offline use, a search through
 * bodies) finds the next ones on the disk, because several are fetched at once while it reads. Only small originals, and
 * only when two neighbours were read in a row, so that opening one message costs one call.
 */
import { lowerBound } from '../imap/wire/sets.ts';
import type { MirrorMessage } from './messages.ts';

/** Messages fetched ahead once a client has read two neighbours, and while it goes on: as many calls as run at once are always under way. */
const AHEAD_FIRST = 16;
const AHEAD = 32;
/** They are asked for in lots of at least this many: the facts of a lot are one look into the mirror. */
const LOT = 8;

export interface ReadAheadOptions {
  uids(): Uint32Array;
  /** The messages of these uids. */
  messages(uids: number[]): Iterable<MirrorMessage>;
  /** Fetches a message's original into the cache, unless it is there (then false); never throws. */
  warm(message: MirrorMessage): boolean;
}

export class ReadAhead {
  readonly #options: ReadAheadOptions;
  /** The uid noted last, the one expected next, and the last one that was fetched ahead; 0 when none is. */
  #current = 0;
  #next = 0;
  #reached = 0;

  constructor(options: ReadAheadOptions) {
    this.#options = options;
  }

  /** A message is being read; `atHand`: its original was there. While all are there, nothing is looked up ahead. */
  note(uid: number, atHand: boolean): void {
    if (uid === this.#current) return;
    const uids = this.#options.uids();
    const at = positionOf(uids, uid);
    const walking = uid === this.#next;
    this.#current = uid;
    this.#next = uids[at + 1] ?? 0;
    if (!walking) this.#reached = 0;
    if (walking && !(atHand && this.#reached === 0)) this.#goOn(uids, at);
  }

  #goOn(uids: Uint32Array, at: number): void {
    const due = uids[at + AHEAD - LOT] ?? this.#reached + 1;
    if (due <= this.#reached) return;
    const from = Math.max(at, positionOf(uids, this.#reached)) + 1;
    const wanted = [...uids.subarray(from, at + 1 + (this.#reached === 0 ? AHEAD_FIRST : AHEAD))];
    let fetched = false;
    for (const message of this.#options.messages(wanted)) fetched = this.#options.warm(message) || fetched;
    this.#reached = fetched ? (wanted.at(-1) ?? 0) : 0;
  }
}

/** Where `uid` stands, or the last one below it; -1 when all are above. */
function positionOf(uids: Uint32Array, uid: number): number {
  return lowerBound(uids, uid + 1) - 1;
}
