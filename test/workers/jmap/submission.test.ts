/** Identity and EmailSubmission (RFC 8621 §6, §7) through the door: what sends, what refuses by which name, what follows. */
import { env } from 'cloudflare:test';
import { beforeAll, describe, expect, test } from 'vitest';
import { DELAYED_SEND_MAX, MESSAGE_SIZE_DEFAULT } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import type { Invocation } from '../../../shared/jmap/request.ts';
import { runRequest } from '../../../workers/jmap/dispatch.ts';
import { RECIPIENTS_MAX } from '../../../workers/outbound/submission.ts';
import { claimSubmission } from '../../../workers/store/mail/claims.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import { makeAccount, makeAlias } from '../../support/directory.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
let me: string;
let roles: Record<string, string>;
let identityId: string;
beforeAll(async () => {
  client = await makeClient();
  me = client.account.address;
  roles = await client.roles();
  await makeAccount(env, 'other@example.test');
  await makeAlias(env, 'alias@example.test', client.account.id);
  identityId = await identityOf(me);
});

async function identities(): Promise<Json[]> {
  return (await client.call('Identity/get', { ids: null })).list as Json[];
}

async function identityOf(email: string): Promise<string> {
  return String((await identities()).find((identity) => identity.email === email)?.id);
}

/** A draft made of these header lines. */
async function draft(lines: string[] = ['To: friend@elsewhere.test'], from = me): Promise<string> {
  const raw = [`From: ${from}`, ...lines, '', 'Hello', ''].join('\r\n');
  return (await client.import(raw, roles.drafts ?? '', { keywords: { $draft: true } })).id;
}

async function create(record: Json, more: Json = {}): Promise<Json> {
  return client.call('EmailSubmission/set', { create: { k: record }, ...more });
}

/** The record made, which must be. */
async function made(record: Json, more: Json = {}): Promise<Json> {
  const answer = await create({ identityId, ...record }, more);
  expect(answer.notCreated).toBeNull();
  return (answer.created as Record<string, Json>).k ?? {};
}

async function refused(record: Json): Promise<Json> {
  const answer = await create({ identityId, ...record });
  expect(answer.created).toBeNull();
  return (answer.notCreated as Record<string, Json>).k ?? {};
}

async function submission(id: unknown): Promise<Json> {
  const { list } = await client.call('EmailSubmission/get', { ids: [id] });
  return (list as Json[])[0] ?? {};
}

const address = (email: string, parameters: Json | null = null) => ({ email, parameters });
const envelope = (rcptTo: string[], mailFrom = me) => ({ mailFrom: address(mailFrom), rcptTo: rcptTo.map((email) => address(email)) });

describe('identities', () => {
  test('are there for every address of the account, its own first, and stay the same', async () => {
    const first = await identities();
    expect(first.map(({ email }) => email)).toEqual([me, 'alias@example.test']);
    expect(first.map(({ mayDelete }) => mayDelete)).toEqual([false, false]);
    expect(first[0]).toMatchObject({ name: '', replyTo: null, bcc: null, textSignature: '', htmlSignature: '' });
    expect(await identities()).toEqual(first);
  });

  test('come by id, by property, and not for ids that name none', async () => {
    const { list, notFound } = await client.call('Identity/get', { ids: [identityId, 'I999', 'M1'], properties: ['email'] });
    expect(list).toEqual([{ id: identityId, email: me }]);
    expect(notFound).toEqual(['I999', 'M1']);
    expect(await client.errorOf('Identity/get', { ids: null, properties: ['nonsense'] })).toBe('invalidArguments');
  });

  test('of an alias added later is there when somebody looks, and a change', async () => {
    const { state } = await client.call('Identity/get', { ids: [] });
    await makeAlias(env, 'later@example.test', client.account.id);
    const id = await identityOf('later@example.test');
    const changes = await client.call('Identity/changes', { sinceState: state });
    expect(changes).toMatchObject({ oldState: state, created: [id], updated: [], destroyed: [], hasMoreChanges: false });
    expect(await client.errorOf('Identity/changes', { sinceState: 'nonsense' })).toBe('cannotCalculateChanges');
  });
});

describe('a submission', () => {
  test('is made with an envelope of its own, kept as written', async () => {
    const emailId = await draft();
    const rcptTo = ['Friend@Elsewhere.test', 'second@elsewhere.test'];
    const record = await made({ emailId, envelope: envelope(rcptTo) });
    expect(record).toMatchObject({ undoStatus: 'pending', dsnBlobIds: [], mdnBlobIds: [] });
    expect(await submission(record.id)).toMatchObject({
      identityId,
      emailId,
      threadId: record.threadId,
      envelope: envelope(rcptTo),
      sendAt: record.sendAt,
      deliveryStatus: { 'Friend@Elsewhere.test': { delivered: 'queued', displayed: 'unknown' } },
    });
    expect(record.sendAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test('derives its envelope: the identity, and To, Cc and Bcc once each', async () => {
    const lines = ['To: A <a@elsewhere.test>, team: b@elsewhere.test, A@elsewhere.test;', 'Cc: c@elsewhere.test', 'Bcc: d@elsewhere.test'];
    const record = await made({ emailId: await draft(lines, `Me <${me.toUpperCase()}>`), envelope: null });
    expect((await submission(record.id)).envelope).toEqual(
      envelope(['a@elsewhere.test', 'b@elsewhere.test', 'c@elsewhere.test', 'd@elsewhere.test']),
    );
  });

  test('may be from an alias, in From and in the envelope', async () => {
    const alias = await identityOf('alias@example.test');
    const record = await made({ identityId: alias, emailId: await draft(undefined, 'alias@example.test') });
    expect((await submission(record.id)).envelope).toMatchObject({ mailFrom: address('alias@example.test') });
  });

  test('may name the email and be named by creation ids of the same request', async () => {
    const email = {
      mailboxIds: { [roles.drafts ?? '']: true },
      from: [{ email: me }],
      to: [{ email: 'x@elsewhere.test' }],
      subject: 'made',
    };
    const { methodResponses } = await client.request([
      ['Email/set', { create: { mail: email } }],
      [
        'EmailSubmission/set',
        { create: { send: { identityId, emailId: '#mail' } }, onSuccessUpdateEmail: { '#send': { 'keywords/$seen': true } } },
      ],
      ['EmailSubmission/set', { update: { '#send': { undoStatus: 'canceled' } } }],
    ]);
    expect(methodResponses.map(([name]) => name)).toEqual(['Email/set', 'EmailSubmission/set', 'Email/set', 'EmailSubmission/set']);
    const created = methodResponses[1]?.[1].created as Record<string, { id: string }> | undefined;
    expect(methodResponses[3]?.[1].updated).toEqual({ [created?.send?.id ?? '']: null });
  });

  test('shows in changes, and only its own account sees it', async () => {
    const { state } = await client.call('EmailSubmission/get', { ids: [] });
    const { id } = await made({ emailId: await draft() });
    expect(await client.call('EmailSubmission/changes', { sinceState: state })).toMatchObject({
      created: [id],
      updated: [],
      destroyed: [],
    });
    const stranger = await makeClient();
    const foreign = await stranger.call('EmailSubmission/get', { ids: [id] });
    expect(foreign).toMatchObject({ list: [], notFound: [id] });
  });

  test('goes nowhere when ifInState is another', async () => {
    const emailId = await draft();
    expect(await client.errorOf('EmailSubmission/set', { ifInState: 'x', create: { k: { identityId, emailId } } })).toBe('stateMismatch');
  });
});

describe('the envelope', () => {
  test('made of the message keeps the quotes that an address needs', async () => {
    const emailId = await draft(['To: "john smith"@elsewhere.test, x <"a\\"b"@elsewhere.test>']);
    const { envelope: told } = await made({ emailId });
    expect((told as { rcptTo: { email: string }[] }).rcptTo.map(({ email }) => email)).toEqual([
      '"john smith"@elsewhere.test',
      '"a\\"b"@elsewhere.test',
    ]);
  });

  test('that was given is told only when it is kept otherwise', async () => {
    const emailId = await draft();
    expect(await made({ emailId, envelope: envelope(['a@b.test']) })).not.toHaveProperty('envelope');
    const told = await made({ emailId, envelope: envelope(['a@b.test', 'a@B.test']) });
    expect(told).toMatchObject({ envelope: { rcptTo: [{ email: 'a@b.test' }] } });
    expect(told.envelope).toEqual((await submission(told.id)).envelope);
  });
});

describe('what is refused, by its name', () => {
  test.each([
    ['no such email', () => ({ emailId: 'M99999' }), { type: 'invalidProperties', properties: ['emailId'] }],
    ['an id of another type', () => ({ emailId: 'F1' }), { type: 'invalidProperties', properties: ['emailId'] }],
    ['no such identity', () => ({ identityId: 'I99999' }), { type: 'invalidProperties', properties: ['identityId'] }],
    ['a property of the server’s', () => ({ sendAt: '2026-01-01T00:00:00Z' }), { type: 'invalidProperties', properties: ['sendAt'] }],
    ['an envelope that is none', () => ({ envelope: { mailFrom: 'x' } }), { type: 'invalidProperties', properties: ['envelope'] }],
    ['nobody to send to', () => ({ envelope: envelope([]) }), { type: 'noRecipients' }],
    [
      'a recipient of ours that is not',
      () => ({ envelope: envelope(['nobody@example.test', 'a@b.test']) }),
      { type: 'invalidRecipients', invalidRecipients: ['nobody@example.test'] },
    ],
    [
      'a recipient that is no address',
      () => ({ envelope: envelope(['x\r\ny@b.test']) }),
      { type: 'invalidRecipients', invalidRecipients: ['x\r\ny@b.test'] },
    ],
    [
      'recipients that are no address, all of them named',
      () => ({ envelope: envelope(['half', 'a b@c.test', 'ok@b.test', 'x> SIZE=1 <y@b.test', '"a b"@c.test', 'a,b@c.test']) }),
      { type: 'invalidRecipients', invalidRecipients: ['half', 'a b@c.test', 'x> SIZE=1 <y@b.test', 'a,b@c.test'] },
    ],
    [
      'too many recipients',
      () => ({ envelope: envelope(Array.from({ length: RECIPIENTS_MAX + 1 }, (_, n) => `r${n}@b.test`)) }),
      { type: 'tooManyRecipients', maxRecipients: RECIPIENTS_MAX },
    ],
    ['another account as MAIL FROM', () => ({ envelope: envelope(['a@b.test'], 'other@example.test') }), { type: 'forbiddenMailFrom' }],
  ])('%s', async (_name, record, error) => {
    expect(await refused({ emailId: await draft(), ...record() })).toMatchObject(error);
  });

  const holding = (parameters: Json) => ({ mailFrom: address(me, parameters), rcptTo: [address('a@b.test')] });

  test.each<[string, Json]>([
    ['an extension that is not offered', { RET: 'HDRS' }],
    ['a hold that is no number', { HOLDFOR: 'soon' }],
    ['a hold without a value', { HOLDFOR: null }],
    ['a hold below zero', { HOLDFOR: '-1' }],
    ['a hold beyond what is announced', { HOLDFOR: String(DELAYED_SEND_MAX + 1) }],
    ['a date that is none', { HOLDUNTIL: '2026-02-30T00:00:00Z' }],
    ['a date beyond what is announced', { HOLDUNTIL: '2099-01-01T00:00:00Z' }],
    ['two holds', { HOLDFOR: '60', HOLDUNTIL: '2026-01-01T00:00:00Z' }],
    ['the same hold twice', { HOLDFOR: '60', holdfor: '60' }],
    ['a size that is none', { SIZE: '1e9' }],
  ])('%s', async (_name, parameters) => {
    const error = await refused({ emailId: await draft(), envelope: holding(parameters) });
    expect(error).toMatchObject({ type: 'invalidProperties', properties: ['envelope'] });
  });

  test('an extension for one recipient, and more octets than a message may have', async () => {
    const notified = { mailFrom: address(me), rcptTo: [address('a@b.test', { NOTIFY: 'NEVER' })] };
    expect(await refused({ emailId: await draft(), envelope: notified })).toMatchObject({ properties: ['envelope'] });
    const large = await refused({ emailId: await draft(), envelope: holding({ SIZE: '99999999999' }) });
    expect(large).toEqual({ type: 'tooLarge', maxSize: MESSAGE_SIZE_DEFAULT });
    await made({ emailId: await draft(), envelope: { mailFrom: address(me, {}), rcptTo: [{ email: 'a@b.test' }] } });
  });

  test('a From that is another’s, is missing, or has none to send to', async () => {
    expect(await refused({ emailId: await draft(undefined, 'other@example.test') })).toMatchObject({ type: 'forbiddenFrom' });
    expect(await refused({ emailId: await draft(undefined, 'nobody:;') })).toMatchObject({ type: 'invalidEmail', properties: ['from'] });
    expect(await refused({ emailId: await draft(['Subject: to nobody']) })).toMatchObject({ type: 'noRecipients' });
    const nobody = envelope(['a@b.test'], '');
    expect(await refused({ emailId: await draft(undefined, 'other@example.test'), envelope: nobody })).toMatchObject({
      type: 'forbiddenFrom',
    });
    await made({ emailId: await draft(), envelope: nobody });
    const several = await draft(undefined, `${me}, alias@example.test`);
    expect(await refused({ emailId: several })).toMatchObject({ type: 'invalidEmail', properties: ['from'] });
    await made({ emailId: several, envelope: envelope(['a@b.test']) });
  });

  test('a From that the index left out because it is too large', async () => {
    const large = `"${'x'.repeat(900)}\r\n `.repeat(20);
    const emailId = await draft([`From: ${large}" <other@example.test>`, 'To: a@b.test']);
    expect(await refused({ emailId, envelope: envelope(['a@b.test']) })).toMatchObject({ type: 'forbiddenFrom' });
  });

  test('submissions there are none of', async () => {
    const answer = await client.call('EmailSubmission/set', {
      destroy: ['S99998', 'y'],
      update: { S99999: { undoStatus: 'canceled' }, x: { undoStatus: 'canceled' } },
    });
    expect(answer.notDestroyed).toEqual({ S99998: { type: 'notFound' }, y: { type: 'notFound' } });
    expect(answer.notUpdated).toEqual({ S99999: { type: 'notFound' }, x: { type: 'notFound' } });
  });

  test('the seventh of one request on the free plan, which the next request makes; none where nothing is limited', async () => {
    const emailId = await draft();
    const create = Object.fromEntries(Array.from({ length: 7 }, (_, n) => [`k${n}`, { identityId, emailId }]));
    const madeWith = async (MESSAGES_PER_REQUEST: string) => {
      const using = ['core', 'mail', 'submission'].map((name) => `urn:ietf:params:jmap:${name}`);
      const methodCalls: Invocation[] = [['EmailSubmission/set', { accountId: client.accountId, create }, 'c']];
      const answer = await runRequest({ ...env, MESSAGES_PER_REQUEST }, client.account, { using, methodCalls, createdIds: null });
      const { created, notCreated } = (answer.methodResponses as Invocation[])[0]?.[1] ?? {};
      return [Object.keys(created as Json), notCreated];
    };
    expect(await madeWith('32')).toEqual([Object.keys(create).slice(0, 6), { k6: expect.objectContaining({ type: 'rateLimit' }) }]);
    expect(await madeWith('')).toEqual([Object.keys(create), null]);
  });
});

describe('holding (FUTURERELEASE, RFC 4865)', () => {
  const hold = (parameters: Json) => ({ mailFrom: address(me, parameters), rcptTo: [address('a@b.test')] });
  const due = async (id: unknown) => {
    const key = client.account.id * 2 ** 32 + Number(String(id).slice(1));
    return env.MAIL_0.prepare('SELECT dueAt FROM submission WHERE key = ?').bind(key).first<number>('dueAt');
  };

  test('for some seconds: sendAt is when it leaves, the envelope is kept as given', async () => {
    const before = Date.now();
    const { id, sendAt, undoStatus } = await made({ emailId: await draft(), envelope: hold({ HOLDFOR: '3600' }) });
    expect(undoStatus).toBe('pending');
    expect(Date.parse(String(sendAt)) - before).toBeGreaterThan(3_590_000);
    expect(await due(id)).toBeGreaterThanOrEqual(before + 3_600_000);
    expect(await submission(id)).toMatchObject({ sendAt, undoStatus: 'pending', envelope: hold({ HOLDFOR: '3600' }) });
  });

  test('until a moment, whatever its zone and the case of the parameter', async () => {
    const moment = new Date(Date.now() + 86_400_000).toISOString().slice(0, 19);
    const { id, sendAt } = await made({ emailId: await draft(), envelope: hold({ holduntil: `${moment}+01:00` }) });
    expect(Date.parse(String(sendAt))).toBe(Date.parse(`${moment}+01:00`));
    expect(await due(id)).toBe(Date.parse(`${moment}+01:00`));
  });

  test('until a moment that has passed means at once', async () => {
    const before = Date.now();
    const { sendAt } = await made({ emailId: await draft(), envelope: hold({ HOLDUNTIL: '2020-01-01T00:00:00Z' }) });
    expect(Date.parse(String(sendAt))).toBeGreaterThan(before - 2000);
  });

  test('and taking it back while it is held', async () => {
    const { id } = await made({ emailId: await draft(), envelope: hold({ HOLDFOR: '60' }) });
    expect((await client.call('EmailSubmission/set', { update: { [String(id)]: { undoStatus: 'canceled' } } })).notUpdated).toBeNull();
    expect(await due(id)).toBeNull();
    expect(await submission(id)).toMatchObject({ undoStatus: 'canceled' });
  });
});

describe('destroying', () => {
  test('forgets the record, shows in changes, and stops nothing', async () => {
    const { id } = await made({
      emailId: await draft(),
      envelope: { mailFrom: address(me, { HOLDFOR: '600' }), rcptTo: [address('a@b.test')] },
    });
    const { state } = await client.call('EmailSubmission/get', { ids: [] });
    const { methodResponses } = await client.request([
      ['EmailSubmission/set', { destroy: [id], onSuccessUpdateEmail: { [String(id)]: { 'keywords/$gone': true } } }],
    ]);
    expect(methodResponses[0]?.[1].destroyed).toEqual([id]);
    expect(methodResponses[1]?.[0]).toBe('Email/set');
    expect((await client.call('EmailSubmission/get', { ids: [id] })).notFound).toEqual([id]);
    expect(await client.call('EmailSubmission/changes', { sinceState: state })).toMatchObject({ destroyed: [id], updated: [] });
    expect((await client.call('EmailSubmission/set', { destroy: [id] })).notDestroyed).toMatchObject({
      [String(id)]: { type: 'notFound' },
    });
    const number = Number(String(id).slice(1));
    const later = Date.now() + 601_000;
    expect(await claimSubmission(env, client.account, number, later, later + 1000)).toMatchObject({ id: number });
  });

  test('and changing the same one in one call is willDestroy', async () => {
    const { id } = await made({ emailId: await draft() });
    const answer = await client.call('EmailSubmission/set', { update: { [String(id)]: { undoStatus: 'canceled' } }, destroy: [id] });
    expect(answer).toMatchObject({ notUpdated: { [String(id)]: { type: 'willDestroy' } }, destroyed: [id] });
  });
});

describe('after success', () => {
  test('the email is changed by one implicit Email/set that answers under the same call id', async () => {
    const emailId = await draft();
    const patch = { [`mailboxIds/${roles.drafts}`]: null, [`mailboxIds/${roles.sent}`]: true, 'keywords/$draft': null };
    const { methodResponses } = await client.request([
      ['EmailSubmission/set', { create: { k: { identityId, emailId } }, onSuccessUpdateEmail: { '#k': patch } }, 'the-call'],
    ]);
    expect(methodResponses.map(([name, , id]) => [name, id])).toEqual([
      ['EmailSubmission/set', 'the-call'],
      ['Email/set', 'the-call'],
    ]);
    expect(methodResponses[1]?.[1].updated).toEqual({ [emailId]: null });
    expect(await client.email(emailId, { properties: ['mailboxIds', 'keywords'] })).toMatchObject({
      mailboxIds: { [roles.sent ?? '']: true },
      keywords: {},
    });
  });

  test('the email is destroyed when that is asked, and still sent', async () => {
    const emailId = await draft();
    const { methodResponses } = await client.request([
      ['EmailSubmission/set', { create: { k: { identityId, emailId } }, onSuccessDestroyEmail: ['#k'] }],
    ]);
    expect(methodResponses[1]?.[1].destroyed).toEqual([emailId]);
    const created = methodResponses[0]?.[1].created as Record<string, Json>;
    expect(await submission(created.k?.id)).toMatchObject({ emailId, undoStatus: expect.stringMatching(/^(pending|final)$/) });
  });

  test('and only then', async () => {
    const emailId = await draft(undefined, 'other@example.test');
    const { methodResponses } = await client.request([
      ['EmailSubmission/set', { create: { k: { identityId, emailId } }, onSuccessDestroyEmail: ['#k', '#unknown', 'S1'] }],
    ]);
    expect(methodResponses.map(([name]) => name)).toEqual(['EmailSubmission/set']);
    expect(await client.email(emailId, { properties: ['id'] })).toEqual({ id: emailId });
  });
});

test('a submission keeps the ids of an email destroyed since', async () => {
  const emailId = await draft(undefined, me);
  const { id, threadId } = await made({ emailId });
  await client.call('Email/set', { destroy: [emailId] });
  expect((await client.call('Email/get', { ids: [emailId] })).notFound).toEqual([emailId]);
  expect(await submission(id)).toMatchObject({ emailId, threadId });
});

describe('taking back', () => {
  /** Made by hand, because the outbox here takes what is due at once. */
  async function pending(): Promise<{ id: string; number: number; emailId: string }> {
    const emailId = await draft();
    const number = await openMail(env, client.account).addSubmission(crypto.randomUUID(), {
      identity: 1,
      email: Number(emailId.slice(1)),
      thread: 1,
      sha256: 'a'.repeat(64),
      mailFrom: me,
      rcptTo: ['a@b.test'],
      undoStatus: 'pending',
      deliveryStatus: {},
      sendAt: 0,
      dueAt: Date.now() + 60_000,
    });
    return { id: `S${number}`, number, emailId };
  }

  test('works while it is pending, changes the email as asked, and does nothing the second time', async () => {
    const { id, emailId } = await pending();
    const args = { update: { [id]: { undoStatus: 'canceled' } }, onSuccessUpdateEmail: { [id]: { 'keywords/$draft': true } } };
    const { methodResponses } = await client.request([['EmailSubmission/set', args]]);
    expect(methodResponses[0]?.[1].updated).toEqual({ [id]: null });
    expect(methodResponses[1]?.[1].updated).toEqual({ [emailId]: null });
    expect(await submission(id)).toMatchObject({ undoStatus: 'canceled' });
    expect((await client.call('EmailSubmission/set', { update: { [id]: { undoStatus: 'canceled' } } })).updated).toEqual({ [id]: null });
  });

  test('is cannotUnsend once a worker has it, which clients are told', async () => {
    const { id, number } = await pending();
    const { state } = await client.call('EmailSubmission/get', { ids: [] });
    expect(await claimSubmission(env, client.account, number, Date.now() + 120_000, Date.now() + 180_000)).not.toBeNull();
    const { notUpdated } = await client.call('EmailSubmission/set', { update: { [id]: { undoStatus: 'canceled' } } });
    expect(notUpdated).toEqual({ [id]: { type: 'cannotUnsend' } });
    expect(await client.call('EmailSubmission/changes', { sinceState: state })).toMatchObject({ updated: [id] });
    expect(await submission(id)).toMatchObject({ undoStatus: 'final' });
  });

  test('may name what stays as it is', async () => {
    const { id } = await pending();
    const { identityId: same } = await submission(id);
    const { notUpdated } = await client.call('EmailSubmission/set', { update: { [id]: { identityId: same, undoStatus: 'canceled' } } });
    expect(notUpdated).toBeNull();
  });

  test.each([
    ['another status', { undoStatus: 'final' }, ['undoStatus']],
    ['another property', { undoStatus: 'canceled', emailId: 'M1' }, ['emailId']],
    ['no status', { undoStatus: 7 }, ['undoStatus']],
  ])('%s is invalidProperties', async (_name, patch, properties) => {
    const { id } = await pending();
    const { notUpdated } = await client.call('EmailSubmission/set', { update: { [id]: patch } });
    expect(notUpdated).toMatchObject({ [id]: { type: 'invalidProperties', properties } });
  });
});
