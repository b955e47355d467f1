/** The outbox: claims, attempts, back-off, giving up, reports, and what happens when a step is repeated or lost. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { enqueueDue } from '../../../workers/outbound/outbox.ts';
import { claimSubmission } from '../../../workers/store/mail/claims.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import type { Account } from '../../../workers/store/mail/types.ts';
import { makeAccount, makeAlias, makeDomain } from '../../support/directory.ts';
import { accepted, consume, mailIn, makeDue, makeWorld, newAddress, submissionOf, type World, work, written } from './world.ts';

const DAY_MS = 86_400_000;
const FRIEND = 'friend@elsewhere.test';

let world: World;
let other: Account;
beforeEach(async () => {
  world = await makeWorld();
  other = await makeAccount(world.env, newAddress());
});

const address = (submission: number) => ({ account: world.account.id, submission });
const statusOf = async (id: number, recipient: string) => (await submissionOf(world, id)).deliveryStatus[recipient];

describe('an attempt', () => {
  test('delivers here what is for us and relays the rest, each without Bcc, and is done', async () => {
    const raw = written(world, [`To: ${other.address}, ${FRIEND}`, 'Bcc: hidden@elsewhere.test', 'Subject: both ways'], 'Body \xe9\r\n');
    const id = await accepted(world, raw, { rcptTo: [other.address, FRIEND, 'hidden@elsewhere.test'] });
    await work(world);
    const [arrived] = await mailIn(world, 'inbox', other);
    const bare = raw.replace('Bcc: hidden@elsewhere.test\r\n', '');
    expect(arrived?.source.replace(/^Return-Path: <.*>\r\nReceived: .*\r\n\t.*\r\n/, '')).toBe(bare);
    expect(arrived?.source).toMatch(new RegExp(`^Return-Path: <${world.account.address}>\r\n`));
    expect(arrived?.row.keywords).toEqual([]);
    expect(world.relayed).toEqual([
      {
        id: `${world.account.id}-${id}`,
        envelope: { mailFrom: world.account.address, rcptTo: [FRIEND, 'hidden@elsewhere.test'] },
        message: bare,
      },
    ]);
    expect(await submissionOf(world, id)).toMatchObject({ undoStatus: 'final', dueAt: null });
    expect(await statusOf(id, other.address)).toMatchObject({ delivered: 'yes', smtpReply: expect.stringMatching(/^250 2\.1\.5 /) });
    expect(await statusOf(id, FRIEND)).toMatchObject({ delivered: 'unknown', smtpReply: expect.stringMatching(/^250 2\.0\.0 /) });
  });

  test('delivers once to an account that is named by several addresses', async () => {
    const alias = newAddress();
    await makeAlias(world.env, alias, other.id);
    const id = await accepted(world, written(world), { rcptTo: [other.address, alias, other.address.replace('@', '+x@')] });
    await work(world);
    expect(await mailIn(world, 'inbox', other)).toHaveLength(1);
    expect(Object.values((await submissionOf(world, id)).deliveryStatus).map(({ delivered }) => delivered)).toEqual(['yes', 'yes', 'yes']);
  });

  test('reaches everybody here, however many, in as many goes as that takes', async () => {
    const people = await Promise.all(Array.from({ length: 14 }, () => makeAccount(world.env, newAddress())));
    const id = await accepted(world, written(world), { rcptTo: [...people.map((one) => one.address), FRIEND] });
    await work(world);
    for (const one of people) expect(await mailIn(world, 'inbox', one)).toHaveLength(1);
    expect(world.relayed).toHaveLength(1);
    expect(await submissionOf(world, id)).toMatchObject({ dueAt: null, attempts: 1 });
  });

  test('reports a recipient of ours that vanished since', async () => {
    const alias = newAddress();
    await makeAlias(world.env, alias, other.id);
    const id = await accepted(world, written(world), { rcptTo: [alias] });
    await world.env.DIRECTORY.prepare('DELETE FROM address WHERE address = ?').bind(alias).run();
    await work(world);
    expect(await statusOf(id, alias)).toMatchObject({ delivered: 'no' });
    expect((await mailIn(world, 'inbox'))[0]?.source).toContain('550 5.1.1');
  });

  test('does not let a mailbox that cannot take mail now hold up the relay', async () => {
    const id = await accepted(world, written(world), { rcptTo: [other.address, FRIEND] });
    await world.env.MAIL_0.prepare('DELETE FROM account WHERE id = ?').bind(other.id).run();
    await work(world);
    expect(world.relayed).toHaveLength(1);
    expect(await statusOf(id, other.address)).toMatchObject({ delivered: 'queued', smtpReply: expect.stringMatching(/^451 4\.2\.0 /) });
    expect((await submissionOf(world, id)).dueAt).toBeGreaterThan(Date.now());
  });
});

describe('a temporary failure', () => {
  test.each([
    ['an answer that is no success', { status: 500 }, '500'],
    ['a relay that cannot be reached', { error: 'connection\r\nrefused' }, 'connection refused'],
  ])('%s: it is tried again later, and later each time', async (_name, mood, words) => {
    world.mood = mood;
    const id = await accepted(world, written(world));
    await work(world);
    const first = await submissionOf(world, id);
    expect(first).toMatchObject({ attempts: 1, undoStatus: 'final' });
    expect(first.deliveryStatus[FRIEND]).toMatchObject({ delivered: 'queued', smtpReply: expect.stringContaining(words) });
    const waits = [(first.dueAt ?? 0) - Date.now()];
    await makeDue(world, id);
    await work(world);
    waits.push(((await submissionOf(world, id)).dueAt ?? 0) - Date.now());
    expect(waits[0]).toBeGreaterThan(20_000);
    expect(waits[0]).toBeLessThanOrEqual(30_000);
    expect(waits[1]).toBeGreaterThan(100_000);
    world.mood = { status: 200 };
    await makeDue(world, id);
    await work(world);
    expect(await submissionOf(world, id)).toMatchObject({ dueAt: null, attempts: 3 });
    expect(world.relayed).toHaveLength(1);
    expect(await mailIn(world, 'inbox')).toEqual([]);
  });

  test('who has it is not sent it again', async () => {
    world.mood = { status: 503 };
    const id = await accepted(world, written(world), { rcptTo: [other.address, FRIEND] });
    await work(world);
    world.mood = { status: 200 };
    await makeDue(world, id);
    await work(world);
    expect(await mailIn(world, 'inbox', other)).toHaveLength(1);
    expect(world.relayed.map(({ envelope }) => envelope.rcptTo)).toEqual([[FRIEND]]);
  });

  test('after two days it is given up and reported with the last reason', async () => {
    world.mood = { error: 'no route to the relay' };
    const id = await accepted(world, written(world, ['Subject: never arrives']));
    await makeDue(world, id, { sendAt: Date.now() - 2 * DAY_MS - 1000 });
    await work(world);
    expect(await submissionOf(world, id)).toMatchObject({ dueAt: null });
    expect(await statusOf(id, FRIEND)).toMatchObject({ delivered: 'no' });
    const [report] = await mailIn(world, 'inbox');
    expect(report?.source).toContain('no route to the relay');
    expect(report?.source).toMatch(/^Status: 5\.4\.7\r$/m);
  });

  test('without a relay it waits for one', async () => {
    const { FILE_RELAY, ...env } = world.env;
    world.env = env;
    const id = await accepted(world, written(world));
    await work(world);
    expect(await statusOf(id, FRIEND)).toMatchObject({ delivered: 'queued', smtpReply: expect.stringContaining('relay set') });
    world.env = { ...env, FILE_RELAY };
    await makeDue(world, id);
    await work(world);
    expect(world.relayed).toHaveLength(1);
  });
});

describe('a permanent failure', () => {
  /** The file relay without its binding refuses for good. */
  const refuse = async () => {
    const { FILE_RELAY: _, ...env } = world.env;
    await env.DIRECTORY.prepare("INSERT OR REPLACE INTO relay (id, kind, updated_at) VALUES (1, 'file', 0)").run();
    world.env = env;
  };
  beforeEach(() => world.env.DIRECTORY.prepare('DELETE FROM relay').run());

  test('becomes a report in the Inbox: the reason, the header without Bcc, in the conversation', async () => {
    await refuse();
    const lines = ['Subject: R\xe9fus\xe9', 'Bcc: hidden@elsewhere.test', 'Message-ID: <refused@example.test>', `To: ${FRIEND}`];
    const id = await accepted(world, written(world, lines));
    await work(world);
    const [report] = await mailIn(world, 'inbox');
    expect(report?.row.thread).toBe((await submissionOf(world, id)).thread);
    expect(report?.source).toMatch(/^Content-Type: multipart\/report/m);
    expect(report?.source).toMatch(/^Auto-Submitted: auto-replied\r$/m);
    expect(report?.source).toMatch(/^In-Reply-To: <refused@example\.test>\r$/m);
    expect(report?.source).toMatch(new RegExp(`^Final-Recipient: rfc822; ${FRIEND}\r$`, 'm'));
    expect(report?.source).toMatch(/^Diagnostic-Code: smtp; 554 5\.3\.5 the file relay exists only/m);
    const quoted = report?.source.split('text/rfc822-headers')[1] ?? '';
    expect(quoted).toContain('Subject: R\xe9fus\xe9');
    expect(quoted).not.toMatch(/bcc|hidden@/i);
    expect(await submissionOf(world, id)).toMatchObject({ dueAt: null });
  });

  test('is reported once, though recording it failed the first time', async () => {
    await refuse();
    const id = await accepted(world, written(world));
    const key = world.account.id * 2 ** 32 + id;
    await world.env.MAIL_0.prepare(
      `CREATE TRIGGER broken BEFORE UPDATE OF deliveryStatus ON submission WHEN new.key = ${key} BEGIN SELECT RAISE(FAIL, 'out of order'); END`,
    ).run();
    const silent = vi.spyOn(console, 'error').mockImplementation(() => {});
    await work(world);
    expect(silent).toHaveBeenCalledWith(expect.stringContaining('outbox.defect'));
    silent.mockRestore();
    await world.env.MAIL_0.prepare('DROP TRIGGER broken').run();
    await makeDue(world, id);
    await work(world);
    expect(await mailIn(world, 'inbox')).toHaveLength(1);
    expect(await submissionOf(world, id)).toMatchObject({ dueAt: null });
  });

  test('is reported to senders whose address no header can carry', async () => {
    await refuse();
    await makeDomain(world.env, 'odd.test');
    await makeAlias(world.env, '@odd.test', world.account.id);
    const mailFrom = '"a <b"@odd.test';
    await accepted(world, written(world), { mailFrom });
    await work(world);
    expect((await mailIn(world, 'inbox'))[0]?.source).toMatch(/^Subject: Undelivered mail/m);
  });

  test('of an original that is gone is reported too', async () => {
    const id = await accepted(world, written(world));
    const { sha256 } = await submissionOf(world, id);
    await world.env.ORIGINALS.delete(`${world.account.id}/${sha256}`);
    await work(world);
    expect((await mailIn(world, 'inbox'))[0]?.source).toContain('the original of this message is missing');
  });
});

describe('a claim', () => {
  test('is one worker’s: two consumers at once send once', async () => {
    const id = await accepted(world, written(world), { rcptTo: [other.address, FRIEND] });
    const acknowledged = await Promise.all([consume(world, [address(id)]), consume(world, [address(id)])]);
    expect(acknowledged).toEqual([1, 1]);
    expect(world.relayed).toHaveLength(1);
    expect(await mailIn(world, 'inbox', other)).toHaveLength(1);
  });

  test('runs out, so that what a dead worker left is sent, with the same name at the relay', async () => {
    const id = await accepted(world, written(world), { rcptTo: [other.address, FRIEND] });
    await world.env.MAIL_0.prepare(
      "CREATE TRIGGER dead BEFORE UPDATE OF deliveryStatus ON submission WHEN new.attempts > old.attempts BEGIN SELECT RAISE(FAIL, 'the worker died here'); END",
    ).run();
    const silent = vi.spyOn(console, 'error').mockImplementation(() => {});
    await work(world);
    silent.mockRestore();
    await world.env.MAIL_0.prepare('DROP TRIGGER dead').run();
    await consume(world, [address(id)]);
    expect(world.relayed).toHaveLength(1);
    await makeDue(world, id);
    await work(world);
    expect(new Set(world.relayed.map((relayed) => relayed.id)).size).toBe(1);
    expect(world.relayed).toHaveLength(2);
    expect(await mailIn(world, 'inbox', other)).toHaveLength(1);
    expect(await submissionOf(world, id)).toMatchObject({ dueAt: null });
  });

  test('and a cancellation: the first of both wins', async () => {
    const mail = openMail(world.env, world.account);
    const cancel = (id: number) => mail.updateSubmission(id, { undoStatus: 'canceled', dueAt: null }, 'pending');
    const canceled = await accepted(world, written(world));
    expect(await cancel(canceled)).toBe(true);
    await consume(world, [address(canceled)]);
    expect(world.relayed).toEqual([]);
    const claimed = await accepted(world, written(world));
    const now = Date.now();
    expect(await claimSubmission(world.env, world.account, claimed, now, now + 1000)).toMatchObject({ id: claimed });
    expect(await cancel(claimed)).toBe(false);
  });
});

describe('the cron', () => {
  test('enqueues what falls due before the next run, to be brought at its second and not before', async () => {
    const soon = await accepted(world, written(world));
    const later = await accepted(world, written(world));
    world.queue.length = 0;
    const now = Date.now();
    await openMail(world.env, world.account).updateSubmission(soon, { dueAt: now + 41_500 });
    await openMail(world.env, world.account).updateSubmission(later, { dueAt: now + 60_001 });
    await enqueueDue(world.env, now);
    expect(world.queue.filter(({ account }) => account === world.account.id)).toEqual([address(soon)]);
    expect(world.delays.get(soon)).toBe(42);
  });

  test('enqueues what the queue lost, and nothing that waits, is done or is canceled', async () => {
    const lost = await accepted(world, written(world));
    const waiting = await accepted(world, written(world));
    const done = await accepted(world, written(world));
    world.queue.length = 0;
    await openMail(world.env, world.account).updateSubmission(waiting, { dueAt: Date.now() + 90_000 });
    await consume(world, [address(done)]);
    await enqueueDue(world.env);
    const mine = world.queue.filter(({ account }) => account === world.account.id);
    expect(mine).toEqual([address(lost)]);
    await work(world);
    world.queue.length = 0;
    await enqueueDue(world.env);
    expect(world.queue.filter(({ account }) => account === world.account.id)).toEqual([]);
    await enqueueDue(world.env, Date.now() + 91_000);
    expect(world.queue.filter(({ account }) => account === world.account.id)).toEqual([address(waiting)]);
  });

  test('forgets what an account that was removed had still to send', async () => {
    const id = await accepted(world, written(world));
    await world.env.DIRECTORY.prepare('UPDATE account SET removed_at = 1 WHERE id = ?').bind(world.account.id).run();
    await work(world);
    await enqueueDue(world.env);
    expect(world.queue.filter(({ account }) => account === world.account.id)).toEqual([]);
    expect(world.relayed).toEqual([]);
    expect(await submissionOf(world, id)).toMatchObject({ dueAt: null });
  });

  test('a queue that fails costs no submission', async () => {
    const OUTBOX = { ...world.env.OUTBOX, send: async () => Promise.reject(new Error('the queue is away')) };
    const silent = vi.spyOn(console, 'error').mockImplementation(() => {});
    const id = await accepted({ ...world, env: { ...world.env, OUTBOX: OUTBOX as unknown as typeof world.env.OUTBOX } }, written(world));
    silent.mockRestore();
    await enqueueDue(world.env);
    await work(world);
    expect(await submissionOf(world, id)).toMatchObject({ dueAt: null });
  });
});
