/** Several writers of one account at once: every change is made once and whole, and nobody is turned away needlessly. */
import { env } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { withAttempts } from '../../../workers/store/mail/attempts.ts';
import { deliver, openMail } from '../../../workers/store/mail/index.ts';
import { createAccount, deliverMany, makeDelivery, rawMessage } from '../../support/mail.ts';
import { contradictions, recount } from '../../support/recount.ts';

test('sixteen writers at once all get their change made', async () => {
  const account = await createAccount(env);
  const mail = openMail(env, account);
  const ids = await deliverMany(env, account, 8);
  const { modseq } = await mail.states();
  const deliveries = await Promise.all(Array.from({ length: 8 }, () => makeDelivery(env, account, rawMessage())));
  const made = await Promise.all([
    ...deliveries.map((delivery) => deliver(env, [{ account, delivery }])),
    ...ids.map((id) => mail.apply([{ op: 'store', mailbox: 1, uids: [id], add: ['$seen'] }])),
  ]);
  expect(made.flat()).toEqual([...Array(8).fill('stored'), ...Array(8).fill({ ok: true })]);
  expect((await mail.states()).modseq).toBe(modseq + 16);
  const mailboxes = await mail.mailboxes();
  expect(mailboxes[0]).toMatchObject({ messages: 16, unseen: 8, emails: 16, unread: 8 });
  expect(mailboxes).toMatchObject(await recount(env, account, mailboxes));
  expect(await contradictions(env, account)).toEqual([]);
});

test('writers whose attempts take long do not stay in step: of twelve at once hardly one is turned away', async () => {
  const turnedAway = await Promise.all(Array.from({ length: 5 }, () => contend(12, 40)));
  // About 15 when the pause is shorter than an attempt, 0 or 1 when it is not.
  expect(turnedAway.reduce((sum, count) => sum + count, 0)).toBeLessThan(6);
});

/** Writers of one clock, each attempt of `attemptMs`; how many gave up. */
async function contend(writers: number, attemptMs: number): Promise<number> {
  let clock = 0;
  const attempt = async () => {
    const read = clock;
    await scheduler.wait(attemptMs);
    if (clock !== read) throw new Error('NOT NULL constraint failed: account.modseq');
    clock++;
  };
  const made = await Promise.allSettled(Array.from({ length: writers }, () => withAttempts(attempt)));
  return made.filter(({ status }) => status === 'rejected').length;
}

test('the same delivery by two calls at once is stored once', async () => {
  const account = await createAccount(env);
  const delivery = await makeDelivery(env, account, rawMessage());
  const answers = await Promise.all([deliver(env, [{ account, delivery }]), deliver(env, [{ account, delivery }])]);
  expect(answers.flat().sort()).toEqual(['duplicate', 'stored']);
});

test('the same commit by two calls at once is made once', async () => {
  const account = await createAccount(env);
  const mail = openMail(env, account);
  const { cursor } = await mail.changes('', 10);
  const request = { id: 'twice-at-once', since: cursor, operations: [{ op: 'createMailbox' as const, parent: null, name: 'Once' }] };
  const [one, two] = await Promise.all([mail.commit(request), mail.commit(request)]);
  expect(one?.results).toEqual(two?.results);
  expect((await mail.mailboxes()).filter(({ name }) => name === 'Once')).toHaveLength(1);
});
