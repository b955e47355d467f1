/**
 * Ranks instead of values for SORT and THREAD (RFC 5256 §3): the place of each value among the distinct ones. Ranks are small numbers, so
 * several criteria fold into one, and the engine sorts numbers without asking us about each pair. Plain loops: 100,000 messages pass here.
 */
import { lowerBound } from '../wire/sets.ts';

/** Texts the engine sorts at once, by itself: a dozen milliseconds. */
const RUN = 16_384;
/** Texts merged between two looks at the clock. */
const MERGE_TURN = 8192;
type Pause = () => Promise<void>;

/** Equal numbers have one rank. 100,000 take some 20 ms. */
export function ranksOfNumbers(values: ArrayLike<number>): Float64Array {
  const distinct = new Float64Array(values).sort();
  let count = 0;
  for (let at = 0; at < distinct.length; at++) {
    const value = distinct[at] ?? 0;
    if (count === 0 || value !== distinct[count - 1]) distinct[count++] = value;
  }
  const ranks = new Float64Array(values.length);
  for (let at = 0; at < ranks.length; at++) ranks[at] = lowerBound(distinct, values[at] ?? 0, count);
  return ranks;
}

/** By code units; equal texts have one rank. */
export async function ranksOfTexts(values: readonly string[], pause: Pause): Promise<Float64Array> {
  const numbers = new Map<string, number>();
  const distinct: string[] = [];
  const ranks = new Float64Array(values.length);
  for (const [at, value] of values.entries()) {
    const number = numbers.get(value) ?? distinct.push(value) - 1;
    if (number === distinct.length - 1) numbers.set(value, number);
    ranks[at] = number;
  }
  await pause();
  const rankOf = new Uint32Array(distinct.length);
  for (const [rank, text] of (await sortedTexts(distinct, pause)).entries()) rankOf[numbers.get(text) ?? 0] = rank;
  for (let at = 0; at < ranks.length; at++) ranks[at] = rankOf[ranks[at] ?? 0] ?? 0;
  return ranks;
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

/** Ranks by the first criterion, ties by the second; both count from 0 to less than their length. */
export function refined(ranks: Float64Array, ties: Float64Array): Float64Array {
  const both = new Float64Array(ranks.length);
  for (let at = 0; at < both.length; at++) both[at] = (ranks[at] ?? 0) * both.length + (ties[at] ?? 0);
  return ranksOfNumbers(both);
}

/** The greatest rank first. */
export function reversed(ranks: Float64Array): Float64Array {
  return ranks.map((rank) => ranks.length - 1 - rank);
}

/** The numbers 0 … in the order of their ranks, equal ones as they stand. */
export function indicesByRank(ranks: Float64Array): Uint32Array {
  const { length } = ranks;
  const keys = new Float64Array(length);
  for (let at = 0; at < length; at++) keys[at] = (ranks[at] ?? 0) * length + at;
  keys.sort();
  const indices = new Uint32Array(length);
  for (let at = 0; at < length; at++) indices[at] = (keys[at] ?? 0) % length;
  return indices;
}
