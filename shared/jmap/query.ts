/**
 * The arguments and answer every /query shares (RFC 8620 §5.5): a tree of filters, a list of
 * comparators, a window. Trees are bounded, since each condition is a piece of SQL.
 */
import { COLLATIONS, QUERY_LIMIT_MAX } from './capabilities.ts';
import type { Json } from './errors.ts';
import { MethodError, ShapeError } from './errors.ts';
import type { Reader } from './readers.ts';
import { arrayOf, isObject, nullable, optional, readBoolean, readId, readInt, readObject, readString, readUnsignedInt } from './readers.ts';

/** Levels of operators in a filter. */
const FILTER_DEPTH_MAX = 20;
/** Conditions in a filter: each is a piece of one SQL statement. */
const FILTER_CONDITIONS_MAX = 200;
/** Comparators in a sort. */
const SORT_MAX = 10;

/** A tree of conditions of type `C`. */
export type FilterTree<C> = { operator: 'AND' | 'OR' | 'NOT'; conditions: FilterTree<C>[] } | C;

export interface Window {
  /** From the beginning; negative from the end. */
  position: number;
  anchor: string | null;
  anchorOffset: number;
  limit: number;
  /** The client asked for more than we give, or named no limit: the answer says ours. */
  limited: boolean;
  calculateTotal: boolean;
}

/** Fields of a /query, to be spread into a record of readers with the method's own. */
export const QUERY_FIELDS = {
  accountId: readId,
  filter: nullable(readObject),
  sort: nullable(arrayOf(readObject)),
  position: optional(readInt, 0),
  anchor: nullable(readId),
  anchorOffset: optional(readInt, 0),
  limit: nullable(readUnsignedInt),
  calculateTotal: optional(readBoolean, false),
} satisfies Record<string, Reader<unknown>>;

/** The window of a query, its limit bounded. */
export function queryWindow(args: Omit<Window, 'limit' | 'limited'> & { limit: number | null }): Window {
  const limited = args.limit === null || args.limit > QUERY_LIMIT_MAX;
  return {
    position: args.position,
    anchor: args.anchor,
    anchorOffset: args.anchorOffset,
    limit: limited ? QUERY_LIMIT_MAX : (args.limit ?? 0),
    limited,
    calculateTotal: args.calculateTotal,
  };
}

/** Reads a filter; `readCondition` throws ShapeError for a wrong type and `unsupportedFilter` for what it does not know. */
export function readFilter<C>(filter: Json | null, readCondition: (condition: Json) => C): FilterTree<C> | null {
  if (filter === null) return null;
  let conditions = 0;
  const read = (node: unknown, depth: number): FilterTree<C> => {
    if (!isObject(node)) throw new MethodError('invalidArguments', 'a filter is an object', { arguments: ['filter'] });
    if (depth > FILTER_DEPTH_MAX || ++conditions > FILTER_CONDITIONS_MAX)
      throw new MethodError('unsupportedFilter', 'the filter is too large');
    if (!Object.hasOwn(node, 'operator')) return conditionOf(node, readCondition);
    const { operator, conditions: children, ...rest } = node;
    if ((operator !== 'AND' && operator !== 'OR' && operator !== 'NOT') || !Array.isArray(children) || Object.keys(rest).length > 0)
      throw new MethodError('invalidArguments', 'an operator is AND, OR or NOT with conditions', { arguments: ['filter'] });
    return { operator, conditions: children.map((child) => read(child, depth + 1)) };
  };
  return read(filter, 0);
}

function conditionOf<C>(node: Json, readCondition: (condition: Json) => C): C {
  try {
    return readCondition(node);
  } catch (error) {
    throw error instanceof ShapeError ? new MethodError('invalidArguments', error.message, { arguments: ['filter'] }) : error;
  }
}

export interface Comparator<P extends string> {
  property: P;
  isAscending: boolean;
  keyword?: string;
}

/** Reads a sort by the properties in `known`; `keyed` ones need a keyword. */
export function readSort<P extends string>(sort: Json[] | null, known: readonly P[], keyed: readonly string[] = []): Comparator<P>[] {
  if (sort !== null && sort.length > SORT_MAX) throw new MethodError('unsupportedSort', `at most ${SORT_MAX} comparators`);
  return (sort ?? []).map((comparator) => {
    try {
      return readComparator(comparator, known, keyed);
    } catch (error) {
      throw error instanceof ShapeError ? new MethodError('invalidArguments', error.message, { arguments: ['sort'] }) : error;
    }
  });
}

function readComparator<P extends string>(comparator: Json, known: readonly P[], keyed: readonly string[]): Comparator<P> {
  const name = readString(comparator.property, 'sort/property');
  const property = known.find((each) => each === name);
  if (property === undefined) throw new MethodError('unsupportedSort', `cannot sort by ${name.slice(0, 100)}`);
  const collation = optional(readString, undefined)(comparator.collation, 'sort/collation');
  if (collation !== undefined && !COLLATIONS.includes(collation))
    throw new MethodError('unsupportedSort', `no collation ${collation.slice(0, 100)}`);
  const isAscending = optional(readBoolean, true)(comparator.isAscending, 'sort/isAscending');
  if (!keyed.includes(property)) return { property, isAscending };
  return { property, isAscending, keyword: readString(comparator.keyword, 'sort/keyword').toLowerCase() };
}

/** The answer of a /query. `ids` are wire ids. */
export function queryAnswer(
  accountId: string,
  queryState: string,
  window: Window,
  result: { ids: string[]; position: number; total?: number | undefined },
  canCalculateChanges: boolean,
): Json {
  const answer: Json = { accountId, queryState, canCalculateChanges, position: result.position, ids: result.ids };
  if (window.calculateTotal && result.total !== undefined) answer.total = result.total;
  if (window.limited) answer.limit = window.limit;
  return answer;
}

/** Fields of a /queryChanges (RFC 8620 §5.6). */
export const QUERY_CHANGES_FIELDS = {
  accountId: readId,
  filter: nullable(readObject),
  sort: nullable(arrayOf(readObject)),
  sinceQueryState: readString,
  // 0 is one here: RFC 8620 asks for more than that in /changes only.
  maxChanges: nullable(readUnsignedInt),
  upToId: nullable(readId),
  calculateTotal: optional(readBoolean, false),
} satisfies Record<string, Reader<unknown>>;

/**
 * The answer of a /queryChanges. `ids`: the whole result now; `removed`: all that may have left it or moved in it; `added`: what
 * may have come or moved. `upToId` is not used, as what we filter and sort by may change.
 */
export function queryChangesAnswer(
  accountId: string,
  args: { sinceQueryState: string; maxChanges: number | null; calculateTotal: boolean },
  result: { ids: readonly string[]; removed: string[]; added: readonly string[]; newState: string },
): Json {
  const candidates = new Set(result.added);
  const added = result.ids.map((id, index) => ({ id, index })).filter(({ id }) => candidates.has(id));
  if (args.maxChanges !== null && result.removed.length + added.length > args.maxChanges) throw new MethodError('tooManyChanges');
  const answer: Json = {
    accountId,
    oldQueryState: args.sinceQueryState,
    newQueryState: result.newState,
    removed: result.removed,
    added,
  };
  return args.calculateTotal ? { ...answer, total: result.ids.length } : answer;
}

/** The part of a whole result that a window shows; throws `anchorNotFound`. For types small enough to be held whole. */
export function cutWindow(ids: readonly string[], window: Window): { ids: string[]; position: number; total: number } {
  const start = window.anchor === null ? fromEnd(window.position, ids.length) : anchored(ids, window.anchor) + window.anchorOffset;
  const position = Math.max(0, start);
  return { ids: ids.slice(position, position + window.limit), position, total: ids.length };
}

function fromEnd(position: number, total: number): number {
  return position < 0 ? total + position : position;
}

function anchored(ids: readonly string[], anchor: string): number {
  const index = ids.indexOf(anchor);
  if (index < 0) throw new MethodError('anchorNotFound');
  return index;
}
