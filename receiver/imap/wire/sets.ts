/**
 * Sequence sets (RFC 9051 §9 `sequence-set`, §4.1.1): `1,3:5,*` and `$`. The same grammar names sequence numbers
 * and UIDs; which numbers exist is the view's business. `*` is the largest number in use, so `9:*` always
 * holds the last message.
 */

/** Ranges of one set; the text bound allows 60,000 and a client with that many is better served by several commands. */
export const RANGES_MAX = 50_000;
const NUMBER_MAX = 0xffffffff;
/** Stands for `*` until the largest number is known. */
export const STAR = Number.POSITIVE_INFINITY;

/** `saved`: the set is `$`, the result of the last SEARCH (RFC 5182 §2.1). */
export interface SequenceSet {
  saved: boolean;
  /** As written; either end may be STAR and the ends may be in either order. */
  ranges: [number, number][];
}

/** Null when it is not a set: empty, zero, too large. */
export function parseSet(text: string): SequenceSet | null {
  if (text === '$') return { saved: true, ranges: [] };
  const items = text.split(',', RANGES_MAX + 1);
  if (items.length > RANGES_MAX) return null;
  const ranges: [number, number][] = [];
  for (const item of items) {
    const range = parseRange(item);
    if (!range) return null;
    ranges.push(range);
  }
  return { saved: false, ranges };
}

function parseRange(item: string): [number, number] | null {
  const colon = item.indexOf(':');
  if (colon < 0) {
    const number = parseNumber(item);
    return number === null ? null : [number, number];
  }
  const from = parseNumber(item.slice(0, colon));
  const to = parseNumber(item.slice(colon + 1));
  return from === null || to === null ? null : [from, to];
}

function parseNumber(text: string): number | null {
  if (text === '*') return STAR;
  if (!/^[1-9]\d{0,9}$/.test(text)) return null;
  const number = Number(text);
  return number <= NUMBER_MAX ? number : null;
}

/** Ascending, disjoint ranges, `*` replaced by `largest`. */
export function resolveRanges(set: SequenceSet, largest: number): [number, number][] {
  const ordered = set.ranges.map(([from, to]): [number, number] => {
    const a = from === STAR ? largest : from;
    const b = to === STAR ? largest : to;
    return a <= b ? [a, b] : [b, a];
  });
  ordered.sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const range of ordered) {
    const last = merged.at(-1);
    if (last && range[0] <= last[1] + 1) last[1] = Math.max(last[1], range[1]);
    else merged.push([range[0], range[1]]);
  }
  return merged;
}

/** The largest number written out; 0 when there is only `*`. */
export function largestNamed(set: SequenceSet): number {
  let largest = 0;
  for (const [from, to] of set.ranges) {
    if (from !== STAR && from > largest) largest = from;
    if (to !== STAR && to > largest) largest = to;
  }
  return largest;
}

/** `1:3,7` for ascending numbers; the empty string for none. */
export function formatSet(ascending: ArrayLike<number>): string {
  const ranges: string[] = [];
  let index = 0;
  while (index < ascending.length) {
    const from = ascending[index] ?? 0;
    let to = from;
    while (index + 1 < ascending.length && ascending[index + 1] === to + 1) {
      index += 1;
      to += 1;
    }
    ranges.push(from === to ? `${from}` : `${from}:${to}`);
    index += 1;
  }
  return ranges.join(',');
}

/** `1:3,7` for ranges in the order given. */
export function formatRanges(ranges: readonly (readonly [number, number])[]): string {
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}:${to}`)).join(',');
}

/** Numbers in the order given, runs that ascend by one joined: COPYUID needs the order of its pairs (RFC 4315 §3). */
export function formatOrdered(numbers: readonly number[]): string {
  return formatSet(numbers);
}

/** Index of the first element of `ascending` that is ≥ `value`. */
export function lowerBound(ascending: ArrayLike<number>, value: number, length = ascending.length): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
