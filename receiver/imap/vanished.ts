/**
 * VANISHED (RFC 7162 §3.2.10): UIDs that are gone, as ranges. Where the mailbox still knows what was expunged when, the answer to a
 * client that comes back is just that; beyond the horizon it is every UID that is not there (§3.2.6), less what the
 * client proves to know by sequence match data (§3.2.5.2).
 */
import type { SelectedMailbox } from './session.ts';
import { formatRanges, lowerBound, resolveRanges, type SequenceSet } from './wire/sets.ts';

/** Ranges in one line: about 8 KB, which clients with a line limit can read (RFC 7162 §4). */
const LINE_RANGES = 500;

type Range = [number, number];

/** Whole lines, none for no UIDs. `what`: `(EARLIER) ` or nothing. */
export function vanishedLines(uids: readonly number[], what: '(EARLIER) ' | ''): string {
  return rangeLines(rangesOf(uids), what);
}

/** What has gone from among `known` since `modseq`, as VANISHED (EARLIER) lines. `above`: the client knows all removals up to this UID. */
export function earlierLines(box: SelectedMailbox, known: Range[], modseq: number, above = 0): string {
  const gone = box.vanished(modseq);
  const live = box.uids();
  const ranges = gone ? rangesOf(among(gone, known)) : complement(known, live, above, box.uidnext() - 1);
  return rangeLines(ranges, '(EARLIER) ');
}

/** The largest UID up to which a client's numbering is ours, from the pairs it names; 0 when not even the first is. */
export function matchedUid(uids: Uint32Array, sequences: SequenceSet, known: SequenceSet): number {
  const theirs = numbersOf(known);
  let matched = 0;
  for (const sequence of numbersOf(sequences)) {
    const uid = theirs.next().value;
    if (uid === undefined || sequence > uids.length || uids[sequence - 1] !== uid) break;
    matched = uid;
  }
  return matched;
}

function* numbersOf(set: SequenceSet): Generator<number, undefined> {
  for (const [from, to] of set.ranges) for (let number = from; number <= to; number += 1) yield number;
}

/** Ranges of a set of UIDs, ascending; `*` is the largest UID there ever was. */
export function knownRanges(set: SequenceSet, box: SelectedMailbox): Range[] {
  return resolveRanges(set, Math.max(1, box.uidnext() - 1));
}

function rangesOf(ascending: readonly number[]): Range[] {
  const ranges: Range[] = [];
  for (const uid of ascending) {
    const last = ranges.at(-1);
    if (last && uid === last[1] + 1) last[1] = uid;
    else ranges.push([uid, uid]);
  }
  return ranges;
}

function among(ascending: readonly number[], known: Range[]): number[] {
  const found: number[] = [];
  for (const [from, to] of known) {
    for (let index = lowerBound(ascending, from); index < ascending.length && (ascending[index] ?? 0) <= to; index += 1) {
      found.push(ascending[index] ?? 0);
    }
  }
  return found;
}

/** What of `known` in (above, largest] is not in `live`. */
function complement(known: Range[], live: Uint32Array, above: number, largest: number): Range[] {
  const gone: Range[] = [];
  for (const range of known) {
    let from = Math.max(range[0], above + 1);
    const to = Math.min(range[1], largest);
    for (let index = lowerBound(live, from); index < live.length && (live[index] ?? 0) <= to; index += 1) {
      const uid = live[index] ?? 0;
      if (uid > from) gone.push([from, uid - 1]);
      from = uid + 1;
    }
    if (from <= to) gone.push([from, to]);
  }
  return gone;
}

function rangeLines(ranges: Range[], what: string): string {
  let text = '';
  for (let from = 0; from < ranges.length; from += LINE_RANGES) {
    text += `* VANISHED ${what}${formatRanges(ranges.slice(from, from + LINE_RANGES))}\r\n`;
  }
  return text;
}
