/**
 * Invariant 10 for queries: the rows a page of 50 reads are within the budgets of DESIGN.md and the same, within a tenth, in a mailbox
 * three times as large. `npm run bench -- rows --full` measures the same pages at 100,000 messages.
 */
import { env } from 'cloudflare:test';
import { beforeAll, describe, expect, test } from 'vitest';
import { openMail, removeMailAccount } from '../../../workers/store/mail/index.ts';
import type { EmailQuery } from '../../../workers/store/mail/query/email-query.ts';
import { createLargeAccount, type LargeAccount } from '../../support/large-account.ts';
import { createAccount, deliverRaw, mailboxOf, rawMessage } from '../../support/mail.ts';
import { PAGES, pageQuery } from '../../support/pages.ts';
import { contradictions, recount } from '../../support/recount.ts';
import { rowsRead } from '../../support/rows.ts';

let small: LargeAccount;
let large: LargeAccount;

beforeAll(async () => {
  small = await createLargeAccount(env, 8_000);
  large = await createLargeAccount(env, 24_000);
}, 120_000);

test('the generated account is what the store would have made', async () => {
  const mailboxes = await openMail(env, small.account).mailboxes();
  expect(mailboxes).toMatchObject(await recount(env, small.account, mailboxes));
  expect(await contradictions(env, small.account)).toEqual([]);
  expect(await mailboxOf(env, small.account, 'inbox')).toBe(small.inbox);
});

describe('a page of 50 reads as much at 8,000 messages as at 24,000', () => {
  test.each(PAGES.filter(({ budget }) => budget !== undefined))('$what', async ({ budget = 0, grows, ask }) => {
    const read = ({ account, ...where }: LargeAccount) =>
      rowsRead(env.MAIL_0, async () => {
        expect((await openMail(env, account).query(pageQuery(ask({ account, ...where }))))?.ids.length).toBeGreaterThan(0);
      });
    const [few, many] = [await read(small), await read(large)];
    expect(many).toBeLessThanOrEqual(budget);
    if (!grows) expect(many).toBeLessThanOrEqual(few * 1.1);
  });
});

describe('a word that is in every message gives the list itself', () => {
  const windows: Partial<EmailQuery>[] = [{}, { position: 130 }, { position: 100, limit: 200 }, { collapseThreads: true }];
  test.each(windows)('window %j, newest and oldest first, in a large mailbox, a small one and all mail', async (window) => {
    const { account, inbox, archive } = large;
    const mail = openMail(env, account);
    for (const isAscending of [false, true])
      for (const where of [{ inMailbox: inbox }, { inMailbox: archive }, { inMailbox: archive, notKeyword: '$seen' }, {}]) {
        const more = { sort: [{ property: 'receivedAt' as const, isAscending }], ...window };
        const listed = await mail.query(pageQuery({ filter: where, ...more }));
        expect(await mail.query(pageQuery({ filter: { ...where, text: 'number' }, ...more }))).toEqual(listed);
        const anchor = listed?.ids[3];
        if (anchor === undefined) continue;
        const anchored = { ...more, anchor, anchorOffset: -2, limit: 5 };
        const expected = await mail.query(pageQuery({ filter: where, ...anchored }));
        expect(await mail.query(pageQuery({ filter: { ...where, text: 'number' }, ...anchored }))).toEqual(expected);
      }
  });
});

test('the last account there can be, mail of 1970 and of 2100: found, in order, and gone with the account', async () => {
  const account = await createAccount(env, { id: 2 ** 20 - 1 });
  const mail = openMail(env, account);
  const ids: number[] = [];
  for (const year of [2026, 1970, 2100, 1999, 2059])
    ids.push(await deliverRaw(env, account, rawMessage(), { receivedAt: Date.UTC(year, 5, 1) }));
  const [now, first, last, old, far] = ids;
  expect(await mail.query(pageQuery({ filter: { body: 'number' } }))).toMatchObject({ ids: [last, far, now, old, first] });
  await mail.apply([{ op: 'destroyEmails', emails: [now ?? 0] }]);
  const before = Date.UTC(2060, 1, 1);
  expect(await mail.query(pageQuery({ filter: { body: 'number', before } }))).toMatchObject({ ids: [far, old, first] });
  expect(await contradictions(env, account)).toEqual([]);
  await removeMailAccount(env, 0, account.id);
  const left = await env.MAIL_0.prepare('SELECT COUNT(*) AS rows FROM email_text WHERE rowid < 0').first('rows');
  expect(left).toBe(0);
});
