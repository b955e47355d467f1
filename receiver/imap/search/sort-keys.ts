/** What the sort criteria compare (RFC 5256 §3, RFC 5957 §3), and how it is read from the columns of a mailbox. */
import type { SelectedMailbox } from '../session.ts';
import { batches, type Scope } from './evaluate.ts';
import type { Uids } from './uids.ts';

export type SortValue = number | string;
/** The value is the first column that has one. */
interface SortKey {
  columns: readonly SortColumn[];
  missing: SortValue;
}
type SortColumn = 'base' | 'sortFrom' | 'sortTo' | 'sortCc' | 'displayFrom' | 'displayTo' | 'internalDate' | 'size' | 'sent';

const text = (column: SortColumn): SortKey => ({ columns: [column], missing: '' });
const number = (column: SortColumn): SortKey => ({ columns: [column], missing: 0 });

const KEYS = {
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
} as const satisfies Record<string, SortKey>;

export type SortKeyName = keyof typeof KEYS;

export function isSortKey(name: string): name is SortKeyName {
  return Object.hasOwn(KEYS, name);
}

/** Texts are casemapped. A message that is gone has the value of one without the field. */
export async function readSortValues({ box, pause }: Scope, name: SortKeyName, uids: Uids): Promise<SortValue[]> {
  const { columns, missing }: SortKey = KEYS[name];
  const values: SortValue[] = [];
  for (const some of batches(uids)) {
    for (const row of box.columns(columns, some)) values.push(row ? (firstOf(row) ?? missing) : missing);
    await pause();
  }
  return values;
}

/** Of one message; null when it is gone. */
export function sortValue(box: SelectedMailbox, name: SortKeyName, uid: number): SortValue | null {
  const { columns, missing }: SortKey = KEYS[name];
  const [row] = box.columns(columns, [uid]);
  return row ? (firstOf(row) ?? missing) : null;
}

function firstOf(row: readonly (SortValue | null)[]): SortValue | null {
  for (const value of row) if (value !== null) return value;
  return null;
}
