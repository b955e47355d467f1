/**
 * Sort criteria (RFC 5256 §3 SORT, RFC 5957 SORT=DISPLAY): read, and applied to what a search found. Texts compare casemapped, the
 * empty one first; equal messages stay in mailbox order.
 */
import { requireOn } from '../capabilities.ts';
import type { Client } from '../client.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { batches, type Scope } from './evaluate.ts';
import { indicesByRank, ranksOfNumbers, ranksOfTexts, refined, reversed } from './ranks.ts';
import type { Uids } from './uids.ts';

/** Criteria of one command: there are ten, and each may be reversed. */
const CRITERIA_MAX = 20;

/** The value is the first column that has one. */
interface SortKey {
  columns: readonly SortColumn[];
  missing: number | string;
}
type SortColumn = 'base' | 'sortFrom' | 'sortTo' | 'sortCc' | 'displayFrom' | 'displayTo' | 'internalDate' | 'size' | 'sent';
export interface Criterion {
  name: string;
  reverse: boolean;
}

const text = (column: SortColumn): SortKey => ({ columns: [column], missing: '' });
const number = (column: SortColumn): SortKey => ({ columns: [column], missing: 0 });

const KEYS: Record<string, SortKey> = {
  ARRIVAL: number('internalDate'),
  CC: text('sortCc'),
  // RFC 5256 §2.2: INTERNALDATE stands in for a date that is missing.
  DATE: { columns: ['sent', 'internalDate'], missing: 0 },
  DISPLAYFROM: text('displayFrom'),
  DISPLAYTO: text('displayTo'),
  FROM: text('sortFrom'),
  SIZE: number('size'),
  SUBJECT: text('base'),
  TO: text('sortTo'),
};

/** `(REVERSE DATE SUBJECT)` */
export function readCriteria(args: Arguments, client: Client): Criterion[] {
  const criteria: Criterion[] = [];
  let reverse = false;
  args.list(() => {
    const name = args.word('a sort criterion');
    if (name === 'REVERSE' && !reverse) {
      reverse = true;
      return;
    }
    if (name.startsWith('DISPLAY')) requireOn(client, 'SORT=DISPLAY');
    if (!Object.hasOwn(KEYS, name) || criteria.length >= CRITERIA_MAX) throw new Malformed('Unknown sort criterion');
    criteria.push({ name, reverse });
    reverse = false;
  });
  if (criteria.length === 0 || reverse) throw new Malformed('No sort criterion');
  return criteria;
}

/** `uids` in the order of the criteria. */
export async function sortUids(scope: Scope, uids: Uids, criteria: readonly Criterion[]): Promise<number[]> {
  const keys = criteria.map(({ name }) => KEYS[name]).filter((key) => key !== undefined);
  const values = await readValues(scope, uids, keys);
  let ranks: Float64Array | null = null;
  for (const [index, { reverse }] of criteria.entries()) {
    const ascending = await ranksOf(values[index] ?? [], scope.pause);
    const own = reverse ? reversed(ascending) : ascending;
    ranks = ranks ? refined(ranks, own) : own;
    await scope.pause();
  }
  return Array.from(indicesByRank(ranks ?? new Float64Array(uids.length)), (index) => uids[index] ?? 0);
}

async function ranksOf(values: readonly (number | string)[], pause: () => Promise<void>): Promise<Float64Array> {
  return isTexts(values) ? ranksOfTexts(values, pause) : ranksOfNumbers(values as readonly number[]);
}

/** A key's values are all texts or all numbers. */
function isTexts(values: readonly (number | string)[]): values is readonly string[] {
  return typeof values[0] === 'string';
}

/** One list for each key, aligned with `uids`. */
async function readValues({ box, pause }: Scope, uids: Uids, keys: readonly SortKey[]): Promise<(number | string)[][]> {
  const names = [...new Set(keys.flatMap(({ columns }) => columns))];
  const readings = keys.map(({ columns, missing }) => ({
    at: columns.map((column) => names.indexOf(column)),
    missing,
    values: [] as (number | string)[],
  }));
  for (const some of batches(uids)) {
    const rows = box.columns(names, some);
    for (const { at, missing, values } of readings) {
      for (const row of rows) values.push(firstOf(row, at) ?? missing);
    }
    await pause();
  }
  return readings.map(({ values }) => values);
}

function firstOf(row: readonly (number | string | null)[] | undefined, at: readonly number[]): number | string | null {
  for (const index of at) {
    const value = row?.[index] ?? null;
    if (value !== null) return value;
  }
  return null;
}
