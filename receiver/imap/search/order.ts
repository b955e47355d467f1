/**
 * Sorting 100,000 messages without keeping others waiting: runs that take a millisecond or two are sorted at once and then merged,
 * with a pause now and then. Stable, so equal messages stay in the order of the mailbox (RFC 5256 §3: the implicit last criterion).
 */

/** Comparisons of a run: 1,024 elements take about 10,000. */
const RUN = 1024;
/** Elements merged between two looks at the clock. */
const MERGE_TURN = 8192;

export type Compare = (a: number, b: number) => number;

/** The numbers 0 … `length`−1 in the order of `compare`. */
export async function sortedIndices(length: number, compare: Compare, pause: () => Promise<void>): Promise<Uint32Array> {
  let from = Uint32Array.from({ length }, (_, index) => index);
  for (let start = 0; start < length; start += RUN) {
    from.subarray(start, start + RUN).sort(compare);
    await pause();
  }
  let to = new Uint32Array(length);
  for (let width = RUN; width < length; width *= 2) {
    await mergeRuns(from, to, width, compare, pause);
    [from, to] = [to, from];
  }
  return from;
}

/** Merges neighbouring runs of `width`. */
async function mergeRuns(from: Uint32Array, to: Uint32Array, width: number, compare: Compare, pause: () => Promise<void>): Promise<void> {
  for (let start = 0; start < from.length; start += 2 * width) {
    const middle = Math.min(start + width, from.length);
    const end = Math.min(start + 2 * width, from.length);
    let [left, right] = [start, middle];
    for (let at = start; at < end; at++) {
      if (at % MERGE_TURN === 0) await pause();
      const takeLeft = right >= end || (left < middle && compare(from[left] ?? 0, from[right] ?? 0) <= 0);
      to[at] = (takeLeft ? from[left++] : from[right++]) ?? 0;
    }
  }
}
