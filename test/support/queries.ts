/** Random filters and sorts over mail with a few words, keywords and mailboxes (1 inbox, 4 and 6 others), for property tests of Email/query. */
import fc from 'fast-check';
import type { EmailCondition } from '../../shared/jmap/email/query.ts';
import type { EmailFilter, EmailSort } from '../../workers/store/mail/query/email-query.ts';

export const SEARCHED_WORDS = ['apple', 'banana', 'cherry'];

const keyword = fc.constantFrom('$seen', '$flagged', 'never');
const word = fc.constantFrom(...SEARCHED_WORDS);
const condition: fc.Arbitrary<EmailCondition> = fc.oneof(
  fc.record({ inMailbox: fc.constantFrom(1, 4, 6, 99) }),
  fc.record({ inMailbox: fc.constantFrom(1, 4), notKeyword: fc.constant('$seen') }),
  fc.record({ inMailboxOtherThan: fc.uniqueArray(fc.constantFrom(1, 4, 6), { maxLength: 2 }) }),
  fc.record({ before: fc.integer({ min: 1_000_000, max: 1_010_000 }) }),
  fc.record({ after: fc.integer({ min: 1_000_000, max: 1_010_000 }) }),
  fc.record({ minSize: fc.integer({ min: 150, max: 260 }) }),
  fc.record({ maxSize: fc.integer({ min: 150, max: 260 }) }),
  fc.record({ hasKeyword: keyword }),
  fc.record({ notKeyword: keyword }),
  fc.record({ allInThreadHaveKeyword: keyword }),
  fc.record({ someInThreadHaveKeyword: keyword }),
  fc.record({ noneInThreadHaveKeyword: keyword }),
  fc.record({ hasAttachment: fc.boolean() }),
  fc.record({ text: word }),
  fc.record({ body: word }),
  fc.record({ from: fc.constantFrom('zoe', 'adam') }),
  fc.record({ subject: fc.constant('topic') }),
  fc.record({ header: fc.constantFrom<[string] | [string, string]>(['X-Priority'], ['X-Priority', '1'], ['X-Priority', '2']) }),
);
export const FILTERS: fc.Arbitrary<EmailFilter | null> = fc.option(
  fc.letrec<{ node: EmailFilter }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      condition,
      fc.record({
        operator: fc.constantFrom('AND' as const, 'OR' as const, 'NOT' as const),
        conditions: fc.array(tie('node'), { maxLength: 3 }),
      }),
    ),
  })).node,
  { nil: null },
);
export const SORTS: fc.Arbitrary<EmailSort[]> = fc.array(
  fc.record({
    property: fc.constantFrom<EmailSort['property']>(
      'receivedAt',
      'size',
      'from',
      'subject',
      'sentAt',
      'hasKeyword',
      'allInThreadHaveKeyword',
      'someInThreadHaveKeyword',
    ),
    isAscending: fc.boolean(),
    keyword,
  }),
  { maxLength: 2 },
);
