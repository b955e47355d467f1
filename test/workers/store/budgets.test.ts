/**
 * The budgets of DESIGN.md, from D1's own `meta`. The local runtime counts one row for an insert into the full text; D1 writes
 * to FTS5's own tables, estimated at three rows a message: its document sizes, one leaf of the index, the averages.
 */
import { env } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { INGEST_PAIRS_MAX } from '../../../shared/protocol.ts';
import { deliver, openMail } from '../../../workers/store/mail/index.ts';
import type { AppliedOperation } from '../../../workers/store/mail/operations/applied.ts';
import type { Account } from '../../../workers/store/mail/types.ts';
import { createAccount, deliverMany, deliverRaw, type MessageFields, makeDelivery, rawMessage } from '../../support/mail.ts';
import { type Cost, cost } from '../../support/rows.ts';

/** Counted as one where D1 writes about three. */
const TEXT_ROWS_NOT_COUNTED = 2;
/** Queries a request may make on the free plan. */
const QUERIES_MAX = 50;

async function deliveryCost(account: Account, fields: MessageFields): Promise<Cost> {
  const delivery = await makeDelivery(env, account, rawMessage(fields));
  return cost(env.MAIL_0, () => deliver(env, [{ account, delivery }]));
}

test('a delivered message writes at most 16 rows, full text included, whatever it answers', async () => {
  const account = await createAccount(env);
  const alone = await deliveryCost(account, { messageId: 'root@b' });
  const answer = await deliveryCost(account, { inReplyTo: 'root@b', references: ['root@b'] });
  const unknown = await deliveryCost(account, {
    inReplyTo: 'x9@b',
    references: Array.from({ length: 30 }, (_value, index) => `x${index}@b`),
  });
  const rows = [alone, answer, unknown].map(({ written }) => written + TEXT_ROWS_NOT_COUNTED);
  console.log(`rows written per delivered message (estimated with full text): ${rows.join(', ')}`);
  expect(Math.max(...rows)).toBeLessThanOrEqual(16);
});

test('messages delivered together cost fewer rows each, and as many queries as one', async () => {
  const account = await createAccount(env);
  const one = await deliveryCost(account, {});
  const deliveries = await Promise.all(
    Array.from({ length: INGEST_PAIRS_MAX }, async () => ({ account, delivery: await makeDelivery(env, account, rawMessage()) })),
  );
  const many = await cost(env.MAIL_0, () => deliver(env, deliveries));
  expect(many.queries).toBe(one.queries);
  expect(many.queries).toBeLessThanOrEqual(QUERIES_MAX / 2);
  expect(many.written / INGEST_PAIRS_MAX).toBeLessThan(one.written - 1);
});

test('a delivery into a mailbox of 2,000 reads no more than into one of 100', async () => {
  const [small, large] = [await createAccount(env), await createAccount(env)];
  await deliverMany(env, small, 100);
  await deliverMany(env, large, 2000);
  const [few, many] = [await deliveryCost(small, {}), await deliveryCost(large, {})];
  expect(many.read).toBeLessThanOrEqual(few.read * 1.1);
}, 60_000);

test('a flag change on one message writes at most 9 rows, through JMAP and through a commit', async () => {
  const account = await createAccount(env);
  const mail = openMail(env, account);
  const id = await deliverRaw(env, account, rawMessage());
  const operation = { op: 'store', mailbox: 1, uids: [id], add: ['$seen'] } as const satisfies AppliedOperation;
  const jmap = await cost(env.MAIL_0, () => mail.apply([{ ...operation, add: ['$seen'] }]));
  const { cursor } = await mail.changes('', 500);
  const undo = { op: 'store' as const, mailbox: 1, uids: [id], remove: ['$seen'] };
  const imap = await cost(env.MAIL_0, () => mail.commit({ id: 'flag-budget', since: cursor, operations: [undo] }));
  console.log(
    `rows written per flag change: ${jmap.written} by JMAP, ${imap.written} by a commit; queries ${jmap.queries}, ${imap.queries}`,
  );
  expect(jmap.written).toBeLessThanOrEqual(9);
  expect(imap.written).toBeLessThanOrEqual(9);
  expect(imap.queries).toBeLessThanOrEqual(QUERIES_MAX / 2);
});

test('a flag change by a commit reads no more in a mailbox of 2,000 than in one of 100', async () => {
  const [few, many] = [await commitCost(100), await commitCost(2000)];
  console.log(`rows read by a commit of one flag: ${few.read} of 100 messages, ${many.read} of 2,000`);
  expect(many.read).toBeLessThanOrEqual(few.read);
}, 60_000);

/** A commit of one flag in a mailbox of that size, by a mirror that knows all of it. */
async function commitCost(size: number): Promise<Cost> {
  const account = await createAccount(env);
  const mail = openMail(env, account);
  const ids = await deliverMany(env, account, size);
  let [since, more] = ['', true];
  while (more) ({ cursor: since, more } = await mail.changes(since, 500));
  const operation = { op: 'store' as const, mailbox: 1, uids: ids.slice(0, 1), add: ['$seen'] };
  return cost(env.MAIL_0, () => mail.commit({ id: `flag-of-${size}`, since, operations: [operation] }));
}

test('a further placement writes at most 4 rows more', async () => {
  const account = await createAccount(env);
  const mail = openMail(env, account);
  await deliverMany(env, account, 2);
  const one = await cost(env.MAIL_0, () => mail.apply([{ op: 'copy', mailbox: 1, uids: [1], to: 4 }]));
  const two = await cost(env.MAIL_0, () =>
    mail.apply([
      { op: 'copy', mailbox: 1, uids: [2], to: 4 },
      { op: 'copy', mailbox: 1, uids: [2], to: 5 },
    ]),
  );
  console.log(`rows written: first copy ${one.written}, copy into a further mailbox ${two.written - one.written} more`);
  expect(two.written - one.written).toBeLessThanOrEqual(4);
});

test('a flag on 1,000 messages takes as many queries as on one', async () => {
  const account = await createAccount(env);
  const mail = openMail(env, account);
  const ids = await deliverMany(env, account, 1000);
  const one = await cost(env.MAIL_0, () => mail.apply([{ op: 'store', mailbox: 1, uids: ids.slice(0, 1), add: ['$flagged'] }]));
  const started = Date.now();
  const all = await cost(env.MAIL_0, () => mail.apply([{ op: 'store', mailbox: 1, uids: ids, add: ['$seen'] }]));
  console.log(`1,000 flags: ${Date.now() - started} ms, ${all.written} rows, ${all.queries} queries (${one.queries} for one)`);
  expect(all.queries).toBeLessThanOrEqual(one.queries + 2);
  expect(all.written / 1000).toBeLessThanOrEqual(9);
}, 60_000);
