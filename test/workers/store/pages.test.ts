/**
 * Invariant 10 for queries: the rows a page of 50 reads are within the budgets of DESIGN.md and the same, within a tenth, in a mailbox
 * three times as large. `npm run bench -- rows --full` measures the same pages at 100,000 messages.
 */
import { env } from 'cloudflare:test';
import { beforeAll, describe, expect, test } from 'vitest';
import { openMail } from '../../../workers/store/mail/index.ts';
import { createLargeAccount, type LargeAccount } from '../../support/large-account.ts';
import { mailboxOf } from '../../support/mail.ts';
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
