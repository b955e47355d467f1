/** Sets of messages as SEARCH works with them: UIDs in ascending order, in typed arrays. */
import { lowerBound } from '../wire/sets.ts';

export type Uids = Uint32Array<ArrayBuffer>;

export const NONE: Uids = new Uint32Array(0);

/** Those of `uids` that are not in `others`. */
export function without(uids: Uids, others: Uids): Uids {
  if (others.length === 0) return uids;
  let at = 0;
  return uids.filter((uid) => {
    while (at < others.length && (others[at] ?? 0) < uid) at += 1;
    return others[at] !== uid;
  });
}

/** Both, each uid once. */
export function union(a: Uids, b: Uids): Uids {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const both = new Uint32Array(a.length + b.length);
  let [length, right] = [0, 0];
  for (const uid of a) {
    while (right < b.length && (b[right] ?? 0) < uid) both[length++] = b[right++] ?? 0;
    if (b[right] === uid) right += 1;
    both[length++] = uid;
  }
  while (right < b.length) both[length++] = b[right++] ?? 0;
  return both.slice(0, length);
}

/** Those of `uids` in one of the ascending, disjoint ranges. */
export function within(uids: Uids, ranges: readonly (readonly [number, number])[]): Uids {
  const found = new Uint32Array(uids.length);
  let length = 0;
  for (const [from, to] of ranges) {
    for (let at = lowerBound(uids, from); at < uids.length && (uids[at] ?? 0) <= to; at += 1) found[length++] = uids[at] ?? 0;
  }
  return found.slice(0, length);
}

/** From numbers in any order. */
export function uidsOf(numbers: Iterable<number>): Uids {
  return Uint32Array.from(numbers).sort();
}

/** 0 of none. */
export function lastOf(uids: Uids): number {
  return uids[uids.length - 1] ?? 0;
}

/** Where in `uids` each of `wanted` stands, -1 where it does not; both ascend. */
export function placesOf(uids: Uids, wanted: Uids): Int32Array {
  const places = new Int32Array(wanted.length);
  let at = -1;
  for (let index = 0; index < wanted.length; index++) {
    const uid = wanted[index] ?? 0;
    at = uids[at + 1] === uid ? at + 1 : lowerBound(uids, uid);
    places[index] = uids[at] === uid ? at : -1;
  }
  return places;
}

/** One in so many. */
const LARGE = 4;

/** So many of the mailbox's messages that what is worked out for them is better worked out for all, and kept. */
export function isLargePart(uids: Uids, all: ArrayLike<number>): boolean {
  return uids.length * LARGE >= all.length;
}
