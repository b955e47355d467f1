/**
 * Email/query filters (RFC 8621 §4.4.1) as SQL over a row `e` of `email`. Values never enter the text: they travel in one
 * JSON parameter, because D1 binds at most 100. Every condition is right wherever it stands, under OR and NOT too.
 */
import { isKeyword } from '../../../../shared/flags.ts';
import type { EmailCondition } from '../../../../shared/jmap/email/query.ts';
import { SEARCH_COLUMNS, type SearchColumn } from '../../../../shared/search.ts';
import { keyRange } from '../keys.ts';
import { EMAIL_OF_ROW, inHours } from '../text-rows.ts';
import type { EmailFilter } from './email-query.ts';
import { matchOf, type Words } from './match.ts';

/** Conditions in one filter, and operators nested: SQLite bounds the depth of an expression. */
const CONDITIONS_MAX = 200;
const DEPTH_MAX = 20;

/** The filter is larger than any client's; JMAP answers `unsupportedFilter`. */
export class FilterTooLarge extends Error {}

/** SQL with its values: `?1` is a JSON array, `at(n)` its n-th value. */
export class Values {
  readonly #values: unknown[] = [];

  /** SQL that reads the value. */
  add(value: unknown): string {
    this.#values.push(value);
    return `(?1->>${this.#values.length - 1})`;
  }

  /** The statement with its values; D1 refuses a parameter that is not in the text. */
  statement(db: D1Database, sql: string): D1PreparedStatement {
    const statement = db.prepare(sql);
    return this.#values.length > 0 ? statement.bind(JSON.stringify(this.#values)) : statement;
  }
}

/** What conditions need to know: whose words, and for `header` conditions the emails found beforehand. */
export interface FilterContext {
  words: Words;
  values: Values;
  /** Keys of the emails that match a header condition. */
  headerMatches: ReadonlyMap<EmailCondition, number[]>;
}

/** SQL that is true for the rows that match. */
export function filterSql(filter: EmailFilter | null, context: FilterContext): string {
  if (filter === null) return '1';
  let count = 0;
  const compile = (node: EmailFilter, depth: number): string => {
    if (depth > DEPTH_MAX || ++count > CONDITIONS_MAX) throw new FilterTooLarge('the filter is too large');
    if (!('operator' in node)) return conditionSql(node, context);
    const parts = node.conditions.map((part) => compile(part, depth + 1));
    if (node.operator === 'AND') return balanced(parts, 'AND', '1');
    const any = balanced(parts, 'OR', '0');
    return node.operator === 'OR' ? any : `NOT ${any}`;
  };
  return compile(filter, 0);
}

/** Joined as a balanced tree, because a chain of 200 would be 200 levels deep. */
export function balanced(parts: readonly string[], operator: 'AND' | 'OR', empty: string): string {
  if (parts.length === 0) return empty;
  if (parts.length === 1) return `(${parts[0]})`;
  const middle = parts.length >> 1;
  return `(${balanced(parts.slice(0, middle), operator, empty)} ${operator} ${balanced(parts.slice(middle), operator, empty)})`;
}

type Compilers = {
  [Property in keyof EmailCondition]-?: (
    value: NonNullable<EmailCondition[Property]>,
    context: FilterContext,
    condition: EmailCondition,
  ) => string;
};

const SAME_THREAD = 'SELECT 1 FROM email t WHERE t.thread = e.thread AND t.gone = 0 AND t.live = 1 AND';

const CONDITIONS: Compilers = {
  inMailbox: (mailbox, { values }) => `EXISTS (SELECT 1 FROM json_each(e.mailboxes) WHERE value = ${values.add(mailbox)})`,
  inMailboxOtherThan: (mailboxes, { values }) =>
    `EXISTS (SELECT 1 FROM json_each(e.mailboxes) WHERE value NOT IN (SELECT value FROM json_each(${values.add(mailboxes)})))`,
  before: (time, { values }) => `e.receivedAt < ${values.add(time)}`,
  after: (time, { values }) => `e.receivedAt >= ${values.add(time)}`,
  minSize: (size, { values }) => `e.size >= ${values.add(size)}`,
  maxSize: (size, { values }) => `e.size < ${values.add(size)}`,
  allInThreadHaveKeyword: (keyword, { values }) => `NOT EXISTS (${SAME_THREAD} NOT ${hasKeyword('t', keyword, values)})`,
  someInThreadHaveKeyword: (keyword, { values }) => `EXISTS (${SAME_THREAD} ${hasKeyword('t', keyword, values)})`,
  noneInThreadHaveKeyword: (keyword, { values }) => `NOT EXISTS (${SAME_THREAD} ${hasKeyword('t', keyword, values)})`,
  hasKeyword: (keyword, { values }) => hasKeyword('e', keyword, values),
  notKeyword: (keyword, { values }) => `NOT ${hasKeyword('e', keyword, values)}`,
  hasAttachment: (wanted) => `e.hasAttachment = ${wanted ? 1 : 0}`,
  text: (text, context) => textSql(text, SEARCH_COLUMNS, context),
  from: (text, context) => textSql(text, ['from'], context),
  to: (text, context) => textSql(text, ['to'], context),
  cc: (text, context) => textSql(text, ['cc'], context),
  bcc: (text, context) => textSql(text, ['bcc'], context),
  subject: (text, context) => textSql(text, ['subject'], context),
  body: (text, context) => textSql(text, ['body'], context),
  header: (_header, { headerMatches, values }, condition) =>
    `e.key IN (SELECT value FROM json_each(${values.add(headerMatches.get(condition) ?? [])}))`,
};

/** The condition's properties are all to match (RFC 8621 §4.4.1). */
function conditionSql(condition: EmailCondition, context: FilterContext): string {
  const parts = Object.entries(condition).flatMap(([property, value]) => {
    if (value === undefined) return [];
    const compile = CONDITIONS[property as keyof EmailCondition] as (
      value: unknown,
      context: FilterContext,
      condition: EmailCondition,
    ) => string;
    return [compile(value, context, condition)];
  });
  return balanced(parts, 'AND', '1');
}

/** Keywords are stored as a JSON array; none contains a quote, so looking for the quoted text is exact. */
export function hasKeyword(alias: 'e' | 't', keyword: string, values: Values): string {
  return isKeyword(keyword) ? `(instr(${alias}.keywords, ${values.add(`"${keyword.toLowerCase()}"`)}) > 0)` : '0';
}

function textSql(text: string, columns: readonly SearchColumn[], context: FilterContext): string {
  const match = matchOf(text, columns, context.words);
  if (match === null) return text.trim() === '' ? '1' : '0';
  return matchSql(match, context);
}

/** All rows that match the words, found once: right anywhere in a filter. The plan does better for the usual place. */
export function matchSql(match: string, { words, values }: FilterContext): string {
  const [first] = keyRange(words.account);
  const found = `SELECT ${first} + ${EMAIL_OF_ROW} FROM email_text WHERE email_text MATCH ${values.add(match)} AND ${inHours(words.account)}`;
  return `e.key IN (${found})`;
}
