/** Email/query comparators (RFC 8621 §4.4.2) as ORDER BY terms over a row `e`. The last term makes every order total. */
import type { EmailSort } from './email-query.ts';
import { hasKeyword, type Values } from './filter.ts';

const THREAD = 'SELECT 1 FROM email t WHERE t.thread = e.thread AND t.gone = 0 AND t.live = 1 AND';

const EXPRESSIONS: Record<EmailSort['property'], (keyword: string, values: Values) => string> = {
  receivedAt: () => 'e.receivedAt',
  size: () => 'e.size',
  from: () => 'e.sortFrom',
  to: () => 'e.sortTo',
  subject: () => 'e.sortSubject',
  sentAt: () => 'coalesce(e.sentAt, e.receivedAt)',
  hasKeyword: (keyword, values) => hasKeyword('e', keyword, values),
  allInThreadHaveKeyword: (keyword, values) => `(NOT EXISTS (${THREAD} NOT ${hasKeyword('t', keyword, values)}))`,
  someInThreadHaveKeyword: (keyword, values) => `(EXISTS (${THREAD} ${hasKeyword('t', keyword, values)}))`,
};

/** Without comparators, the newest come first. */
export const NEWEST_FIRST: EmailSort = { property: 'receivedAt', isAscending: false };

export function orderSql(sort: readonly EmailSort[], values: Values): string {
  const comparators = sort.length > 0 ? sort : [NEWEST_FIRST];
  const terms = comparators.map(
    ({ property, isAscending, keyword = '' }) => `${EXPRESSIONS[property](keyword, values)} ${isAscending ? 'ASC' : 'DESC'}`,
  );
  return [...terms, `e.key ${comparators[0]?.isAscending ? 'ASC' : 'DESC'}`].join(', ');
}
