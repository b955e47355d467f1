/** Rows written by a delivery and a flag change, rows read for a page, from D1's own `meta` (DESIGN.md, Budgets). */
import { env } from 'cloudflare:test';
import { test } from 'vitest';
import { deliver, openMail } from '../../../workers/store/mail/index.ts';
import { createLargeAccount } from '../../support/large-account.ts';
import { createAccount, deliverRaw, makeDelivery, rawMessage } from '../../support/mail.ts';
import { PAGES, pageQuery } from '../../support/pages.ts';
import { type Cost, cost } from '../../support/rows.ts';
import { report, SIZES } from './sizes.ts';

/** The local runtime counts one row where D1 writes about three (test/workers/store/budgets.test.ts). */
const TEXT_ROWS_NOT_COUNTED = 2;

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
  const flag = await cost(env.MAIL_0, () => mail.apply([{ op: 'store', mailbox: 1, uids: [id], add: ['$seen'] }]));
  const { cursor } = await mail.changes('', 500);
  const unflag = { op: 'store' as const, mailbox: 1, uids: [id], remove: ['$seen'] };
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
  const large = await createLargeAccount(env, size);
  for (const { what, budget, ask } of PAGES) {
    const query = pageQuery(ask(large));
    const started = performance.now();
    const { read } = await cost(env.MAIL_0, () => openMail(env, large.account).query(query));
    const took = Math.round(performance.now() - started);
    report({ what: `read at ${size.toLocaleString('en')} messages: ${what} (${took} ms)`, ours: read, unit: 'rows', budget });
  }
});
