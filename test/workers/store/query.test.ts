/**
 * Email/query against a naive evaluation in memory (RFC 8621 §4.4): random filters, sorts, pages and anchors must give the
 * same ids whatever plan the store chooses; and the rows a page reads do not depend on the mailbox (invariant 10).
 */
import { env } from 'cloudflare:test';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { EmailCondition } from '../../../shared/jmap/email/query.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import type { EmailFilter, EmailQuery, EmailSort } from '../../../workers/store/mail/query/email-query.ts';
import type { Account, EmailRow, MailStore } from '../../../workers/store/mail/types.ts';
import { createAccount, deliverMany, deliverRaw, mailboxOf, rawMessage } from '../../support/mail.ts';
import { FILTERS, SEARCHED_WORDS, SORTS } from '../../support/queries.ts';
import { rowsRead } from '../../support/rows.ts';

const PLAIN: EmailQuery = { filter: null, sort: [], collapseThreads: false, position: 0, limit: 50, calculateTotal: false };
const WORDS = SEARCHED_WORDS;

let account: Account;
let mail: MailStore;
let emails: (EmailRow & { words: string[]; from: string; priority: string | null })[];

beforeAll(async () => {
  account = await createAccount(env);
  mail = openMail(env, account);
  const extra = new Map<number, { words: string[]; from: string; priority: string | null }>();
  for (let index = 0; index < 40; index++) {
    const words = WORDS.filter((_word, position) => (index >> position) % 3 === 0);
    const from = ['Zoe <zoe@x>', 'adam@x', '"Élan" <e@x>'][index % 3] ?? '';
    const priority = index % 5 === 0 ? '1' : null;
    const raw = rawMessage({
      from,
      subject: `${index % 2 ? 'Re: ' : ''}Topic ${index % 4}`,
      messageId: `q${index}@x`,
      inReplyTo: index % 3 === 1 ? `q${index - 1}@x` : undefined,
      body: words.join(' '),
      headers: priority ? [`X-Priority: ${priority}`] : [],
    });
    const keywords = [index % 2 ? '$seen' : '', index % 7 ? '' : '$flagged'].filter((keyword) => keyword !== '');
    extra.set(await deliverRaw(env, account, raw, { keywords, receivedAt: 1_000_000 + (index % 10) * 1000 }), { words, from, priority });
  }
  const ids = [...extra.keys()];
  await mail.apply([
    { op: 'updateEmails', changes: ids.filter((id) => id % 4 === 0).map((email) => ({ email, mailboxes: { add: [4], remove: [1] } })) },
    { op: 'updateEmails', changes: ids.filter((id) => id % 5 === 0).map((email) => ({ email, mailboxes: { add: [6], remove: [] } })) },
    { op: 'copy', mailbox: 1, uids: [3, 7], to: 1 },
    { op: 'destroyEmails', emails: [11] },
  ]);
  emails = (await mail.emails(ids)).map((email) => ({ ...email, ...(extra.get(email.id) ?? { words: [], from: '', priority: null }) }));
});

type Known = (typeof emails)[number];
const thread = ({ thread }: Known) => emails.filter((email) => email.thread === thread);

const NAIVE: { [Property in keyof EmailCondition]-?: (email: Known, value: never) => boolean } = {
  inMailbox: (email, mailbox: number) => email.mailboxes.includes(mailbox),
  inMailboxOtherThan: (email, mailboxes: number[]) => email.mailboxes.some((mailbox) => !mailboxes.includes(mailbox)),
  before: (email, time: number) => email.receivedAt < time,
  after: (email, time: number) => email.receivedAt >= time,
  minSize: (email, size: number) => email.size >= size,
  maxSize: (email, size: number) => email.size < size,
  allInThreadHaveKeyword: (email, keyword: string) => thread(email).every(({ keywords }) => keywords.includes(keyword)),
  someInThreadHaveKeyword: (email, keyword: string) => thread(email).some(({ keywords }) => keywords.includes(keyword)),
  noneInThreadHaveKeyword: (email, keyword: string) => !thread(email).some(({ keywords }) => keywords.includes(keyword)),
  hasKeyword: (email, keyword: string) => email.keywords.includes(keyword),
  notKeyword: (email, keyword: string) => !email.keywords.includes(keyword),
  hasAttachment: (email, wanted: boolean) => email.hasAttachment === wanted,
  text: (email, word: string) => email.words.includes(word),
  from: (email, word: string) => email.from.toLowerCase().includes(word),
  to: () => true,
  cc: () => false,
  bcc: () => false,
  subject: (email, word: string) => email.subject.toLowerCase().includes(word),
  body: (email, word: string) => email.words.includes(word),
  header: (email, [name, text]: [string, string?]) =>
    name === 'X-Priority' ? email.priority !== null && (!text || email.priority === text) : false,
};

function matches(filter: EmailFilter | null, email: Known): boolean {
  if (filter === null) return true;
  if (!('operator' in filter))
    return Object.entries(filter).every(([name, value]) => NAIVE[name as keyof EmailCondition](email, value as never));
  if (filter.operator === 'AND') return filter.conditions.every((part) => matches(part, email));
  const some = filter.conditions.some((part) => matches(part, email));
  return filter.operator === 'OR' ? some : !some;
}

const fold = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
const SORT_KEYS: Record<EmailSort['property'], (email: Known, keyword: string) => number | string> = {
  receivedAt: (email) => email.receivedAt,
  size: (email) => email.size,
  sentAt: (email) => email.sentAt ?? email.receivedAt,
  from: (email) => fold(/^"?([^"<]*[^"< ])/u.exec(email.from)?.[1] ?? ''),
  to: () => '',
  subject: (email) => fold(email.subject.replace(/^Re: /, '')),
  hasKeyword: (email, keyword) => Number(email.keywords.includes(keyword)),
  allInThreadHaveKeyword: (email, keyword) => Number(thread(email).every(({ keywords }) => keywords.includes(keyword))),
  someInThreadHaveKeyword: (email, keyword) => Number(thread(email).some(({ keywords }) => keywords.includes(keyword))),
};

function naive(query: EmailQuery): { ids: number[]; position: number; total: number } | null {
  const sort = query.sort.length > 0 ? query.sort : [{ property: 'receivedAt' as const, isAscending: false }];
  const found = emails
    .filter((email) => matches(query.filter, email))
    .sort((a, b) => {
      for (const { property, isAscending, keyword = '' } of sort) {
        const [left, right] = [SORT_KEYS[property](a, keyword), SORT_KEYS[property](b, keyword)];
        if (left !== right) return (left < right ? -1 : 1) * (isAscending ? 1 : -1);
      }
      return (a.id - b.id) * (sort[0]?.isAscending ? 1 : -1);
    });
  const kept = query.collapseThreads
    ? found.filter((email, index) => found.findIndex((other) => other.thread === email.thread) === index)
    : found;
  const anchor = kept.findIndex(({ id }) => id === query.anchor);
  if (query.anchor !== undefined && anchor === -1) return null;
  const asked = query.anchor === undefined ? query.position : anchor + (query.anchorOffset ?? 0);
  const position = Math.max(0, asked < 0 && query.anchor === undefined ? kept.length + asked : asked);
  return { ids: kept.slice(position, position + query.limit).map(({ id }) => id), position, total: kept.length };
}

const query = fc.record(
  {
    filter: FILTERS,
    sort: fc.oneof({ weight: 2, arbitrary: fc.constant<EmailSort[]>([]) }, SORTS),
    collapseThreads: fc.boolean(),
    position: fc.integer({ min: -5, max: 12 }),
    limit: fc.integer({ min: 0, max: 15 }),
    calculateTotal: fc.boolean(),
    anchor: fc.integer({ min: 1, max: 42 }),
    anchorOffset: fc.integer({ min: -4, max: 4 }),
  },
  { requiredKeys: ['filter', 'sort', 'collapseThreads', 'position', 'limit', 'calculateTotal'] },
);

test('random queries give what a naive evaluation gives', async () => {
  await fc.assert(
    fc.asyncProperty(query, async (query) => {
      const expected = naive(query);
      const result = await mail.query(query);
      if (expected === null || !query.calculateTotal)
        expect(result).toEqual(expected && { ids: expected.ids, position: expected.position });
      else expect(result).toEqual(expected);
    }),
    { numRuns: 400 },
  );
});

describe('search finds', () => {
  const cases: [string, string, string][] = [
    ['a two-character Chinese word', '明天的天气预报很好', '天气'],
    ['a word with diacritics typed without them', 'crème brûlée', 'creme'],
    ['the beginning of a word', 'unbelievable', 'unbel'],
    ['a phrase in quotes', 'one two three', '"two three"'],
  ];
  test.each(cases)('%s', async (_name, body, text) => {
    const other = await createAccount(env);
    const id = await deliverRaw(env, other, rawMessage({ body, headers: ['Content-Type: text/plain; charset=utf-8'] }));
    await deliverRaw(env, other, rawMessage({ body: 'nothing of the kind' }));
    expect(await openMail(env, other).query({ ...PLAIN, filter: { text } })).toEqual({ ids: [id], position: 0 });
  });
});

test('a search stays within its account', async () => {
  const stranger = await createAccount(env);
  expect(await openMail(env, stranger).query({ ...PLAIN, filter: { text: 'apple' } })).toEqual({ ids: [], position: 0 });
});

test('a filter of 201 conditions is refused, one of 200 is answered', async () => {
  const conditions = (count: number) => Array.from({ length: count }, () => ({ hasKeyword: '$seen' }));
  expect(await mail.query({ ...PLAIN, filter: { operator: 'AND', conditions: conditions(199) } })).toMatchObject({ position: 0 });
  await expect(mail.query({ ...PLAIN, filter: { operator: 'AND', conditions: conditions(201) } })).rejects.toThrow('too large');
});

describe('invariant 10: a page of 50 reads as much at 200 messages as at 2,100', () => {
  const pages: [string, number, (mailbox: number, newest: number) => Partial<EmailQuery>][] = [
    ['by date', 300, (inMailbox) => ({ filter: { inMailbox } })],
    ['by date, threads collapsed', 300, (inMailbox) => ({ filter: { inMailbox }, collapseThreads: true })],
    ['unread only', 300, (inMailbox) => ({ filter: { inMailbox, notKeyword: '$seen' } })],
    ['over all mailboxes', 300, () => ({})],
    ['after an anchor', 300, (inMailbox, newest) => ({ filter: { inMailbox }, anchor: newest - 49, anchorOffset: 1 })],
  ];
  let small: Account;
  let large: Account;
  const read = async (account: Account, ask: (typeof pages)[number][2]) => {
    const inbox = await mailboxOf(env, account, 'inbox');
    const newest = account === small ? 200 : 2100;
    return rowsRead(env.MAIL_0, async () => {
      expect((await openMail(env, account).query({ ...PLAIN, ...ask(inbox, newest) }))?.ids).toHaveLength(50);
    });
  };

  beforeAll(async () => {
    small = await createAccount(env);
    large = await createAccount(env);
    await deliverMany(env, small, 200);
    await deliverMany(env, large, 2100, (index) => ({ subject: index % 700 === 0 ? 'Seldom' : 'Often' }));
  }, 60_000);

  test('a word with more hits than are sorted is found along the walk, and still in the right order', async () => {
    const store = openMail(env, large);
    const inbox = await mailboxOf(env, large, 'inbox');
    const byDate = await store.query({ ...PLAIN, filter: { inMailbox: inbox } });
    const read = await rowsRead(env.MAIL_0, async () => {
      expect(await store.query({ ...PLAIN, filter: { inMailbox: inbox, body: 'number' } })).toEqual(byDate);
    });
    expect(read).toBeLessThanOrEqual(2500);
    expect(await store.query({ ...PLAIN, filter: { inMailbox: inbox, body: 'number', subject: 'seldom' } })).toMatchObject({
      ids: [1401, 701, 1],
    });
    const total = await store.query({ ...PLAIN, filter: { body: 'number' }, limit: 1, calculateTotal: true });
    expect(total).toEqual({ ids: [2100], position: 0, total: 2100 });
  });

  test.each(pages)('%s', async (name, budget, ask) => {
    const [few, many] = [await read(small, ask), await read(large, ask)];
    console.log(`page of 50 ${name}: rows read ${few} of 200 messages, ${many} of 2,100`);
    expect(many).toBeLessThanOrEqual(budget);
    expect(many).toBeLessThanOrEqual(few * 1.1);
  });
});
