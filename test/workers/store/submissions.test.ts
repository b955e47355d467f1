/** What becomes of submissions' records: destroyed ones are forgotten behind the horizon, what is still to leave is not. */
import { env } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { openMail, removeMailAccount } from '../../../workers/store/mail/index.ts';
import { addReport } from '../../../workers/store/mail/submission-reports.ts';
import type { NewSubmissionRow } from '../../../workers/store/mail/submission-rows.ts';
import { HORIZON_MS } from '../../../workers/store/mail/tombstones.ts';
import type { Account } from '../../../workers/store/mail/types.ts';
import { sweepTombstones } from '../../../workers/store/sweep.ts';
import { createAccount } from '../../support/mail.ts';

function add(account: Account, changes: Partial<NewSubmissionRow> = {}): Promise<number> {
  return openMail(env, account).addSubmission(crypto.randomUUID(), {
    identity: 1,
    email: 1,
    thread: 1,
    sha256: 'a'.repeat(64),
    mailFrom: account.address,
    rcptTo: ['a@b.test'],
    undoStatus: 'final',
    deliveryStatus: {},
    sendAt: 0,
    dueAt: null,
    ...changes,
  });
}

async function count(table: 'submission' | 'submission_report' | 'vacation' | 'vacation_reply', account: Account): Promise<number> {
  return (await env.MAIL_0.prepare(`SELECT count(*) AS n FROM ${table} WHERE account = ?`).bind(account.id).first<number>('n')) ?? -1;
}

/** Two horizons pass. */
async function age(): Promise<void> {
  const now = Date.now();
  for (const periods of [1.1, 2.2, 3.3]) await sweepTombstones(env, now + periods * HORIZON_MS);
}

test('destroyed and hidden records are forgotten behind the horizon, with their reports, but not before all is delivered', async () => {
  const account = await createAccount(env);
  const mail = openMail(env, account);
  const kept = await add(account);
  const destroyed = await add(account);
  const held = await add(account, { undoStatus: 'pending', dueAt: 9e15 });
  await add(account, { isListed: false });
  const report = { kind: 'dsn', sha256: 'b'.repeat(64), at: 0, deliveryStatus: {} } as const;
  await addReport(env, account, destroyed, report);
  await addReport(env, account, kept, report);
  await mail.destroySubmission(destroyed);
  await mail.destroySubmission(held);
  await sweepTombstones(env, Date.now());
  expect(await count('submission', account)).toBe(4);
  await age();
  expect((await mail.submissions(null)).map(({ id }) => id)).toEqual([kept]);
  expect(await count('submission', account)).toBe(2);
  expect(await count('submission_report', account)).toBe(1);
  await env.MAIL_0.prepare('UPDATE submission SET dueAt = NULL WHERE account = ?').bind(account.id).run();
  await sweepTombstones(env, Date.now());
  expect(await count('submission', account)).toBe(1);
});

test('an account that is removed takes its reports and its vacation along', async () => {
  const account = await createAccount(env);
  const id = await add(account);
  await addReport(env, account, id, { kind: 'mdn', sha256: 'c'.repeat(64), at: 0, deliveryStatus: {} });
  await openMail(env, account).setVacation({ isEnabled: true });
  await removeMailAccount(env, account.shard, account.id);
  for (const table of ['submission', 'submission_report', 'vacation', 'vacation_reply'] as const)
    expect(await count(table, account), table).toBe(0);
});

test('a change that JMAP does not see moves no state', async () => {
  const account = await createAccount(env);
  const mail = openMail(env, account);
  const id = await add(account);
  await mail.destroySubmission(id);
  const before = await mail.states();
  await mail.updateSubmission(id, { deliveryStatus: { 'a@b.test': { delivered: 'yes' } } });
  expect(await mail.destroySubmission(id)).toBe(false);
  expect(await mail.updateSubmission(await add(account, { isListed: false }), { attempts: 1 })).toBe(true);
  expect(await mail.states()).toEqual(before);
});
