/** The pages whose cost is bounded (DESIGN.md, Budgets), for the test that asserts it and the bench that measures it. */
import type { EmailQuery } from '../../workers/store/mail/query/email-query.ts';
import type { LargeAccount } from './large-account.ts';

export interface Page {
  what: string;
  /** Rows read; none where the cost grows with what is asked for. */
  budget?: number;
  /** Grows to a bound first: what is in a small mailbox is soon read whole. */
  grows?: true;
  ask: (large: LargeAccount) => Partial<EmailQuery>;
}

const SEARCH = 2500;
const LIST = 300;

export const PAGES: readonly Page[] = [
  {
    what: 'first page as the webmail asks',
    budget: LIST,
    ask: ({ inbox }) => ({ filter: { inMailbox: inbox }, collapseThreads: true, calculateTotal: true }),
  },
  { what: 'page by date', budget: LIST, ask: ({ inbox }) => ({ filter: { inMailbox: inbox } }) },
  {
    what: 'page by date, oldest first',
    budget: LIST,
    ask: ({ inbox }) => ({ filter: { inMailbox: inbox }, sort: [{ property: 'receivedAt', isAscending: true }] }),
  },
  {
    what: 'next page by anchor',
    budget: LIST,
    ask: ({ inbox, count }) => ({ filter: { inMailbox: inbox }, anchor: count - 49, anchorOffset: 1 }),
  },
  {
    what: 'page of unread and their number',
    budget: LIST,
    ask: ({ inbox }) => ({ filter: { inMailbox: inbox, notKeyword: '$seen' }, calculateTotal: true }),
  },
  { what: 'page of all mail', budget: LIST, ask: () => ({}) },
  { what: 'search page, a word in all', budget: SEARCH, ask: ({ inbox }) => ({ filter: { inMailbox: inbox, text: 'number' } }) },
  {
    what: 'search page, the beginning of a word in all',
    budget: SEARCH,
    ask: ({ inbox }) => ({ filter: { inMailbox: inbox, text: 'numb' } }),
  },
  {
    what: 'search page, a word in all, threads collapsed',
    budget: SEARCH,
    ask: ({ inbox }) => ({ filter: { inMailbox: inbox, text: 'number' }, collapseThreads: true }),
  },
  { what: 'search page, a word in a third', budget: SEARCH, ask: ({ inbox }) => ({ filter: { inMailbox: inbox, text: 'third' } }) },
  {
    what: 'search page in all mail, oldest first',
    budget: SEARCH,
    ask: () => ({ filter: { text: 'third' }, sort: [{ property: 'receivedAt', isAscending: true }] }),
  },
  {
    what: 'search page, either of two words',
    budget: SEARCH,
    ask: ({ inbox }) => ({
      filter: {
        operator: 'AND',
        conditions: [{ inMailbox: inbox }, { operator: 'OR', conditions: [{ from: 'nobody' }, { text: 'third' }] }],
      },
    }),
  },
  { what: 'search page before a date', budget: SEARCH, ask: () => ({ filter: { text: 'third', before: Date.UTC(2024, 5, 1) } }) },
  {
    what: 'search page by anchor',
    budget: SEARCH,
    ask: ({ inbox, count }) => ({ filter: { inMailbox: inbox, text: 'number' }, anchor: count - 49, anchorOffset: 1 }),
  },
  {
    what: 'search page of 20, a word in 1 %',
    budget: SEARCH,
    ask: ({ inbox }) => ({ filter: { inMailbox: inbox, text: 'seldom' }, limit: 20 }),
  },
  { what: 'search page of 19, a Chinese word in 1 %', budget: SEARCH, ask: () => ({ filter: { text: '天气' }, limit: 19 }) },
  {
    what: 'search page of 15, a word in all, in a mailbox of 2 %',
    budget: SEARCH,
    grows: true,
    ask: ({ archive }) => ({ filter: { inMailbox: archive, text: 'number' }, limit: 15 }),
  },
  {
    what: 'search page of 50, a word in all, in a mailbox of 2 %',
    budget: SEARCH,
    grows: true,
    ask: ({ archive }) => ({ filter: { inMailbox: archive, text: 'number' } }),
  },
  {
    what: 'search page of 50, a word in 1 %, in a mailbox of 2 %',
    ask: ({ archive }) => ({ filter: { inMailbox: archive, text: 'seldom' } }),
  },
  { what: 'search page and its number', ask: ({ inbox }) => ({ filter: { inMailbox: inbox, text: 'third' }, calculateTotal: true }) },
  {
    what: 'search page by subject',
    ask: ({ inbox }) => ({ filter: { inMailbox: inbox, text: 'seldom' }, sort: [{ property: 'subject', isAscending: true }] }),
  },
  { what: 'page by subject', ask: ({ inbox }) => ({ filter: { inMailbox: inbox }, sort: [{ property: 'subject', isAscending: true }] }) },
  { what: 'page by anchor in the middle', ask: ({ inbox, count }) => ({ filter: { inMailbox: inbox }, anchor: count / 2 }) },
  {
    what: 'page by anchor in the middle, threads collapsed',
    ask: ({ inbox, count }) => ({ filter: { inMailbox: inbox }, anchor: count / 2 - ((count / 2 + 2) % 3) + 2, collapseThreads: true }),
  },
  { what: 'page at 1,000', ask: ({ inbox }) => ({ filter: { inMailbox: inbox }, position: 1000 }) },
];

/** The page as a whole query: the newest 50, unless it says otherwise. */
export function pageQuery(asked: Partial<EmailQuery>): EmailQuery {
  return { filter: null, sort: [], position: 0, limit: 50, collapseThreads: false, calculateTotal: false, ...asked };
}
