/** `POST /submit`: who may write as whom, to whom, once, and what is kept in Sent. */
import { beforeAll, describe, expect, test } from 'vitest';
import { FIELDS_MAX } from '../../../shared/mime/headers.ts';
import { HEADER_MAX } from '../../../workers/outbound/header.ts';
import { RECIPIENTS_MAX } from '../../../workers/outbound/submission.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import { makeAccount, makeAlias } from '../../support/directory.ts';
import { mailboxOf, putMessage } from '../../support/mail.ts';
import { accepted, mailIn, makeWorld, submissionOf, submit, submitRaw, type World, work, written } from './world.ts';

let world: World;
let me: string;
beforeAll(async () => {
  world = await makeWorld();
  me = world.account.address;
  await makeAccount(world.env, 'other@example.test');
  await makeAccount(world.env, 'first@catch.test');
  await makeAlias(world.env, 'alias@example.test', world.account.id);
  await makeAlias(world.env, '@catch.test', world.account.id);
});

describe('a message that is accepted', () => {
  test('is in Sent as it was submitted, Bcc and all, read, in its thread, and waits in the outbox', async () => {
    const raw = written(world, ['To: friend@elsewhere.test', 'Bcc: secret@elsewhere.test', 'Subject: for Sent']);
    const id = await accepted(world, raw, { rcptTo: ['friend@elsewhere.test', 'secret@elsewhere.test'] });
    const kept = (await mailIn(world, 'sent')).find(({ row }) => row.subject === 'for Sent');
    expect(kept?.source).toBe(raw);
    expect(kept?.row.keywords).toEqual(['$seen']);
    const row = await submissionOf(world, id);
    expect(row).toMatchObject({ email: kept?.row.id, thread: kept?.row.thread, mailFrom: me, undoStatus: 'pending', attempts: 0 });
    expect(row.deliveryStatus['secret@elsewhere.test']?.delivered).toBe('queued');
    expect(world.queue).toContainEqual({ account: world.account.id, submission: id });
  });

  test('names the identity of its sender, without a +detail too', async () => {
    const identities = await openMail(world.env, world.account).identities();
    const of = (email: string) => identities.find((identity) => identity.email === email)?.id;
    const alias = await accepted(world, written(world, ['From: alias@example.test']), { mailFrom: 'alias@example.test' });
    expect((await submissionOf(world, alias)).identity).toBe(of('alias@example.test'));
    const detail = await accepted(world, written(world, ['From: alias+x@example.test']), { mailFrom: 'Alias+x@Example.Test' });
    expect((await submissionOf(world, detail)).identity).toBe(of('alias@example.test'));
  });

  test('is one submission and one copy however often it is sent with one id', async () => {
    const raw = written(world, ['Subject: once']);
    const id = crypto.randomUUID();
    const first = await accepted(world, raw, { id });
    expect(await accepted(world, raw, { id })).toBe(first);
    const both = await Promise.all([accepted(world, raw, { id }), accepted(world, raw, { id })]);
    expect(both).toEqual([first, first]);
    expect((await mailIn(world, 'sent')).filter(({ row }) => row.subject === 'once')).toHaveLength(1);
  });

  test('stays accepted under its id though its copy was moved away and a recipient vanished since', async () => {
    const raw = written(world, ['Subject: moved']);
    const id = crypto.randomUUID();
    const first = await accepted(world, raw, { id });
    const [copy] = (await mailIn(world, 'sent')).filter(({ row }) => row.subject === 'moved');
    await openMail(world.env, world.account).apply([{ op: 'destroyEmails', emails: [copy?.row.id ?? 0] }]);
    expect(await accepted(world, raw, { id, rcptTo: ['vanished@example.test'] })).toBe(first);
    expect((await mailIn(world, 'sent')).filter(({ row }) => row.subject === 'moved')).toEqual([]);
  });

  test('may be large and put before', async () => {
    await accepted(world, written(world, ['Subject: large'], 'x'.repeat(300_000)), { large: true });
    expect((await mailIn(world, 'sent')).some(({ row }) => row.subject === 'large')).toBe(true);
  });

  test('counts a recipient named twice once', async () => {
    const id = await accepted(world, written(world), { rcptTo: ['a@elsewhere.test', 'a@elsewhere.test', 'b@elsewhere.test'] });
    expect((await submissionOf(world, id)).rcptTo).toEqual(['a@elsewhere.test', 'b@elsewhere.test']);
  });
});

describe('who one may write as', () => {
  test.each([
    ['the account’s address', (own: string) => own],
    ['it in another case, with a +detail', (own: string) => own.replace('@', '+News@').toUpperCase()],
    ['an alias', () => 'alias@example.test'],
    ['an address the catch-all receives', () => 'whoever@catch.test'],
  ])('%s', async (_name, address) => {
    expect(await submit(world, written(world, [`From: Me <${address(me)}>`]), { mailFrom: address(me) })).toMatchObject({
      status: 'accepted',
    });
  });

  test.each([
    ['another account in From', ['From: other@example.test'], undefined],
    ['somebody foreign in From', ['From: someone@elsewhere.test'], undefined],
    ['another one beside oneself', ['From: ME, other@example.test'], undefined],
    ['another one in a second From', ['From: ME', 'From: other@example.test'], undefined],
    ['another one in a From that looks odd', ['From: ME', 'fROM \t: other@example.test'], undefined],
    ['another one in Sender', ['From: ME', 'Sender: other@example.test'], undefined],
    ['another one inside a group', ['From: all: ME, other@example.test;'], undefined],
    ['an address of its own that the catch-all does not receive', ['From: first@catch.test'], undefined],
    ['a name without an address', ['From: Me Myself'], undefined],
    ['an empty group', ['From: nobody:;'], undefined],
    ['no From at all', ['Subject: none'], undefined],
    ['another account in MAIL FROM', ['From: ME'], 'other@example.test'],
    ['somebody foreign in MAIL FROM', ['From: ME'], 'someone@elsewhere.test'],
    ['another account in From behind the null reverse-path', ['From: other@example.test'], ''],
  ])('not %s', async (_name, lines, mailFrom) => {
    const raw = `${lines.join('\r\n').replaceAll('ME', me)}\r\n\r\nHello\r\n`;
    expect(await submit(world, raw, mailFrom === undefined ? {} : { mailFrom })).toMatchObject({
      status: 'refused',
      reason: 'forbiddenFrom',
    });
  });

  test('oneself from the null reverse-path, as a notification must be sent (RFC 8098 §3)', async () => {
    await accepted(world, written(world), { mailFrom: '' });
    await work(world);
    expect(world.relayed.at(-1)?.envelope).toEqual({ mailFrom: '', rcptTo: ['friend@elsewhere.test'] });
  });

  test('not another account in a From that is too large for the index, or behind thousands of fields', async () => {
    const padding = `"${'x'.repeat(900)}\r\n `.repeat(20);
    const large = `From: ${padding}" <other@example.test>\r\nFrom: ${me}\r\n\r\nHello\r\n`;
    const hidden = `From: ${me}\r\n${'X-A: b\r\n'.repeat(FIELDS_MAX)}From: other@example.test\r\n\r\nHello\r\n`;
    const beyond = `From: ${me}\r\nX-A: ${`${'x'.repeat(900)}\r\n `.repeat(HEADER_MAX / 900)}\r\nFrom: other@example.test\r\n\r\nHello\r\n`;
    for (const raw of [large, hidden, beyond]) {
      expect(await submit(world, raw, { large: true })).toMatchObject({ status: 'refused', reason: 'forbiddenFrom' });
    }
    expect(await submit(world, `From: ${me}${`, ${me}`.repeat(200)}\r\n\r\n`)).toMatchObject({ status: 'refused' });
  });
});

describe('a header that servers read differently', () => {
  test.each([
    ['a bare CR before what could be a second From', 'X-A: b\rFrom: ceo@bank.test'],
    ['a bare CR at the end of a line', 'X-A: b\r'],
    ['a bare LF', 'X-A: b\nX-B: c'],
    ['a NUL', 'X-A: b\0c'],
  ])('with %s does not leave', async (_name, line) => {
    const before = world.queue.length;
    const answer = await submit(world, written(world, [line, 'Subject: ambiguous']));
    expect(answer).toMatchObject({ status: 'refused', description: expect.stringContaining('bare CR') });
    expect(world.queue).toHaveLength(before);
  });

  test('is not made so by its body', async () => {
    await accepted(world, written(world, ['Subject: binary'], 'a\rb\nc\0d\r\n'));
  });
});

describe('recipients', () => {
  test('of ours must exist, and the answer names who does not, in one line', async () => {
    const answer = await submit(world, written(world), {
      rcptTo: ['friend@elsewhere.test', 'nobody@example.test', 'x\r\n250 ok@example.test'],
    });
    expect(answer).toMatchObject({ status: 'refused', reason: 'unknownRecipient' });
    const { description } = answer as { description: string };
    expect(description).toContain('nobody@example.test');
    expect(description).not.toMatch(/[\r\n]/);
  });

  test('must be addresses, and not more than a hundred', async () => {
    expect(await submit(world, written(world), { rcptTo: ['no address'] })).toMatchObject({ reason: 'unknownRecipient' });
    const many = Array.from({ length: RECIPIENTS_MAX + 1 }, (_, index) => `r${index}@elsewhere.test`);
    expect(await submit(world, written(world), { rcptTo: many })).toMatchObject({ reason: 'tooLarge' });
    expect(await submit(world, written(world), { rcptTo: many.slice(1) })).toMatchObject({ status: 'accepted' });
  });
});

test('a refused message leaves nothing in Sent and nothing in the outbox', async () => {
  const before = world.queue.length;
  await submit(world, written(world, ['From: other@example.test', 'Subject: refused']));
  expect(world.queue).toHaveLength(before);
  expect((await mailIn(world, 'sent')).some(({ row }) => row.subject === 'refused')).toBe(false);
});

test('a message with another digest, another length, or that was never put is not accepted', async () => {
  expect((await submitRaw(world, written(world), { sha256: 'a'.repeat(64) })).status).toBe(422);
  const never = written(world, ['Subject: never put']);
  const answer = await submitRaw(world, never, { large: true, sha256: 'b'.repeat(64) });
  expect(answer.status).toBe(422);
  expect((await mailIn(world, 'sent')).some(({ row }) => row.subject === 'never put')).toBe(false);
});

test('a token of another receiver does not submit', async () => {
  const stranger = await makeWorld();
  expect((await submitRaw({ ...stranger, token: world.token }, written(world))).status).toBe(401);
});

describe('the copy in Sent and the client’s own', () => {
  const append = async (raw: string) => {
    const { sha256, index } = await putMessage(world.env, world.account, new TextEncoder().encode(raw));
    const mailbox = await mailboxOf(world.env, world.account, 'sent');
    const mail = openMail(world.env, world.account);
    const operation = { op: 'append' as const, mailbox, sha256, inline: 0, index, keywords: ['$seen'], receivedAt: Date.now() };
    return mail.commit({ id: crypto.randomUUID(), since: '', operations: [operation] }, new Set([sha256]));
  };
  const copies = async (subject: string) => (await mailIn(world, 'sent')).filter(({ row }) => row.subject === subject);

  test('an APPEND after the submission replaces ours in one batch', async () => {
    const raw = written(world, ['Subject: appended after']);
    await accepted(world, raw);
    const [ours] = await copies('appended after');
    const before = (await openMail(world.env, world.account).states()).modseq;
    const { results } = await append(`X-Client: yes\r\n${raw}`);
    expect((await openMail(world.env, world.account).states()).modseq).toBe(before + 1);
    const after = await copies('appended after');
    expect(after.map(({ row }) => row.id)).toEqual([results[0]?.ok ? results[0].id : 0]);
    expect(after[0]?.source).toMatch(/^X-Client: yes/);
    expect(ours?.row.id).not.toBe(after[0]?.row.id);
  });

  test('after an APPEND ours is not made, and the submission names the client’s', async () => {
    const raw = written(world, ['Subject: appended before']);
    const { results } = await append(raw);
    const id = await accepted(world, `Received: by us\r\n${raw}`);
    const found = await copies('appended before');
    expect(found).toHaveLength(1);
    expect((await submissionOf(world, id)).email).toBe(results[0]?.ok ? results[0].id : 0);
  });

  test('what was replaced is sent all the same', async () => {
    const raw = written(world, ['Subject: still sent', 'Bcc: hidden@elsewhere.test']);
    await accepted(world, raw);
    await append(`X-Client: yes\r\n${raw}`);
    await work(world);
    expect(world.relayed.at(-1)?.message).toContain('Subject: still sent');
  });
});
