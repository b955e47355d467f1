/**
 * Mailbox/query (RFC 8621 §2.3) over the account's mailboxes, which are few enough to hold whole: filter,
 * sort, and the two tree options.
 */
import type { Json } from '../errors.ts';
import { MethodError } from '../errors.ts';
import { decodeId } from '../ids.ts';
import type { Comparator, FilterTree } from '../query.ts';
import { nullable, own, readBoolean, readId, readString } from '../readers.ts';
import type { MailboxFacts } from './properties.ts';

export const MAILBOX_SORTS = ['sortOrder', 'name'] as const;
export type MailboxComparator = Comparator<(typeof MAILBOX_SORTS)[number]>;

type Test = (row: MailboxFacts) => boolean;

/** One property of a condition → the test it stands for. */
const CONDITIONS: Record<string, (value: unknown) => Test> = {
  parentId: (value) => {
    const text = nullable(readId)(value, 'parentId');
    const parent = text === null ? null : decodeId('Mailbox', text);
    return (row) => (text === null ? row.parent === null : row.parent !== null && row.parent === parent);
  },
  name: (value) => {
    const wanted = readString(value, 'name').toLowerCase();
    return (row) => row.name.toLowerCase().includes(wanted);
  },
  role: (value) => {
    const role = nullable(readString)(value, 'role');
    return (row) => row.role === role;
  },
  hasAnyRole: (value) => {
    const wanted = readBoolean(value, 'hasAnyRole');
    return (row) => (row.role !== null) === wanted;
  },
  isSubscribed: (value) => {
    const wanted = readBoolean(value, 'isSubscribed');
    return (row) => row.subscribed === wanted;
  },
};

/** A FilterCondition as one test: all of its properties must hold. */
export function readMailboxCondition(condition: Json): Test {
  const tests = Object.keys(condition).map((name) => {
    const read = Object.hasOwn(CONDITIONS, name) ? CONDITIONS[name] : undefined;
    if (!read) throw new MethodError('unsupportedFilter', `no condition ${name}`);
    return read(own(condition, name));
  });
  return (row) => tests.every((test) => test(row));
}

/** Whether a row matches a filter. NOT is true when none of its conditions is (RFC 8620 §5.5). */
export function matchesFilter<Row>(filter: FilterTree<(row: Row) => boolean> | null, row: Row): boolean {
  if (filter === null) return true;
  if (typeof filter === 'function') return filter(row);
  const results = filter.conditions.map((each) => matchesFilter(each, row));
  if (filter.operator === 'AND') return results.every(Boolean);
  return filter.operator === 'OR' ? results.some(Boolean) : !results.some(Boolean);
}

/** Sorted ids of the rows that match. */
export function queryMailboxes(
  rows: readonly MailboxFacts[],
  filter: FilterTree<Test> | null,
  sort: readonly MailboxComparator[],
  options: { sortAsTree: boolean; filterAsTree: boolean },
): number[] {
  const sorted = [...rows].sort((a, b) => compare(a, b, sort));
  const ordered = options.sortAsTree ? treeOrder(sorted) : sorted;
  const matching = new Set(ordered.filter((row) => matchesFilter(filter, row)).map((row) => row.id));
  const parents = new Map(rows.map((row) => [row.id, row.parent]));
  const shown = (id: number): boolean => {
    const parent = parents.get(id) ?? null;
    return matching.has(id) && (!options.filterAsTree || parent === null || shown(parent));
  };
  return ordered.map((row) => row.id).filter(shown);
}

function compare(a: MailboxFacts, b: MailboxFacts, sort: readonly MailboxComparator[]): number {
  for (const { property, isAscending } of sort) {
    const order = COMPARE[property](a, b);
    if (order !== 0) return isAscending ? order : -order;
  }
  return a.id - b.id;
}

const COMPARE: Record<MailboxComparator['property'], (a: MailboxFacts, b: MailboxFacts) => number> = {
  sortOrder: (a, b) => a.sortOrder - b.sortOrder,
  name: (a, b) => {
    const [left, right] = [a.name.toLowerCase(), b.name.toLowerCase()];
    return left < right ? -1 : Number(left > right);
  },
};

/** Each mailbox right before its children, siblings in the order given. A row whose parent is missing stands at the top. */
function treeOrder(sorted: readonly MailboxFacts[]): MailboxFacts[] {
  const ids = new Set(sorted.map((row) => row.id));
  const children = Map.groupBy(sorted, (row) => (row.parent !== null && ids.has(row.parent) ? row.parent : null));
  const ordered: MailboxFacts[] = [];
  const visit = (parent: number | null): void => {
    for (const row of children.get(parent) ?? []) {
      ordered.push(row);
      visit(row.id);
    }
  };
  visit(null);
  return ordered;
}
