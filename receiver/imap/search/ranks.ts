/**
 * Ranks instead of values for SORT and THREAD (RFC 5256 §3): the place of each value among the distinct ones. Ranks are small numbers, so
 * they are put in order by counting, one criterion after the other. Plain loops: 100,000 messages pass here.
 */
import { lowerBound } from '../wire/sets.ts';

/** Texts the engine sorts at once, by itself: a dozen milliseconds. */
const RUN = 16_384;
/** Texts merged between two looks at the clock. */
const MERGE_TURN = 8192;
type Pause = () => Promise<void>;

/** Aligned with what they are the ranks of; they count from 0, and equal values have one. */
export type Ranks = Uint32Array;

/** 100,000 take some 20 ms. */
export function ranksOfNumbers(values: ArrayLike<number>): Ranks {
  const distinct = new Float64Array(values).sort();
  let count = 0;
  for (let at = 0; at < distinct.length; at++) {
    const value = distinct[at] ?? 0;
    if (count === 0 || value !== distinct[count - 1]) distinct[count++] = value;
  }
  const ranks = new Uint32Array(values.length);
  for (let at = 0; at < ranks.length; at++) ranks[at] = lowerBound(distinct, values[at] ?? 0, count);
  return ranks;
}

/** By code units. */
export async function ranksOfTexts(values: readonly string[], pause: Pause): Promise<Ranks> {
  const numbers = new Map<string, number>();
  const distinct: string[] = [];
  const ranks = new Uint32Array(values.length);
  for (const [at, value] of values.entries()) {
    const number = numbers.get(value) ?? distinct.push(value) - 1;
    if (number === distinct.length - 1) numbers.set(value, number);
    ranks[at] = number;
  }
  await pause();
  const rankOf = new Uint32Array(distinct.length);
  for (const [rank, text] of (await sortedTexts(distinct, pause)).entries()) rankOf[numbers.get(text) ?? 0] = rank;
  return ranks.map((number) => rankOf[number] ?? 0);
}

async function sortedTexts(texts: readonly string[], pause: Pause): Promise<string[]> {
  let runs: string[][] = [];
  for (let at = 0; at < texts.length; at += RUN) {
    runs.push(texts.slice(at, at + RUN).sort());
    await pause();
  }
  while (runs.length > 1) {
    const merged: string[][] = [];
    for (let at = 0; at < runs.length; at += 2) merged.push(await mergedRuns(runs[at] ?? [], runs[at + 1] ?? [], pause));
    runs = merged;
  }
  return runs[0] ?? [];
}

/** Both are sorted. */
async function mergedRuns(a: readonly string[], b: readonly string[], pause: Pause): Promise<string[]> {
  const merged: string[] = [];
  let [left, right] = [0, 0];
  while (left < a.length && right < b.length) {
    if ((a[left] ?? '') < (b[right] ?? '')) merged.push(a[left++] ?? '');
    else merged.push(b[right++] ?? '');
    if (merged.length % MERGE_TURN === 0) await pause();
  }
  return merged.concat(a.slice(left), b.slice(right));
}

/** The numbers 0 … `length` - 1. */
export function indices(length: number): Uint32Array<ArrayBuffer> {
  const all = new Uint32Array(length);
  for (let at = 0; at < length; at++) all[at] = at;
  return all;
}

/** `order` (indices of `ranks`), the least rank first, the greatest when `reverse`; equal ones stay as they stand. */
export function sortByRank(order: Uint32Array, ranks: Ranks, reverse = false): Uint32Array<ArrayBuffer> {
  let greatest = 0;
  for (const rank of ranks) if (rank > greatest) greatest = rank;
  const placeOf = (index: number) => (reverse ? greatest - (ranks[index] ?? 0) : (ranks[index] ?? 0));
  // Where the next index of each place goes.
  const next = new Uint32Array(greatest + 2);
  for (const index of order) next[placeOf(index) + 1] = (next[placeOf(index) + 1] ?? 0) + 1;
  for (let place = 1; place < next.length; place++) next[place] = (next[place] ?? 0) + (next[place - 1] ?? 0);
  const sorted = new Uint32Array(order.length);
  for (const index of order) {
    const place = placeOf(index);
    const at = next[place] ?? 0;
    sorted[at] = index;
    next[place] = at + 1;
  }
  return sorted;
}
