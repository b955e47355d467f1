/** Forgetting and sweeping: horizons, receipts, and originals that no row points to (DESIGN.md, invariants 2 and 4). */
import { env } from 'cloudflare:test';
import { beforeEach, expect, test } from 'vitest';
import { condemnUnused, deleteCondemned } from '../../../workers/store/condemned.ts';
import { CondemnedOriginal, deliver, openMail, removeMailAccount } from '../../../workers/store/mail/index.ts';
import type { Account, MailStore } from '../../../workers/store/mail/types.ts';
import { sweep, sweepTombstones } from '../../../workers/store/sweep.ts';
import { createAccount, deliverRaw, emailOf, makeDelivery, putMessage, rawMessage } from '../../support/mail.ts';

const DAY = 86_400_000;

let account: Account;
let mail: MailStore;
beforeEach(async () => {
  account = await createAccount(env);
  mail = openMail(env, account);
});

async function marks(): Promise<{ deleting: number }[]> {
  const { results } = await env.MAIL_0.prepare('SELECT deleting FROM condemned WHERE account = ?1')
    .bind(account.id)
    .run<{ deleting: number }>();
  return results;
}

/** Two sweeps a horizon apart: the first takes the candidate, the second makes it the horizon. */
async function passHorizon(): Promise<number> {
  const now = Date.now();
  await sweepTombstones(env, now + 31 * DAY);
  await sweepTombstones(env, now + 62 * DAY);
  return now + 62 * DAY;
}

test('a cursor from before the horizon is reset, a state cannot be calculated, one after it still can', async () => {
  const id = await deliverRaw(env, account, rawMessage());
  const old = await mail.states();
  const { cursor } = await mail.changes('', 500);
  await mail.apply([{ op: 'destroyEmails', emails: [id] }]);
  const late = await mail.states();
  await passHorizon();
  expect(await mail.emailChanges(old.Email, 10)).toBeNull();
  expect(await mail.changes(cursor, 10)).toMatchObject({ reset: true, cursor: '' });
  expect(await mail.emailChanges(late.Email, 10)).toMatchObject({ created: [], destroyed: [] });
  expect(await mail.changes('', 10)).toMatchObject({ reset: false, emails: [] });
});

test('what changed within the horizon is still told', async () => {
  const id = await deliverRaw(env, account, rawMessage());
  const { Email } = await mail.states();
  await mail.apply([{ op: 'destroyEmails', emails: [id] }]);
  await sweepTombstones(env, Date.now() + 29 * DAY);
  expect(await mail.emailChanges(Email, 10)).toMatchObject({ destroyed: [id] });
});

test('the original of a forgotten email is condemned, and deleted a day later', async () => {
  const id = await deliverRaw(env, account, rawMessage());
  const { sha256 } = await emailOf(env, account, id);
  await mail.apply([{ op: 'destroyEmails', emails: [id] }]);
  const now = await passHorizon();
  expect(await marks()).toEqual([{ deleting: 0 }]);
  await deleteCondemned(env, now + DAY / 2);
  expect(await mail.getBlob(sha256)).not.toBeNull();
  await deleteCondemned(env, now + DAY);
  expect(await mail.getBlob(sha256)).toBeNull();
  expect(await marks()).toEqual([]);
});

test('the original of another email with the same octets stays', async () => {
  const raw = rawMessage();
  const [one, two] = [await deliverRaw(env, account, raw), await deliverRaw(env, account, raw)];
  await mail.apply([{ op: 'destroyEmails', emails: [one] }]);
  await deleteCondemned(env, (await passHorizon()) + 2 * DAY);
  expect(await mail.getBlob((await emailOf(env, account, two)).sha256)).not.toBeNull();
});

test('a message that points to a condemned original saves it', async () => {
  const delivery = await makeDelivery(env, account, rawMessage());
  await env.MAIL_0.prepare('INSERT INTO condemned (account, sha256, at) VALUES (?1, ?2, 0)').bind(account.id, delivery.sha256).run();
  expect(await deliver(env, [{ account, delivery }])).toEqual(['stored']);
  await deleteCondemned(env, Date.now() + 9 * DAY);
  expect(await mail.getBlob(delivery.sha256)).not.toBeNull();
});

test('invariant 2: a batch that points to an original being deleted is undone whole', async () => {
  const delivery = await makeDelivery(env, account, rawMessage());
  const other = await makeDelivery(env, account, rawMessage());
  const before = await mail.states();
  await env.MAIL_0.prepare('INSERT INTO condemned (account, sha256, at, deleting) VALUES (?1, ?2, 0, 1)')
    .bind(account.id, delivery.sha256)
    .run();
  const items = [delivery, other].map((delivery) => ({ account, delivery }));
  await expect(deliver(env, items)).rejects.toThrow(CondemnedOriginal);
  expect(await mail.states()).toEqual(before);
  expect(await mail.usage()).toMatchObject({ messages: 0 });
});

test('an upload that was never used is condemned after a week, and what rows point to never', async () => {
  const { sha256 } = await putMessage(env, account, rawMessage());
  const id = await deliverRaw(env, account, rawMessage());
  await condemnUnused(env, Date.now() + 6 * DAY);
  expect(await marks()).toEqual([]);
  await condemnUnused(env, Date.now() + 8 * DAY);
  await deleteCondemned(env, Date.now() + 10 * DAY);
  expect(await mail.getBlob(sha256)).toBeNull();
  expect(await mail.getBlob((await emailOf(env, account, id)).sha256)).not.toBeNull();
});

test('a receipt is kept 30 days', async () => {
  const now = Date.now();
  const delivery = await makeDelivery(env, account, rawMessage(), { spool: `${now.toString(16).padStart(12, '0')}-00@1` });
  await deliver(env, [{ account, delivery }]);
  await sweepTombstones(env, now + 29 * DAY);
  expect(await deliver(env, [{ account, delivery }])).toEqual(['duplicate']);
  await sweepTombstones(env, now + 31 * DAY);
  expect(await deliver(env, [{ account, delivery }])).toEqual(['stored']);
});

test('every minute of an hour can be swept', async () => {
  for (let minute = 0; minute < 60; minute++) await sweep(env, minute * 60_000);
});

test("removing an account takes its rows and leaves the neighbour's", async () => {
  const neighbour = await createAccount(env);
  const kept = await deliverRaw(env, neighbour, rawMessage());
  await deliverRaw(env, account, rawMessage());
  await removeMailAccount(env, account.shard, account.id);
  await expect(mail.states()).rejects.toThrow();
  expect(await mail.mailboxes()).toEqual([]);
  expect(await openMail(env, neighbour).emails([kept])).toHaveLength(1);
});
