/**
 * The orders of a mailbox by what SORT and THREAD compare (RFC 5256 §3), kept while the mailbox is in use: working one out reads a value
 * of every message. Right for as long as they are kept, because what they compare never changes under a UID (RFC 9051 §2.3.1.1): mail
 * that comes is put in its place, what was expunged is not asked for any more.
 */
import type { SelectedMailbox } from '../session.ts';
import { KeptLinks } from '../threading/links.ts';
import { lowerBound } from '../wire/sets.ts';
import type { Scope } from './evaluate.ts';
import { indices, type Ranks, ranksOfNumbers, ranksOfTexts, sortByRank } from './ranks.ts';
import { readSortValues, type SortKeyName, type SortValue, sortValue } from './sort-keys.ts';
import { isLargePart, lastOf, placesOf, type Uids } from './uids.ts';

/** Orders kept of one mailbox, 8 octets a message each: clients sort by one or two columns, and THREAD takes two. */
const KEPT_MAX = 4;
/** New messages put in their places one by one, a few hundred microseconds each; more are sorted with all others. */
const PLACED_MAX = 64;

/** Every message of a mailbox at some moment. */
interface Order {
  uids: Uids;
  ranks: Ranks;
}

export class SortOrders {
  readonly links = new KeptLinks();
  /** The one used last is the last. */
  #kept = new Map<SortKeyName, Order>();

  /** What has been read may not be trusted any more. */
  forget(): void {
    // An order that is being worked out meanwhile goes to the old map.
    this.#kept = new Map();
    this.links.forget();
  }

  /** Ranks of `uids` (ascending, of the mailbox these orders belong to) by one criterion. */
  async ranks(scope: Scope, uids: Uids, key: SortKeyName): Promise<Ranks> {
    const kept = this.#kept;
    const order = currentOrder(kept.get(key), scope.box, uids, key);
    if (!order && !isLargePart(uids, scope.box.uids())) return readRanks(scope, key, uids);
    const whole = order ?? (await readOrder(scope, key));
    kept.delete(key);
    kept.set(key, whole);
    for (const name of kept.keys()) if (kept.size > KEPT_MAX) kept.delete(name);
    return ranksIn(whole, uids);
  }
}

async function readOrder(scope: Scope, key: SortKeyName): Promise<Order> {
  const uids = scope.box.uids().slice();
  return { uids, ranks: await readRanks(scope, key, uids) };
}

async function readRanks(scope: Scope, key: SortKeyName, uids: Uids): Promise<Ranks> {
  const values = await readSortValues(scope, key, uids);
  return isTexts(values) ? ranksOfTexts(values, scope.pause) : ranksOfNumbers(values as readonly number[]);
}

/** A key's values are all texts or all numbers. */
function isTexts(values: readonly SortValue[]): values is readonly string[] {
  return typeof values[0] === 'string';
}

/** An order that knows `uids`: new ones are always above those that were there (RFC 9051 §2.3.1.1). Null when it has to be read anew. */
function currentOrder(order: Order | undefined, box: SelectedMailbox, uids: Uids, key: SortKeyName): Order | null {
  if (!order) return null;
  return lastOf(uids) <= lastOf(order.uids) ? order : grown(order, box, key);
}

/** Those that are gone have the rank 0. */
function ranksIn(order: Order, uids: Uids): Ranks {
  const places = placesOf(order.uids, uids);
  const ranks = new Uint32Array(uids.length);
  for (let index = 0; index < ranks.length; index++) ranks[index] = order.ranks[places[index] ?? -1] ?? 0;
  return ranks;
}

/** Without what was expunged, and with what came, each in its place among those in order. Null when reading anew is quicker. */
function grown(order: Order, box: SelectedMailbox, key: SortKeyName): Order | null {
  const uids = box.uids().slice();
  const known = lowerBound(uids, lastOf(order.uids) + 1);
  if (uids.length - known > PLACED_MAX) return null;
  const ranks = new Uint32Array(uids.length);
  ranks.set(ranksIn(order, uids.subarray(0, known)));
  const sorted = Array.from(sortByRank(indices(known), ranks.subarray(0, known)));
  const valueAt = (index: number) => sortValue(box, key, uids[index] ?? 0);
  for (let index = known; index < uids.length; index++) {
    if (!place(index, { ranks, sorted, valueAt })) return null;
  }
  return { uids, ranks };
}

interface Places {
  ranks: Ranks;
  /** Indices of `ranks` in their order. */
  sorted: number[];
  /** Null when it is gone. */
  valueAt(index: number): SortValue | null;
}

/** False when a message that has to be looked at is gone by now. */
function place(index: number, { ranks, sorted, valueAt }: Places): boolean {
  const value = valueAt(index);
  let [low, high] = [0, sorted.length];
  let equal: number | null = null;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = sorted[middle] ?? 0;
    const otherValue = valueAt(other);
    if (otherValue === null || value === null) return false;
    if (otherValue === value) equal = other;
    if (otherValue < value) low = middle + 1;
    else high = middle;
  }
  const [before, behind] = [sorted[low - 1], sorted[low]];
  const rank = behind === undefined ? (before === undefined ? 0 : (ranks[before] ?? 0) + 1) : (ranks[behind] ?? 0);
  if (equal === null) for (let other = 0; other < index; other++) if ((ranks[other] ?? 0) >= rank) ranks[other] = (ranks[other] ?? 0) + 1;
  ranks[index] = rank;
  sorted.splice(low, 0, index);
  return true;
}
