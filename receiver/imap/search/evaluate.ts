/**
 * Runs a search (RFC 9051 §6.4.4). Each key takes the messages still in question and gives back those that match, so AND hands on
 * fewer and fewer, cheap keys first, OR asks only for the rest, and NOT is what is left. Everything works in turns: a large mailbox
 * keeps nobody else waiting.
 */
import type { Progress } from '../progress.ts';
import type { Flags, SelectedMailbox } from '../session.ts';
import { resolveRanges } from '../wire/sets.ts';
import type { ColumnName, MessageColumns } from './columns.ts';
import { matchHeader } from './headers.ts';
import type { SearchKey } from './keys.ts';
import type { ReadLimits } from './originals.ts';
import { matchText } from './texts.ts';
import { NONE, type Uids, uidsOf, union, within, without } from './uids.ts';

/** A mailbox as one client sees it, and how its search takes turns with others. */
export interface Scope {
  box: SelectedMailbox;
  /** The messages the client counts: sequence number n is `uids[n - 1]`. */
  uids: Uids;
  /** `$` (RFC 5182). */
  saved: readonly number[];
  /** How much one key may read of what is not at hand. */
  limits: ReadLimits;
  /** Lets others run; throws when the client has gone. */
  pause(): Promise<void>;
  /** How far a long search has come (RFC 9585). */
  progress: Progress;
}

/** Messages whose flags are asked for between two looks at the clock. */
const FLAGS_BATCH = 4096;
/** Messages whose columns one statement reads: about a millisecond. */
const COLUMNS_BATCH = 512;

/** UIDs of the messages that match, ascending; none that are gone by now. Throws Refusal UNAVAILABLE or LIMIT. */
export async function evaluate(scope: Scope, key: SearchKey): Promise<Uids> {
  const found = await matching(scope, key, scope.uids);
  return found.filter((uid) => scope.box.flags(uid) !== undefined);
}

function matching(scope: Scope, key: SearchKey, uids: Uids): Promise<Uids> {
  if (uids.length === 0) return Promise.resolve(NONE);
  const match = MATCHERS[key.key] as (scope: Scope, key: SearchKey, uids: Uids) => Promise<Uids>;
  return match(scope, key, uids);
}

const MATCHERS: { [K in SearchKey['key']]: (scope: Scope, key: SearchKey & { key: K }, uids: Uids) => Promise<Uids> } = {
  all: async (_scope, _key, uids) => uids,
  none: async () => NONE,
  flag: (scope, { flag }, uids) => byFlags(scope, flag, uids),
  sequences: async (scope, { set }, uids) => {
    if (set.saved) return within(uids, ranges(scope.saved));
    // RFC 7377 §2: numbers beyond the end of the mailbox are no error in a search.
    const numbers = resolveRanges(set, scope.uids.length).filter(([from]) => from >= 1 && from <= scope.uids.length);
    return within(
      uids,
      numbers.map(([from, to]) => [scope.uids[from - 1] ?? 0, scope.uids[Math.min(to, scope.uids.length) - 1] ?? 0]),
    );
  },
  uids: async (scope, { set }, uids) => within(uids, set.saved ? ranges(scope.saved) : resolveRanges(set, scope.uids.at(-1) ?? 0)),
  modseq: async ({ box }, { min }, uids) => uids.filter((uid) => box.modseq(uid) >= min),
  range: (scope, { column, from, to }, uids) => byColumn(scope, column, uids, (value) => value !== null && value >= from && value < to),
  object: (scope, { column, id }, uids) => byColumn(scope, column, uids, (value) => value === id),
  header: (scope, key, uids) => matchHeader(scope, key, uids),
  text: (scope, key, uids) => matchText(scope, key, uids),
  not: async (scope, { of }, uids) => without(uids, await matching(scope, of, uids)),
  or: async (scope, { left, right }, uids) => {
    const [first, second] = cost(left) <= cost(right) ? [left, right] : [right, left];
    const found = await matching(scope, first, uids);
    return union(found, await matching(scope, second, without(uids, found)));
  },
  and: async (scope, { of }, uids) => {
    let left = uids;
    for (const key of [...of].sort((a, b) => cost(a) - cost(b))) left = await matching(scope, key, left);
    return left;
  },
};

/** What a key costs a message: memory, a column, header lines, the whole message. */
const COSTS: { [K in SearchKey['key']]: (key: SearchKey & { key: K }) => number } = {
  all: () => 0,
  none: () => 0,
  flag: () => 0,
  sequences: () => 0,
  uids: () => 0,
  modseq: () => 0,
  range: () => 1,
  object: () => 1,
  header: () => 2,
  text: () => 3,
  not: ({ of }) => cost(of),
  or: ({ left, right }) => Math.max(cost(left), cost(right)),
  and: ({ of }) => Math.max(...of.map(cost)),
};

function cost(key: SearchKey): number {
  return (COSTS[key.key] as (key: SearchKey) => number)(key);
}

/** Flags objects are interned: each set is asked once. */
async function byFlags({ box, pause }: Scope, flag: string, uids: Uids): Promise<Uids> {
  const answers = new Map<Flags, boolean>();
  const found = new Uint32Array(uids.length);
  let length = 0;
  for (const [index, uid] of uids.entries()) {
    if (index % FLAGS_BATCH === 0) await pause();
    const flags = box.flags(uid);
    if (!flags) continue;
    const known = answers.get(flags);
    const answer = known ?? flags.has(flag);
    if (known === undefined) answers.set(flags, answer);
    if (answer) found[length++] = uid;
  }
  return found.slice(0, length);
}

async function byColumn<Name extends ColumnName>(
  { box, pause }: Scope,
  name: Name,
  uids: Uids,
  test: (value: MessageColumns[Name]) => boolean,
): Promise<Uids> {
  const found: number[] = [];
  for (const some of batches(uids)) {
    for (const [index, row] of box.columns([name], some).entries()) if (row && test(row[0])) found.push(some[index] ?? 0);
    await pause();
  }
  return uidsOf(found);
}

/** Slices for `columns`. */
export function* batches(uids: Uids): Iterable<Uids> {
  for (let from = 0; from < uids.length; from += COLUMNS_BATCH) yield uids.subarray(from, from + COLUMNS_BATCH);
}

function ranges(uids: readonly number[]): [number, number][] {
  return [...uids].sort((a, b) => a - b).map((uid) => [uid, uid]);
}
