/** MDN/send and MDN/parse (RFC 9007) through the door: who is notified of what, what is refused, what a blob says. */
import { env } from 'cloudflare:test';
import { beforeAll, describe, expect, test } from 'vitest';
import { CORE, MDN } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import type { Invocation } from '../../../shared/jmap/request.ts';
import { getOriginal } from '../../../workers/store/blobs.ts';
import { makeAlias } from '../../support/directory.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
let me: string;
let inbox: string;
let identityId: string;
beforeAll(async () => {
  client = await makeClient();
  me = client.account.address;
  inbox = (await client.roles()).inbox ?? '';
  await makeAlias(env, 'mdn-alias@example.test', client.account.id);
  const { list } = await client.call('Identity/get', { ids: null });
  identityId = String((list as Json[]).find(({ email }) => email === me)?.id);
});

const ASKED = 'Disposition-Notification-To: Ann <ann@elsewhere.test>';

/** A letter that asks for a notification, in the Inbox. */
async function letter(lines: string[] = [ASKED], more: Json = {}): Promise<string> {
  const id = `Message-ID: <${crypto.randomUUID()}@elsewhere.test>`;
  const has = lines.some((line) => line.startsWith('Message-ID'));
  const raw = ['From: ann@elsewhere.test', `To: ${me}`, 'Subject: World domination', ...(has ? [] : [id]), ...lines, '', 'Now!', ''].join(
    '\r\n',
  );
  return (await client.import(raw, inbox, more)).id;
}

const DISPOSITION = { actionMode: 'manual-action', sendingMode: 'mdn-sent-manually', type: 'displayed' };
const MARK = { 'keywords/$mdnsent': true };

/** One `MDN/send`; all responses. */
async function send(forEmailId: string, mdn: Json = {}, more: Json = {}): Promise<Invocation[]> {
  const record = { forEmailId, disposition: DISPOSITION, ...mdn };
  const args = { identityId, send: { k: record }, onSuccessUpdateEmail: { '#k': MARK }, ...more };
  return (await client.request([['MDN/send', args]])).methodResponses;
}

async function refused(forEmailId: string, mdn: Json = {}): Promise<Json> {
  const [first, second] = await send(forEmailId, mdn);
  expect(first?.[0], JSON.stringify(first)).toBe('MDN/send');
  expect(first?.[1].sent).toBeNull();
  expect(second).toBeUndefined();
  return (first?.[1].notSent as Record<string, Json> | undefined)?.k ?? {};
}

interface Outgoing {
  mailFrom: string;
  rcptTo: string;
  text: string;
}

/** What was queued last. */
async function outgoing(): Promise<Outgoing> {
  const row = await env.MAIL_0.prepare('SELECT mailFrom, rcptTo, sha256 FROM submission WHERE account = ? ORDER BY key DESC LIMIT 1')
    .bind(client.account.id)
    .first<{ mailFrom: string; rcptTo: string; sha256: string }>();
  const original = await getOriginal(env, client.account.id, row?.sha256 ?? '');
  return { mailFrom: row?.mailFrom ?? '?', rcptTo: row?.rcptTo ?? '', text: await new Response(original?.body).text() };
}

describe('MDN/send', () => {
  test('sends a report to who asked, from the null reverse-path, and marks the email', async () => {
    const emailId = await letter([ASKED, 'Message-ID: <asked@elsewhere.test>', 'Original-Recipient: rfc822;list@example.test']);
    const [first, second] = await send(emailId, {
      textBody: 'Seen.',
      reportingUA: 'me; Client 1',
      extensionFields: { 'X-Example': 'yes' },
    });
    expect(first).toEqual([
      'MDN/send',
      {
        accountId: client.accountId,
        sent: {
          k: {
            subject: 'Receipt: World domination',
            includeOriginalMessage: false,
            finalRecipient: `rfc822; ${me}`,
            originalRecipient: 'rfc822;list@example.test',
            originalMessageId: '<asked@elsewhere.test>',
            mdnGateway: null,
            error: null,
          },
        },
        notSent: null,
      },
      'c0',
    ]);
    expect(second).toMatchObject(['Email/set', { updated: { [emailId]: null } }, 'c0']);
    expect((await client.email(emailId, { properties: ['keywords'] })).keywords).toEqual({ $mdnsent: true });
    const { mailFrom, rcptTo, text } = await outgoing();
    expect({ mailFrom, rcptTo }).toEqual({ mailFrom: '', rcptTo: '["ann@elsewhere.test"]' });
    expect(text).toMatch(/^To: ann@elsewhere.test\r$/m);
    expect(text).toMatch(/^Original-Message-ID: <asked@elsewhere.test>\r$/m);
    expect(text).toMatch(/^Disposition: manual-action\/mdn-sent-manually; displayed\r$/m);
    expect(text).toMatch(/^X-Example: yes\r$/m);
    expect((await client.call('EmailSubmission/get', { ids: null })).list).toEqual([]);
  });

  test('takes the email’s own id as the key of what follows, and the whole set of keywords', async () => {
    const emailId = await letter();
    const [first, second] = await send(emailId, {}, { onSuccessUpdateEmail: { [emailId]: { keywords: { $mdnsent: true, $seen: true } } } });
    expect(first?.[1].notSent).toBeNull();
    expect(second?.[1].updated).toEqual({ [emailId]: null });
  });

  test('brings the message back when that is asked', async () => {
    await send(await letter(), { includeOriginalMessage: true });
    const { text } = await outgoing();
    expect(text).toMatch(/^Content-Type: message\/rfc822\r$/m);
    expect(text).toContain('Now!');
  });

  test('may speak for any address of the account', async () => {
    const [first] = await send(await letter(), { finalRecipient: 'rfc822; mdn-alias@example.test' });
    expect((first?.[1].sent as Record<string, Json> | undefined)?.k).not.toHaveProperty('finalRecipient');
    expect((await outgoing()).text).toMatch(/^Final-Recipient: rfc822; mdn-alias@example.test\r$/m);
  });

  test('sends once for a message, whatever its keywords say', async () => {
    expect(await refused(await letter([ASKED], { keywords: { $mdnsent: true } }))).toMatchObject({ type: 'mdnAlreadySent' });
    const emailId = await letter();
    await send(emailId);
    await client.call('Email/set', { update: { [emailId]: { 'keywords/$mdnsent': null } } });
    expect(await refused(emailId)).toMatchObject({ type: 'mdnAlreadySent' });
  });

  test('sends automatically only to where the message came from (RFC 8098 §2.1)', async () => {
    const automatic = { disposition: { ...DISPOSITION, sendingMode: 'mdn-sent-automatically' } };
    expect(await refused(await letter(), automatic)).toMatchObject({ type: 'forbidden' });
    expect(await refused(await letter([ASKED, 'Return-Path: <bob@elsewhere.test>']), automatic)).toMatchObject({ type: 'forbidden' });
    const two = await letter([`${ASKED}, bob@elsewhere.test`, 'Return-Path: <ann@elsewhere.test>']);
    expect(await refused(two, automatic)).toMatchObject({ type: 'forbidden' });
    const [first] = await send(await letter([ASKED, 'Return-Path: <Ann@elsewhere.test>']), automatic);
    expect(first?.[1].notSent).toBeNull();
  });

  test.each<[string, () => Promise<string>, Json, Json]>([
    ['an email that is not there', async () => 'M99999', {}, { type: 'notFound' }],
    ['an id of another type', async () => inbox, {}, { type: 'notFound' }],
    ['an email that asks for none', () => letter([]), {}, { type: 'notFound' }],
    ['an email that asks at no address', () => letter(['Disposition-Notification-To: nobody']), {}, { type: 'notFound' }],
    [
      'an email that is a notification',
      () => letter([ASKED, 'Content-Type: multipart/report; report-type=disposition-notification; boundary=b']),
      {},
      { type: 'forbidden' },
    ],
    ['another’s recipient', letter, { finalRecipient: 'rfc822; ann@elsewhere.test' }, { type: 'forbiddenFrom' }],
    ['a recipient without its type', letter, { finalRecipient: 'x' }, { type: 'invalidProperties', properties: ['finalRecipient'] }],
    ['no disposition', letter, { disposition: null }, { type: 'invalidProperties', properties: ['disposition'] }],
    [
      'a disposition that is none',
      letter,
      { disposition: { ...DISPOSITION, type: 'Displayed' } },
      { type: 'invalidProperties', properties: ['disposition'] },
    ],
    ['what the server sets', letter, { originalMessageId: '<x@y>' }, { type: 'invalidProperties', properties: ['originalMessageId'] }],
    ['a property that is none', letter, { extension: {} }, { type: 'invalidProperties', properties: ['extension'] }],
    ['a subject of two lines', letter, { subject: 'a\r\nBcc: b@c.test' }, { type: 'invalidProperties', properties: ['subject'] }],
    [
      'an extension field in another’s place',
      letter,
      { extensionFields: { Disposition: 'x' } },
      { type: 'invalidProperties', properties: ['extensionFields'] },
    ],
    [
      'an extension field that is none',
      letter,
      { extensionFields: { 'a b': 'x' } },
      { type: 'invalidProperties', properties: ['extensionFields'] },
    ],
  ])('refuses %s', async (_name, make, mdn, error) => {
    expect(await refused(await make(), mdn)).toMatchObject(error);
  });

  test('refuses the whole call when it would not set $mdnsent, or names no account or identity of ours', async () => {
    const emailId = await letter();
    const type = async (more: Json) => (await send(emailId, {}, more))[0]?.[1].type;
    for (const onSuccessUpdateEmail of [null, {}, { '#k': {} }, { '#k': { 'keywords/$mdnsent': null } }, { '#other': MARK }])
      expect(await type({ onSuccessUpdateEmail })).toBe('invalidArguments');
    expect(await type({ identityId: 'I999' })).toBe('invalidArguments');
    expect(await type({ accountId: 'A99999' })).toBe('invalidArguments');
    expect((await client.email(emailId, { properties: ['keywords'] })).keywords).toEqual({});
  });

  test('is unknown without the capability of mail', async () => {
    const { methodResponses } = await client.request([['MDN/send', {}]], { using: [CORE, MDN] });
    expect(methodResponses[0]).toMatchObject(['error', { type: 'unknownMethod' }, 'c0']);
  });
});

describe('MDN/parse', () => {
  const parse = (blobIds: string[]) => client.call('MDN/parse', { blobIds });

  test('reads what MDN/send wrote, and finds the email it is about', async () => {
    const emailId = await letter([ASKED, 'Message-ID: <parsed@elsewhere.test>']);
    await send(emailId, { subject: 'Gelesen', textBody: 'Grüße', extensionFields: { 'X-Example': 'one' } });
    const blobId = await client.upload((await outgoing()).text);
    expect(await parse([blobId])).toMatchObject({
      parsed: {
        [blobId]: {
          forEmailId: emailId,
          subject: 'Gelesen',
          textBody: 'Grüße',
          includeOriginalMessage: false,
          reportingUA: null,
          disposition: DISPOSITION,
          mdnGateway: null,
          originalRecipient: null,
          finalRecipient: `rfc822; ${me}`,
          originalMessageId: '<parsed@elsewhere.test>',
          error: null,
          extensionFields: { 'X-Example': 'one' },
        },
      },
      notParsable: null,
      notFound: null,
    });
  });

  test('of a message that several emails are, or none is, says for no email', async () => {
    const emailId = await letter([ASKED, 'Message-ID: <twice@elsewhere.test>']);
    await letter([ASKED, 'Message-ID: <twice@elsewhere.test>', 'X-Other: yes']);
    await send(emailId);
    const blobId = await client.upload((await outgoing()).text);
    expect((await parse([blobId])).parsed).toMatchObject({ [blobId]: { forEmailId: null } });
  });

  test('tells what is no notification from what is not there', async () => {
    const plain = await client.upload('From: a@b.test\r\n\r\nHello\r\n');
    const binary = await client.upload(Uint8Array.from({ length: 2000 }, (_, n) => (n * 7919) % 256));
    const missing = `G${'0'.repeat(64)}`;
    const answer = await parse([plain, binary, missing, 'nonsense', plain]);
    expect(answer).toMatchObject({ parsed: null, notParsable: [plain, binary], notFound: [missing, 'nonsense'] });
  });

  test('refuses too many, and another’s account', async () => {
    const blobIds = Array.from({ length: 11 }, (_, n) => `x${n}`);
    expect(await client.errorOf('MDN/parse', { blobIds })).toBe('requestTooLarge');
    expect(await client.errorOf('MDN/parse', { accountId: 'A99999', blobIds: [] })).toBe('invalidArguments');
  });
});
