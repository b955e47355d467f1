/**
 * Email/queryChanges (RFC 8620 §5.6): whatever happens to the mail, an old list to which the changes are applied as the RFC says is the
 * list a fresh query gives, for random filters, sorts and collapsed threads.
 */
import { env } from 'cloudflare:test';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { openMail } from '../../../workers/store/mail/index.ts';
import type { AppliedOperation } from '../../../workers/store/mail/operations/applied.ts';
import type { EmailFilter, EmailQuery, EmailSort, QueryChanges } from '../../../workers/store/mail/query/email-query.ts';
import type { Account, MailStore } from '../../../workers/store/mail/types.ts';
import { createLargeAccount } from '../../support/large-account.ts';
import { createAccount, deliverRaw, rawMessage } from '../../support/mail.ts';
import { FILTERS, SEARCHED_WORDS, SORTS } from '../../support/queries.ts';
import { rowsRead } from '../../support/rows.ts';

const EMAILS = 24;

async function makeMail(): Promise<{ account: Account; mail: MailStore; add: () => Promise<number> }> {
  const account = await createAccount(env);
  let made = 0;
  const add = () => {
    const index = made++;
    const words = SEARCHED_WORDS.filter((_word, place) => (index >> place) % 2 === 0);
    const inReplyTo = index % 3 === 0 ? undefined : `c${account.id}-${index - (index % 3)}@x`;
    const raw = rawMessage({ messageId: `c${account.id}-${index}@x`, inReplyTo, subject: `Topic ${index % 4}`, body: words.join(' ') });
    return deliverRaw(env, account, raw, { keywords: index % 2 ? ['$seen'] : [], receivedAt: 1_000_000 + (index % 7) * 1000 });
  };
  for (let index = 0; index < EMAILS; index++) await add();
  return { account, mail: openMail(env, account), add };
}

/** The list spliced as RFC 8620 §5.6 tells a client to. */
function applied(list: readonly number[], { removed, added }: QueryChanges): number[] {
  const gone = new Set(removed);
  const ids = list.filter((id) => !gone.has(id));
  for (const { id, index } of added) ids.splice(index, 0, id);
  return ids;
}

const id = fc.integer({ min: 1, max: EMAILS + 3 });
const keyword = fc.constantFrom('$seen', '$flagged');
const mailbox = fc.constantFrom(1, 4, 6);
const operation: fc.Arbitrary<AppliedOperation | null> = fc.oneof(
  fc.constant(null),
  fc.record({ email: id, keyword, on: fc.boolean() }).map(({ email, keyword, on }): AppliedOperation => {
    const keywords = { add: on ? [keyword] : [], remove: on ? [] : [keyword] };
    return { op: 'updateEmails', changes: [{ email, keywords }] };
  }),
  fc.record({ email: id, mailbox }).map(({ email, mailbox }): AppliedOperation => {
    return { op: 'updateEmails', changes: [{ email, mailboxes: { add: [], remove: [], replace: [mailbox] } }] };
  }),
  fc.record({ op: fc.constant('destroyEmails' as const), emails: fc.array(id, { maxLength: 2 }) }),
  // IMAP marks a placement, or unmarks it: JMAP sees the email leave its mailbox, or come back.
  fc.record({
    op: fc.constant('store' as const),
    mailbox: fc.constant(1),
    uids: fc.array(id, { minLength: 1, maxLength: 2 }),
    deleted: fc.boolean(),
  }),
);

test('an old list and its changes give what a fresh query gives', async () => {
  const { mail, add } = await makeMail();
  const query = fc.record({ filter: FILTERS, sort: fc.oneof(fc.constant<EmailSort[]>([]), SORTS), collapseThreads: fc.boolean() });
  const round = fc.tuple(fc.array(query, { minLength: 8, maxLength: 8 }), fc.array(operation, { minLength: 1, maxLength: 8 }));
  await fc.assert(
    fc.asyncProperty(round, async ([asked, operations]) => {
      const queries = asked.map((one): EmailQuery => ({ ...one, position: 0, limit: 1000, calculateTotal: true }));
      const before = await Promise.all(queries.map((one) => mail.query(one)));
      const { Email: since } = await mail.states();
      for (const one of operations) await (one === null ? add() : mail.apply([one]));
      const { Email: state } = await mail.states();
      for (const [index, one] of queries.entries()) {
        const now = await mail.query(one);
        const changes = await mail.queryChanges(one, since, null);
        expect(changes && applied(before[index]?.ids ?? [], changes), JSON.stringify(one)).toEqual(now?.ids);
        expect([changes?.total, changes?.newState]).toEqual([now?.total, state]);
      }
    }),
    // The mail goes on from run to run, so a smaller example would be none.
    { numRuns: 60, endOnFailure: true },
  );
}, 120_000);

describe('a query is told', () => {
  const QUERY: EmailQuery = { filter: null, sort: [], collapseThreads: false, position: 0, limit: 50, calculateTotal: false };
  let mail: MailStore;
  let add: () => Promise<number>;
  let since: string;
  beforeEach(async () => {
    ({ mail, add } = await makeMail());
    since = (await mail.states()).Email;
  });
  const flag = (email: number) => mail.apply([{ op: 'store', mailbox: 1, uids: [email], add: ['$flagged'] }]);
  const changes = async (filter: EmailFilter | null, more: Partial<EmailQuery> = {}, upTo: number | null = null) => {
    const { removed, added } = (await mail.queryChanges({ ...QUERY, filter, ...more }, since, upTo)) ?? {};
    return { removed: removed?.toSorted((a, b) => a - b), added };
  };

  test('nothing of what it cannot see', async () => {
    await flag(3);
    expect(await changes(null)).toEqual({ removed: [], added: [] });
    expect(await changes({ inMailbox: 1 })).toEqual({ removed: [], added: [] });
    expect(await changes({ hasKeyword: '$flagged' })).toEqual({ removed: [3], added: [{ id: 3, index: 0 }] });
  });

  test('of a new email only that it was added', async () => {
    const id = await add();
    expect(await changes({ inMailbox: 1 })).toMatchObject({ removed: [], added: [{ id }] });
  });

  test('of all emails of a thread when it looks at threads', async () => {
    await flag(1);
    expect((await changes({ someInThreadHaveKeyword: '$flagged' })).removed).toEqual([1, 2, 3]);
    expect((await changes({ hasKeyword: '$flagged' }, { collapseThreads: true })).removed).toEqual([1, 2, 3]);
  });

  test('nothing beyond the last id it knows, when all it looks at is immutable', async () => {
    await mail.apply([{ op: 'destroyEmails', emails: [5] }]);
    const id = await add();
    const all = (await mail.query(QUERY))?.ids ?? [];
    const place = all.indexOf(id);
    expect((await changes(null, {}, all[place + 1] ?? 0)).added).toEqual([{ id, index: place }]);
    expect((await changes(null, {}, all[place - 1] ?? 0)).added).toEqual([]);
    expect((await changes({ inMailbox: 1 }, {}, all[place - 1] ?? 0)).added).toEqual([{ id, index: place }]);
  });

  test('that it must ask anew, from a state that is none of ours or has been forgotten', async () => {
    for (const state of ['', 'x', '-1', '999999', '1-2-3']) expect(await mail.queryChanges(QUERY, state, null)).toBeNull();
    await env.MAIL_0.prepare('UPDATE account SET horizon = modseq WHERE id = ?1').bind(mail.account.id).run();
    expect(await mail.queryChanges(QUERY, String(Number(since) - 1), null)).toBeNull();
  });
});

test('what a new message changes costs no more rows in a mailbox of 8,000', async () => {
  const { account, inbox, count } = await createLargeAccount(env, 8_000);
  const mail = openMail(env, account);
  const { Email: since } = await mail.states();
  await deliverRaw(env, account, rawMessage());
  await mail.apply([{ op: 'store', mailbox: 1, uids: [count - 33], add: ['$seen'] }]);
  const query = {
    filter: { inMailbox: inbox, notKeyword: '$seen' },
    sort: [],
    collapseThreads: true,
    position: 0,
    limit: 50,
    calculateTotal: false,
  };
  const read = await rowsRead(env.MAIL_0, async () => {
    expect(await mail.queryChanges(query, since, null)).toMatchObject({ added: [{ id: count + 1, index: 0 }] });
  });
  expect(read).toBeLessThanOrEqual(300);
});
