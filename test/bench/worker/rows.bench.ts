/** Rows written by a delivery and a flag change, rows read for a page, from D1's own `meta` (DESIGN.md, Budgets). */
import { env } from 'cloudflare:test';
import { test } from 'vitest';
import { deliver, openMail } from '../../../workers/store/mail/index.ts';
import type { Account } from '../../../workers/store/mail/types.ts';
import { createAccount, deliverMany, deliverRaw, mailboxOf, makeDelivery, rawMessage } from '../../support/mail.ts';
import { type Cost, cost } from '../../support/rows.ts';
import { report, SIZES } from './sizes.ts';

/** The local runtime counts one row where D1 writes about three (test/workers/store/budgets.test.ts). */
const TEXT_ROWS_NOT_COUNTED = 2;
const PAGE = {
  sort: [{ property: 'receivedAt' as const, isAscending: false }],
  position: 0,
  limit: 50,
  collapseThreads: false,
  calculateTotal: false,
};

test('rows written', async () => {
  const account = await createAccount(env);
  const mail = openMail(env, account);
  const id = await deliverRaw(env, account, rawMessage({ messageId: 'root@b' }));
  const delivery = await makeDelivery(env, account, rawMessage({ inReplyTo: 'root@b', references: ['root@b'] }));
  const delivered = await cost(env.MAIL_0, () => deliver(env, [{ account, delivery }]));
  const batch = await Promise.all(
    Array.from({ length: 32 }, async () => ({ account, delivery: await makeDelivery(env, account, rawMessage()) })),
  );
  const together = await cost(env.MAIL_0, () => deliver(env, batch));
  const flag = await cost(env.MAIL_0, () => mail.apply([{ op: 'keywords', emails: [id], add: ['$seen'] }]));
  const { cursor } = await mail.changes('', 500);
  const unflag = { op: 'keywords' as const, emails: [id], remove: ['$seen'] };
  const commit = await cost(env.MAIL_0, () => mail.commit({ id: 'bench', since: cursor, operations: [unflag] }));
  const copy = await cost(env.MAIL_0, () => mail.apply([{ op: 'copy', mailbox: 1, uids: [1], to: 4 }]));
  const written = (what: string, { written }: Cost, budget?: number, more = 0) =>
    report({ what, ours: written + more, unit: 'rows', budget });
  written('written per delivered message, full text estimated', delivered, 16, TEXT_ROWS_NOT_COUNTED);
  report({ what: 'the same, 32 messages in one call', ours: together.written / 32 + TEXT_ROWS_NOT_COUNTED, unit: 'rows', budget: 16 });
  written('written per flag change, JMAP', flag, 9);
  written('written per flag change, IMAP commit', commit, 9);
  written('written per copy', copy);
});

test.each(SIZES)('rows read for a page at %i messages', async (size) => {
  const account = await createAccount(env);
  await deliverMany(env, account, size);
  const inMailbox = await mailboxOf(env, account, 'inbox');
  const newest = await newestOf(account);
  const pages: [string, number | undefined, object][] = [
    ['first page of 50 as the webmail asks', 300, { filter: { inMailbox }, collapseThreads: true, calculateTotal: true }],
    ['next page by anchor', 300, { filter: { inMailbox }, anchor: newest - 49, anchorOffset: 1 }],
    ['page of unread', 300, { filter: { inMailbox, notKeyword: '$seen' } }],
    ['page of unread and their number', undefined, { filter: { inMailbox, notKeyword: '$seen' }, calculateTotal: true }],
    ['search page, a word in every message', 2500, { filter: { inMailbox, text: 'number' } }],
    ['search page and its number', undefined, { filter: { inMailbox, text: 'number' }, calculateTotal: true }],
  ];
  for (const [what, budget, page] of pages) {
    const { read } = await cost(env.MAIL_0, () => openMail(env, account).query({ ...PAGE, filter: {}, ...page }));
    report({ what: `read at ${size.toLocaleString('en')} messages: ${what}`, ours: read, unit: 'rows', budget });
  }
});

async function newestOf(account: Account): Promise<number> {
  const found = await openMail(env, account).query({ ...PAGE, filter: {}, limit: 1 });
  return found?.ids[0] ?? 0;
}
