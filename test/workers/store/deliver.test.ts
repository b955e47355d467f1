/** Delivery: once per spool id, threads, counters, full text (DESIGN.md, invariants 2 to 4 and 10). */
import { env } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { deliver, openMail } from '../../../workers/store/mail/index.ts';
import { createAccount, deliverRaw, emailOf, mailboxOf, makeDelivery, rawMessage } from '../../support/mail.ts';

test('a delivered message is in the Inbox with its index, counted, and moves the states', async () => {
  const account = await createAccount(env);
  const mail = openMail(env, account);
  const before = await mail.states();
  const id = await deliverRaw(env, account, rawMessage({ subject: 'Hello there', body: 'Some words.' }));
  const inbox = await mailboxOf(env, account, 'inbox');
  const email = await emailOf(env, account, id);
  expect(email).toMatchObject({ id, thread: id, mailboxes: [inbox], keywords: [], subject: 'Hello there', preview: 'Some words.' });
  const row = (await mail.mailboxes()).find((mailbox) => mailbox.id === inbox);
  expect(row).toMatchObject({ messages: 1, unseen: 1, emails: 1, unread: 1, threads: 1, unreadThreads: 1, uidnext: 2 });
  const after = await mail.states();
  expect(after.modseq).toBe(before.modseq + 1);
  expect([after.Email, after.Thread, after.Mailbox, after.EmailDelivery]).toEqual(Array(4).fill(String(after.modseq)));
  expect(after.Identity).toBe(before.Identity);
});

test('delivering the same spool entry again stores nothing', async () => {
  const account = await createAccount(env);
  const delivery = await makeDelivery(env, account, rawMessage());
  expect(await deliver(env, [{ account, delivery }])).toEqual(['stored']);
  const { modseq } = await openMail(env, account).states();
  expect(
    await deliver(env, [
      { account, delivery },
      { account, delivery },
    ]),
  ).toEqual(['duplicate', 'duplicate']);
  expect((await openMail(env, account).states()).modseq).toBe(modseq);
});

test('one call delivers to several accounts, each in its own', async () => {
  const [one, two] = [await createAccount(env), await createAccount(env)];
  const raw = rawMessage();
  const deliveries = [
    { account: one, delivery: await makeDelivery(env, one, raw) },
    { account: two, delivery: await makeDelivery(env, two, raw) },
    { account: two, delivery: await makeDelivery(env, two, rawMessage()) },
  ];
  expect(await deliver(env, deliveries)).toEqual(['stored', 'stored', 'stored']);
  expect((await openMail(env, one).mailboxes()).map(({ emails }) => emails)).toEqual([1, 0, 0, 0, 0, 0]);
  expect((await openMail(env, two).mailboxes()).map(({ emails }) => emails)).toEqual([2, 0, 0, 0, 0, 0]);
});
