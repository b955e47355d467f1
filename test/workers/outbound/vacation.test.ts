/** The vacation reply from ingest to relay (RFC 8621 §8, RFC 5230, RFC 3834): to whom, how often, what it says, what it costs. */
import { beforeEach, describe, expect, test } from 'vitest';
import { openMail } from '../../../workers/store/mail/index.ts';
import { claimReply, REPLY_INTERVAL_MS } from '../../../workers/store/mail/vacation.ts';
import { sweep } from '../../../workers/store/sweep.ts';
import { makeAccount, makeAlias } from '../../support/directory.ts';
import { cost } from '../../support/rows.ts';
import { ANN, arrive, bring, letter, setVacation } from './arrivals.ts';
import { accepted, mailIn, makeWorld, newAddress, type World, work, written } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

describe('what it says', () => {
  test('goes to the sender from the null reverse-path, in the conversation, marked as a reply by a program', async () => {
    await setVacation(world, { textBody: 'Bin weg. 我不在。', subject: 'Abwesend 不在' });
    await arrive(
      world,
      letter(world, ['Message-ID: <asked@elsewhere.test>', 'References: <root@elsewhere.test>', 'Subject: Where are you?']),
    );
    await work(world);
    const [reply] = world.relayed;
    expect(world.relayed).toHaveLength(1);
    expect(reply?.envelope).toEqual({ mailFrom: '', rcptTo: [ANN] });
    expect(reply?.message).toMatch(new RegExp(`^From: ${world.account.address}\r$`, 'm'));
    expect(reply?.message).toMatch(new RegExp(`^To: ${ANN}\r$`, 'm'));
    expect(reply?.message).toMatch(/^Auto-Submitted: auto-replied\r$/m);
    expect(reply?.message).toMatch(/^In-Reply-To: <asked@elsewhere.test>\r$/m);
    expect(reply?.message).toMatch(/^References: <root@elsewhere.test> <asked@elsewhere.test>\r$/m);
    expect(reply?.message).toMatch(/^Subject: =\?utf-8\?/im);
    expect(reply?.message).toMatch(/^Message-ID: <.+@example.test>\r$/m);
  });

  test.each<[string, string | null, string[], RegExp]>([
    ['of the vacation’s own', 'Away', ['Subject: hi'], /^Subject: Away\r$/m],
    ['of the message', null, ['Subject: hi'], /^Subject: Auto: hi\r$/m],
    ['of a message without one', null, [], /^Subject: Automated reply\r$/m],
    [
      'of one long enough to break lines',
      null,
      [`Subject: ${'x'.repeat(900)}`],
      /^Subject:\s+Auto: x{200}\r$|^Subject: Auto:\r\n x{200}\r$/m,
    ],
    ['of one that hides a field', null, ['Subject: =?utf-8?Q?a=0D=0ABcc:_b@c.test?='], /^Subject: Auto: a Bcc: b@c\.test\r$/m],
  ])('has the subject %s', async (_name, subject, lines, expected) => {
    await setVacation(world, { subject });
    await arrive(world, letter(world, lines));
    await work(world);
    expect(world.relayed[0]?.message).toMatch(expected);
    expect(world.relayed[0]?.message).not.toMatch(/^Bcc:/m);
  });

  test('has both bodies, the text of the HTML alone, or words of ours', async () => {
    await setVacation(world, { htmlBody: '<p>Away &amp; <b>happy</b></p>' });
    await arrive(world, letter(world));
    await work(world);
    await setVacation(world, { htmlBody: null });
    await arrive(world, letter(world), { envelope: { mailFrom: 'bob@elsewhere.test', rcptTo: [world.account.address] } });
    await work(world);
    const [html, none] = world.relayed;
    expect(html?.message).toMatch(/Away & happy/);
    expect(html?.message).toMatch(/<b>happy<\/b>/);
    expect(none?.message).toMatch(/I am away/);
  });

  test('comes from the address that was written to', async () => {
    const alias = newAddress();
    await makeAlias(world.env, alias, world.account.id);
    await setVacation(world);
    await arrive(world, letter(world, [`To: Someone <${alias.toUpperCase()}>`]), { envelope: { mailFrom: ANN, rcptTo: [alias] } });
    await work(world);
    expect(world.relayed[0]?.message).toMatch(new RegExp(`^From: ${alias}\r$`, 'm'));
  });
});

describe('how often', () => {
  test('once per sender and week, however much they write', async () => {
    await setVacation(world);
    for (let n = 0; n < 3; n++) await arrive(world, letter(world));
    await arrive(world, letter(world), { envelope: { mailFrom: ANN.toUpperCase(), rcptTo: [world.account.address] } });
    await work(world);
    expect(world.relayed).toHaveLength(1);
    await arrive(world, letter(world), { receivedAt: Date.now() + REPLY_INTERVAL_MS - 60_000 });
    await work(world);
    expect(world.relayed).toHaveLength(1);
    await arrive(world, letter(world), { receivedAt: Date.now() + REPLY_INTERVAL_MS + 60_000 });
    await work(world);
    expect(world.relayed).toHaveLength(2);
  });

  test('once for a message that is delivered twice', async () => {
    await setVacation(world);
    const raw = letter(world);
    const entry = await arrive(world, raw);
    expect((await bring(world, entry, raw)).messages[0]?.recipients[0]?.status).toBe('duplicate');
    await work(world);
    await bring(world, entry, raw);
    await work(world);
    expect(world.relayed).toHaveLength(1);
  });

  test('and still once when whoever answered the message died in between', async () => {
    await setVacation(world);
    const raw = letter(world);
    const entry = await arrive(world, raw);
    const cause = { sender: ANN, at: entry.receivedAt, cause: `${entry.spoolId}@${world.receiver.id}` };
    expect(await claimReply(world.env, world.account, cause)).not.toBeNull();
    await work(world);
    expect(world.relayed).toHaveLength(1);
  });

  test('again when the reply became another one', async () => {
    await setVacation(world, { textBody: 'Away until Monday' });
    await arrive(world, letter(world));
    await work(world);
    await setVacation(world, { textBody: 'Away until Tuesday' });
    await arrive(world, letter(world));
    await work(world);
    expect(world.relayed).toHaveLength(2);
  });

  test('and is forgotten after a week, not before', async () => {
    await setVacation(world);
    await arrive(world, letter(world));
    await work(world);
    const left = () =>
      world.env.MAIL_0.prepare('SELECT count(*) AS n FROM vacation_reply WHERE account = ?').bind(world.account.id).first('n');
    const minuteSeven = (time: number) => Math.floor(time / 3_600_000) * 3_600_000 + 7 * 60_000;
    await sweep(world.env, minuteSeven(Date.now()));
    expect(await left()).toBe(1);
    await sweep(world.env, minuteSeven(Date.now() + REPLY_INTERVAL_MS + 3_600_000));
    expect(await left()).toBe(0);
  });
});

describe('when', () => {
  const now = Date.now();
  test.each<[string, Parameters<typeof setVacation>[1], number]>([
    ['not before fromDate', { fromDate: now + 3_600_000 }, 0],
    ['from fromDate on', { fromDate: now - 3_600_000 }, 1],
    ['before toDate', { toDate: now + 3_600_000 }, 1],
    ['not after toDate', { toDate: now - 3_600_000 }, 0],
    ['between both', { fromDate: now - 1000, toDate: now + 3_600_000 }, 1],
    ['not when it is switched off', { isEnabled: false }, 0],
  ])('%s', async (_name, change, replies) => {
    await setVacation(world, change);
    await arrive(world, letter(world));
    await work(world);
    expect(world.relayed).toHaveLength(replies);
  });
});

describe('never', () => {
  test.each<[string, string[], Parameters<typeof arrive>[2]?]>([
    ['to the null reverse-path', [], { envelope: { mailFrom: '', rcptTo: [] } }],
    ['to a list', ['List-Id: <list.elsewhere.test>']],
    ['to a program', ['Auto-Submitted: auto-generated']],
    ['when not written to', ['To: many@elsewhere.test']],
    ['to a sender that DMARC says is forged', [], { verdicts: { spf: 'pass', dkim: 'none', dmarc: 'fail', arc: 'none' } }],
    ['to a sender that SPF says is forged', [], { verdicts: { spf: 'fail', dkim: 'none', dmarc: 'none', arc: 'none' } }],
  ])('%s', async (_name, lines, changes = {}) => {
    await setVacation(world);
    const { envelope = { mailFrom: ANN, rcptTo: [] }, ...rest } = changes;
    await arrive(world, letter(world, lines), { ...rest, envelope: { ...envelope, rcptTo: [world.account.address] } });
    await work(world);
    expect(world.relayed).toEqual([]);
  });

  test('in a circle: two who are away write to each other once', async () => {
    const other = await makeAccount(world.env, newAddress());
    await setVacation(world);
    await openMail(world.env, other).setVacation({ isEnabled: true });
    await accepted(world, written(world, [`To: ${other.address}`]), { rcptTo: [other.address] });
    await work(world);
    const replies = await mailIn(world, 'inbox');
    expect(replies).toHaveLength(1);
    expect(replies[0]?.source).toMatch(/^Return-Path: <>\r\n/);
    expect(await mailIn(world, 'inbox', other)).toHaveLength(1);
  });

  test('back to us: a reply that cannot be delivered is reported to nobody', async () => {
    await setVacation(world);
    await arrive(world, letter(world), { envelope: { mailFrom: 'gone@example.test', rcptTo: [world.account.address] } });
    await work(world);
    expect(await mailIn(world, 'inbox')).toHaveLength(1);
    const waiting = world.env.MAIL_0.prepare('SELECT count(*) AS n FROM submission WHERE account = ? AND dueAt IS NOT NULL');
    expect(await waiting.bind(world.account.id).first('n')).toBe(0);
  });
});

test('a reply is no EmailSubmission: neither list nor changes show it, and no state moves', async () => {
  await setVacation(world);
  await arrive(world, letter(world));
  const mail = openMail(world.env, world.account);
  const { EmailSubmission: state } = await mail.states();
  await work(world);
  expect(world.relayed).toHaveLength(1);
  expect(await mail.submissions(null)).toEqual([]);
  expect((await mail.states()).EmailSubmission).toBe(state);
  expect(await mail.submissionChanges(state, 10)).toMatchObject({ created: [], updated: [], destroyed: [] });
});

test('costs ingest no query, and without a vacation reply no word to the Queue either', async () => {
  const bare = await cost(world.env.MAIL_0, () => arrive(world, letter(world)));
  expect(world.queue).toEqual([]);
  await setVacation(world);
  const asked = await cost(world.env.MAIL_0, () => arrive(world, letter(world)));
  expect(asked.queries).toBe(bare.queries);
  expect(world.queue).toHaveLength(1);
  const mail = await cost(world.env.MAIL_0, async () => {
    const directory = await cost(world.env.DIRECTORY, () => work(world));
    console.log(`an arrival and its reply: ${directory.queries} queries of the directory`);
    expect(directory.queries).toBeLessThanOrEqual(10);
  });
  console.log(`an arrival and its reply: ${mail.queries} queries of the mail`);
  expect(mail.queries).toBeLessThanOrEqual(15);
});
