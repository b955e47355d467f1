/**
 * EmailSubmission/query and /queryChanges (RFC 8621 §7.3, §7.4) over the indexes of migration 0003: one for each sort and
 * each filter, so that a page costs its rows and a jump its position, not the number of submissions. A filter is compiled
 * into one condition whose values travel as one JSON parameter, `?2`; `?1` is the account.
 */

import type { SubmissionCondition } from '../../../shared/jmap/submission.ts';
import type { Env } from '../../env.ts';
import { mailDatabase, rowsOf } from './database.ts';
import { idOf, keyOf } from './keys.ts';
import type { EmailQueryResult } from './query/email-query.ts';
import { readAccount } from './states.ts';
import type { SubmissionFilter, SubmissionList, SubmissionListChanges, SubmissionQuery } from './submission-rows.ts';
import { typeChanges } from './type-changes.ts';
import type { Account } from './types.ts';

/** What sorts stand for in SQL. Ids sort as the texts that clients see; `sendAt` is what RFC 8621 §7.3 calls `sentAt`. */
const SORT_KEYS = {
  emailId: 'CAST(ifnull(email, 0) AS TEXT)',
  threadId: 'CAST(ifnull(thread, 0) AS TEXT)',
  sentAt: 'sendAt',
} as const;
/** True and false of every row, in words that SQLite does not see through: of a plain 0 it says that no index fits. */
const ALL = 'account > 0';
const NONE = 'account < 0';
/** Changed submissions that /queryChanges looks at; who has missed more asks for the list. */
const CHANGES_MAX = 500;
/** Rows between the first and the last one that came; beyond it the list is as cheap to ask for. */
const SPAN_MAX = 5000;

/** A list in SQL: which rows, in which order. */
interface CompiledList {
  /** The index to walk. */
  index: string;
  where: string;
  values: unknown[];
  /** The sort keys, the row's key last, and which of them run upward. */
  keys: string[];
  ascending: boolean[];
}

function compile({ filter, sort }: SubmissionList): CompiledList {
  const values: unknown[] = [];
  const where = filter === null ? ALL : conditionOf(filter, (value) => `?2, '$[${values.push(value) - 1}]'`);
  // Newest first when nothing is asked for; equal ones in the direction of the last comparator, as the index has them.
  const order = sort.length > 0 ? sort : [{ property: 'sentAt' as const, isAscending: false }];
  return {
    index: indexFor(filter, order[0]?.property ?? 'sentAt'),
    where: `account = ?1 AND destroyedModseq IS NULL AND ${where}`,
    values,
    keys: [...order.map(({ property }) => SORT_KEYS[property]), 'key'],
    ascending: [...order.map(({ isAscending }) => isAscending), order.at(-1)?.isAscending ?? false],
  };
}

/**
 * SQLite without statistics prefers the index that spares it a sort, though it then reads all rows to find a few. So it is
 * told: a filter that leaves few rows decides, else the sort. Only what must hold for every row counts: a condition, or one
 * of an AND.
 */
function indexFor(filter: SubmissionFilter | null, sort: keyof typeof SORT_KEYS): string {
  const parts = filter === null ? [] : 'operator' in filter ? (filter.operator === 'AND' ? filter.conditions : []) : [filter];
  const leaves = parts.filter((part) => !('operator' in part)) as SubmissionCondition[];
  if (leaves.some(({ emailIds }) => emailIds)) return 'submission_email';
  if (leaves.some(({ threadIds }) => threadIds)) return 'submission_thread';
  if (leaves.some(({ undoStatus }) => undoStatus === 'pending' || undoStatus === 'canceled')) return 'submission_open';
  if (leaves.some(({ identityIds }) => identityIds?.length === 1)) return 'submission_identity';
  return { emailId: 'submission_email', threadId: 'submission_thread', sentAt: 'submission_sent' }[sort];
}

/** `bind` keeps a value and says where it is, as the arguments of a JSON function. */
function conditionOf(filter: SubmissionFilter, bind: (value: unknown) => string): string {
  if (!('operator' in filter)) return leafOf(filter, bind);
  const parts = filter.conditions.map((condition) => conditionOf(condition, bind));
  if (filter.operator === 'OR') return parts.length === 0 ? NONE : `(${parts.join(' OR ')})`;
  if (filter.operator === 'NOT') return parts.length === 0 ? ALL : `NOT (${parts.join(' OR ')})`;
  return parts.length === 0 ? ALL : `(${parts.join(' AND ')})`;
}

function leafOf(condition: SubmissionCondition, bind: (value: unknown) => string): string {
  const { identityIds, emailIds, threadIds, undoStatus, before, after } = condition;
  // One id alone is an equation, behind which an index goes on in the order of its next column.
  const among = (key: string, ids: unknown[]) =>
    ids.length === 1 ? `${key} = json_extract(${bind(ids[0])})` : `${key} IN (SELECT value FROM json_each(${bind(ids)}))`;
  const terms = [
    identityIds && among('identity', identityIds),
    emailIds && among(SORT_KEYS.emailId, emailIds.map(String)),
    threadIds && among(SORT_KEYS.threadId, threadIds.map(String)),
    undoStatus !== undefined && (STATUS_TERMS.get(undoStatus) ?? NONE),
    before !== undefined && `sendAt < json_extract(${bind(before)})`,
    after !== undefined && `sendAt >= json_extract(${bind(after)})`,
  ].filter((term) => typeof term === 'string');
  return terms.length === 0 ? ALL : `(${terms.join(' AND ')})`;
}

/** Said twice over, because the index of those not final is used only where its condition stands word by word. */
const STATUS_TERMS = new Map([
  ['pending', "undoStatus = 'pending' AND undoStatus <> 'final'"],
  ['canceled', "undoStatus = 'canceled' AND undoStatus <> 'final'"],
  ['final', "undoStatus = 'final'"],
]);

function orderOf({ keys, ascending }: CompiledList): string {
  return keys.map((key, index) => `${key} ${ascending[index] ? 'ASC' : 'DESC'}`).join(', ');
}

/** A row's place among the others: the values of its sort keys. */
type Place = (string | number)[];

/** The condition that a row stands before (`isBefore`) or after a place. The first comparison alone lets the index begin there. */
function beside({ keys, ascending }: CompiledList, place: Place, isBefore: boolean, bind: (value: unknown) => string): string {
  const values = place.map((value) => `json_extract(${bind(value)})`);
  const turn = (index: number) => (ascending[index] === isBefore ? '<' : '>');
  const cases = keys.map((key, index) =>
    [...keys.slice(0, index).map((equal, at) => `${equal} = ${values[at]}`), `${key} ${turn(index)} ${values[index]}`].join(' AND '),
  );
  return `${keys[0]} ${turn(0)}= ${values[0]} AND (${cases.map((one) => `(${one})`).join(' OR ')})`;
}

/** The queries of one list of one account. */
class SubmissionRows {
  readonly #db: D1Database;
  readonly #account: number;
  readonly #list: CompiledList;

  constructor(env: Env, account: Account, list: SubmissionList) {
    this.#db = mailDatabase(env, account.shard);
    this.#account = account.id;
    this.#list = compile(list);
  }

  async #read<Row>(select: string, rest = '', more: unknown[] = [], where = '', index = `INDEXED BY ${this.#list.index}`): Promise<Row[]> {
    const sql = `SELECT ${select} FROM submission ${index} WHERE ${this.#list.where}${where} ${rest}`;
    const values = [...this.#list.values, ...more];
    // A parameter that no condition asks for is an error.
    const bound = values.length > 0 ? [JSON.stringify(values)] : [];
    return rowsOf<Row>(
      await this.#db
        .prepare(sql)
        .bind(this.#account, ...bound)
        .run(),
    );
  }

  async count(): Promise<number> {
    return (await this.#read<{ n: number }>('count(*) AS n'))[0]?.n ?? 0;
  }

  async page(offset: number, limit: number): Promise<number[]> {
    const rest = `ORDER BY ${orderOf(this.#list)} LIMIT ${Math.max(0, limit)} OFFSET ${Math.max(0, offset)}`;
    return (await this.#read<{ key: number }>('key', rest)).map(({ key }) => idOf(key));
  }

  /** Those of these ids that are in the list, in its order, with their places. */
  async places(ids: readonly number[]): Promise<{ id: number; place: Place }[]> {
    const bind = this.#binder([]);
    const among = ` AND key IN (SELECT value FROM json_each(${bind.of(ids.map((id) => keyOf(this.#account, id)))}))`;
    const columns = this.#list.keys.map((key, index) => `${key} AS k${index}`).join(', ');
    const rows = await this.#read<Record<string, string | number>>(columns, `ORDER BY ${orderOf(this.#list)}`, bind.values, among, '');
    return rows.map((row) => {
      const place = this.#list.keys.map((_key, index) => row[`k${index}`] ?? 0);
      return { id: idOf(Number(place.at(-1))), place };
    });
  }

  /** How many stand before a place. */
  async before(place: Place): Promise<number> {
    const bind = this.#binder([]);
    const where = ` AND ${beside(this.#list, place, true, bind.of)}`;
    return (await this.#read<{ n: number }>('count(*) AS n', '', bind.values, where))[0]?.n ?? 0;
  }

  /** From one place to another, both included, as far as `max`. */
  async span(from: Place, to: Place, max: number): Promise<number[]> {
    const bind = this.#binder([]);
    const where = ` AND NOT (${beside(this.#list, from, true, bind.of)}) AND NOT (${beside(this.#list, to, false, bind.of)})`;
    const rest = `ORDER BY ${orderOf(this.#list)} LIMIT ${max}`;
    return (await this.#read<{ key: number }>('key', rest, bind.values, where)).map(({ key }) => idOf(key));
  }

  /** Keeps values behind those of the filter. */
  #binder(values: unknown[]) {
    const start = this.#list.values.length;
    return { values, of: (value: unknown) => `?2, '$[${start + values.push(value) - 1}]'` };
  }
}

/** One page; null when the anchor is not in the list. One query, two with an anchor or a total. */
export async function querySubmissions(env: Env, account: Account, query: SubmissionQuery): Promise<EmailQueryResult> {
  const rows = new SubmissionRows(env, account, query);
  const total = query.calculateTotal || query.position < 0 ? await rows.count() : undefined;
  const start =
    query.anchor === undefined ? fromEnd(query.position, total ?? 0) : await anchored(rows, query.anchor, query.anchorOffset ?? 0);
  if (start === null) return null;
  const position = Math.max(0, start);
  const ids = query.limit > 0 ? await rows.page(position, query.limit) : [];
  return { ids, position, ...(query.calculateTotal && total !== undefined ? { total } : {}) };
}

function fromEnd(position: number, total: number): number {
  return position < 0 ? total + position : position;
}

async function anchored(rows: SubmissionRows, anchor: number, offset: number): Promise<number | null> {
  const [found] = await rows.places([anchor]);
  return found ? (await rows.before(found.place)) + offset : null;
}

/** Only `undoStatus` of what is filtered and sorted by ever changes. */
function mayMove(filter: SubmissionFilter | null): boolean {
  if (filter === null) return false;
  return 'operator' in filter ? filter.conditions.some(mayMove) : filter.undoStatus !== undefined;
}

/** What came, went or moved in a list since a state; null when that cannot be told. Six queries at most. */
export async function submissionListChanges(
  env: Env,
  account: Account,
  list: SubmissionList,
  since: string,
  calculateTotal: boolean,
): Promise<SubmissionListChanges | null> {
  const changes = await typeChanges(env, account, 'EmailSubmission', since, CHANGES_MAX);
  if (!changes || changes.hasMore) return null;
  const moved = mayMove(list.filter) ? changes.updated : [];
  const rows = new SubmissionRows(env, account, list);
  const added = await addedAt(rows, [...changes.created, ...moved]);
  const total = calculateTotal ? await rows.count() : undefined;
  // Places and changes are of one state, or the places are wrong.
  if (added === null || String((await readAccount(env, account)).submissionModseq) !== changes.newState) return null;
  return { removed: [...changes.destroyed, ...moved], added, newState: changes.newState, ...(total === undefined ? {} : { total }) };
}

/** Where these stand in the list, those of them that are in it; null when they lie too far apart. */
async function addedAt(rows: SubmissionRows, ids: readonly number[]): Promise<{ id: number; index: number }[] | null> {
  const places = ids.length > 0 ? await rows.places(ids) : [];
  const [first] = places;
  const last = places.at(-1);
  if (!first || !last) return [];
  const start = await rows.before(first.place);
  const span = await rows.span(first.place, last.place, SPAN_MAX);
  const wanted = new Set(places.map(({ id }) => id));
  const added = span.flatMap((id, index) => (wanted.has(id) ? [{ id, index: start + index }] : []));
  return added.length === places.length ? added : null;
}
