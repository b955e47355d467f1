import { env } from 'cloudflare:test';
import { beforeEach, expect, test } from 'vitest';
import { CORE, GET_OBJECTS_MAX, MAIL } from '../../../shared/jmap/capabilities.ts';
import { runRequest } from '../../../workers/jmap/dispatch.ts';
import { setQuota } from '../../../workers/store/mail/index.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
let roles: Record<string, string>;
let drafts: string;
let inbox: string;
beforeEach(async () => {
  client = await makeClient();
  roles = await client.roles();
  drafts = roles.drafts ?? '';
  inbox = roles.inbox ?? '';
});

type Created = Record<string, { id: string; blobId: string; threadId: string; size: number }>;
type Errors = Record<string, { type: string; properties?: string[] }>;

async function create(record: Record<string, unknown>): Promise<Created[string] | undefined> {
  const { created, notCreated } = await client.call('Email/set', { create: { k: { mailboxIds: { [drafts]: true }, ...record } } });
  expect(notCreated).toBeNull();
  return (created as Created).k;
}

async function raw(blobId: string | undefined): Promise<string> {
  return new TextDecoder().decode(await (await client.fetch(`/jmap/download/${client.accountId}/${blobId}/m`)).arrayBuffer());
}

const text = (value: string) => ({ bodyValues: { t: { value } }, textBody: [{ partId: 't', type: 'text/plain' }] });

test('a draft is a faithful message with what the client left out', async () => {
  const made = await create({
    keywords: { $Draft: true, $seen: true },
    from: [{ name: 'Joe "J" Bloggs', email: 'joe@example.test' }],
    to: [{ name: '王小明', email: 'wang@example.test' }, { email: 'plain@example.test' }],
    subject: `Grüße ${'sehr lang '.repeat(20)}`.trim(),
    inReplyTo: ['a@x'],
    references: ['r@x', 'a@x'],
    'header:X-Mine:asText': 'meins ö',
    'header:Comments': ' raw',
    sentAt: '2018-07-10T11:03:11+10:00',
    receivedAt: '2018-07-10T01:03:11Z',
    ...text('Hello\nwörld\n'),
  });
  const message = await raw(made?.blobId);
  expect(message.length).toBe(made?.size);
  expect(message).toMatch(/^[\x20-\x7e\r\n]*$/);
  for (const line of message.split('\r\n')) expect(line.length).toBeLessThanOrEqual(78);
  for (const line of [
    'Date: Tue, 10 Jul 2018 11:03:11 +1000',
    'In-Reply-To: <a@x>',
    'References: <r@x> <a@x>',
    'MIME-Version: 1.0',
    'Comments: raw',
  ])
    expect(message).toContain(`${line}\r\n`);
  expect(message).toMatch(/Message-ID: <[0-9a-f-]{36}@example\.test>\r\n/);
  const email = await client.email(made?.id ?? '', {
    properties: [
      'from',
      'to',
      'subject',
      'keywords',
      'receivedAt',
      'sentAt',
      'header:X-Mine:asText',
      'bodyValues',
      'mailboxIds',
      'threadId',
    ],
    fetchTextBodyValues: true,
  });
  expect(email).toEqual({
    id: made?.id,
    threadId: made?.threadId,
    mailboxIds: { [drafts]: true },
    from: [{ name: 'Joe "J" Bloggs', email: 'joe@example.test' }],
    to: [
      { name: '王小明', email: 'wang@example.test' },
      { name: null, email: 'plain@example.test' },
    ],
    subject: `Grüße ${'sehr lang '.repeat(20)}`.trim(),
    keywords: { $draft: true, $seen: true },
    receivedAt: '2018-07-10T01:03:11Z',
    sentAt: '2018-07-10T11:03:11+10:00',
    'header:X-Mine:asText': 'meins ö',
    bodyValues: { '1': { value: 'Hello\nwörld\n', isEncodingProblem: false, isTruncated: false } },
  });
});

test('text, HTML, its pictures and attachments become the tree people expect', async () => {
  const picture = crypto.getRandomValues(new Uint8Array(3000));
  const image = await client.upload(picture, 'image/png');
  const letter = await client.upload('Subject: inner\r\n\r\nümlaut\r\n');
  const made = await create({
    subject: 'all',
    bodyValues: { t: { value: 'text' }, h: { value: '<img src="cid:a@b">' } },
    textBody: [{ partId: 't', type: 'text/plain' }],
    htmlBody: [{ partId: 'h', type: 'text/html', language: ['de'] }],
    attachments: [
      { blobId: image, type: 'image/png', disposition: 'inline', cid: 'a@b', name: 'p.png' },
      { blobId: image, type: 'image/png', name: 'Übersicht der sehr langen Namen für Anhänge im Sommer.png' },
      { blobId: letter, type: 'message/rfc822' },
    ],
  });
  const { bodyStructure } = await client.email(made?.id ?? '', {
    properties: ['bodyStructure'],
    bodyProperties: ['type', 'name', 'disposition', 'cid', 'size', 'blobId', 'language'],
  });
  const part = (more: object) => expect.objectContaining(more);
  expect(bodyStructure).toEqual(
    part({
      type: 'multipart/mixed',
      subParts: [
        part({
          type: 'multipart/alternative',
          subParts: [
            part({ type: 'text/plain' }),
            part({
              type: 'multipart/related',
              subParts: [
                part({ type: 'text/html', language: ['de'] }),
                part({ cid: 'a@b', disposition: 'inline', name: 'p.png', size: 3000 }),
              ],
            }),
          ],
        }),
        part({ name: 'Übersicht der sehr langen Namen für Anhänge im Sommer.png', disposition: 'attachment' }),
        part({ type: 'message/rfc822' }),
      ],
    }),
  );
  const { attachments } = await client.email(made?.id ?? '', { properties: ['attachments'] });
  const [first] = attachments as { blobId: string }[];
  const back = await client.fetch(`/jmap/download/${client.accountId}/${first?.blobId}/x`);
  expect(new Uint8Array(await back.arrayBuffer())).toEqual(picture);
});

test('a bodyStructure is written as it is given', async () => {
  const made = await create({
    bodyValues: { a: { value: '<p>hi' }, b: { value: 'hi' } },
    bodyStructure: {
      // A structure that was fetched says what a multipart has none of (RFC 8621 §4.1.4).
      ...{ partId: null, blobId: null, name: null, charset: null, disposition: null, cid: null, language: null, location: null },
      type: 'multipart/alternative',
      'header:X-Top': ' yes',
      subParts: [
        { partId: 'a', type: 'text/html', 'header:Content-Language': ' en' },
        { partId: 'b', type: 'text/plain' },
      ],
    },
  });
  const email = await client.email(made?.id ?? '', {
    properties: ['bodyStructure', 'header:X-Top'],
    bodyProperties: ['type', 'language', 'partId'],
  });
  expect(email).toMatchObject({
    'header:X-Top': ' yes',
    bodyStructure: {
      type: 'multipart/alternative',
      subParts: [
        { type: 'text/html', language: ['en'], partId: '1' },
        { type: 'text/plain', language: null, partId: '2' },
      ],
    },
  });
});

const one = { textBody: [{ partId: 't', type: 'text/plain' }] };

test.each<[string, Record<string, unknown>, string[]]>([
  ['no mailbox', { mailboxIds: {} }, ['mailboxIds']],
  ['a mailbox that is false', { mailboxIds: { F1: false } }, ['mailboxIds']],
  ['an id of another type', { mailboxIds: { M1: true } }, ['mailboxIds']],
  ['headers', { headers: [] }, ['headers']],
  ['a server-set property', { id: 'M1' }, ['id']],
  ['one field in two ways', { subject: 'a', 'header:Subject': ' b' }, ['header:Subject']],
  ['a forbidden form', { 'header:From:asText': 'x' }, ['header:From:asText']],
  ['a field of a part', { 'header:Content-Type': ' text/plain' }, ['header:Content-Type']],
  ['a line break in a header', { subject: 'a\r\nBcc: x@y' }, ['subject']],
  ['a line break in a raw header', { 'header:X': ' a\r\nBcc: x@y' }, ['header:X']],
  ['a line break in a name', { from: [{ name: 'a\nb', email: 'x@y' }] }, ['from']],
  ['a wrong address', { from: [{ name: 'a', email: 'x@y, z@w' }] }, ['from']],
  ['an unknown keyword form', { keywords: { 'a b': true } }, ['keywords']],
  ['a body beside a structure', { bodyStructure: { partId: 't' }, ...one, bodyValues: { t: { value: '' } } }, ['textBody']],
  ['a part without its value', one, ['textBody']],
  ['two text bodies', { textBody: [{ partId: 't' }, { partId: 't' }], bodyValues: { t: { value: '' } } }, ['textBody']],
  ['HTML as text', { textBody: [{ partId: 't', type: 'text/html' }], bodyValues: { t: { value: '' } } }, ['textBody']],
  ['a charset with a value', { bodyStructure: { partId: 't', charset: 'utf-8' }, bodyValues: { t: { value: '' } } }, ['bodyStructure']],
  [
    'a transfer encoding',
    { bodyStructure: { partId: 't', 'header:Content-Transfer-Encoding': ' 7bit' }, bodyValues: { t: { value: '' } } },
    ['bodyStructure'],
  ],
  ['partId and blobId', { bodyStructure: { partId: 't', blobId: 'G1' }, bodyValues: { t: { value: '' } } }, ['bodyStructure']],
  ['a truncated value', { ...one, bodyValues: { t: { value: '', isTruncated: true } } }, ['bodyValues']],
  ['an unknown property', { color: 'red' }, ['color']],
])('an email with %s is not made', async (_what, record, properties) => {
  const { created, notCreated } = await client.call('Email/set', { create: { k: { mailboxIds: { [drafts]: true }, ...record } } });
  expect(created).toBeNull();
  expect(notCreated).toEqual({ k: { type: 'invalidProperties', properties, description: expect.any(String) } });
});

test('blobs that are not there are named, and a mailbox that is not there is refused', async () => {
  const gone = `G${'0'.repeat(64)}`;
  const { notCreated } = await client.call('Email/set', {
    create: {
      a: { mailboxIds: { [drafts]: true }, attachments: [{ blobId: gone }, { blobId: 'nonsense' }] },
      b: { mailboxIds: { F999: true } },
    },
  });
  expect(notCreated).toMatchObject({
    a: { type: 'blobNotFound', notFound: [gone, 'nonsense'] },
    b: { type: 'invalidProperties', properties: ['mailboxIds'] },
  });
});

test('keywords and mailboxes change whole or one by one', async () => {
  const { id } = await client.import('Subject: x\r\n\r\nx', inbox, { keywords: { a: true, $flagged: true } });
  const look = async () => client.email(id, { properties: ['keywords', 'mailboxIds'] });
  const change = async (patch: Record<string, unknown>) => {
    const { updated, notUpdated } = await client.call('Email/set', { update: { [id]: patch } });
    expect([updated, notUpdated]).toEqual([{ [id]: null }, null]);
  };
  await change({ 'keywords/$Seen': true, 'keywords/a': null });
  expect(await look()).toMatchObject({ keywords: { $seen: true, $flagged: true } });
  await change({ keywords: { b: true }, [`mailboxIds/${roles.archive}`]: true, [`mailboxIds/${inbox}`]: null });
  expect(await look()).toEqual({ id, keywords: { b: true }, mailboxIds: { [roles.archive ?? '']: true } });
  await change({ keywords: null, mailboxIds: { [roles.trash ?? '']: true, [inbox]: true } });
  expect(await look()).toEqual({ id, keywords: {}, mailboxIds: { [roles.trash ?? '']: true, [inbox]: true } });
  await change({ [`mailboxIds/${inbox}`]: null });
  await change({ subject: 'x', size: 15 });
  expect(await look()).toEqual({ id, keywords: {}, mailboxIds: { [roles.trash ?? '']: true } });
});

test('what an update cannot do is said for each email', async () => {
  const { id } = await client.import('Subject: x\r\n\r\nx', inbox);
  const failures: [Record<string, unknown>, string, string[]?][] = [
    [{ [`mailboxIds/${inbox}`]: null }, 'invalidProperties', ['mailboxIds']],
    [{ mailboxIds: {} }, 'invalidProperties', ['mailboxIds']],
    [{ 'mailboxIds/F999': true }, 'invalidProperties', ['mailboxIds']],
    [{ 'keywords/a': 1 }, 'invalidProperties', ['keywords']],
    [{ 'keywords/a b': true }, 'invalidProperties', ['keywords']],
    [{ subject: 'y' }, 'invalidProperties', ['subject']],
    [{ nothing: 1 }, 'invalidProperties', ['nothing']],
    [{ keywords: {}, 'keywords/a': true }, 'invalidPatch'],
    [{ 'keywords/a/b': true }, 'invalidPatch'],
    [{ keywords: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, true])) }, 'tooManyKeywords'],
  ];
  for (const [patch, type, properties] of failures) {
    const { notUpdated, newState, oldState } = await client.call('Email/set', { update: { [id]: patch } });
    expect((notUpdated as Errors)[id], JSON.stringify(patch)).toMatchObject(properties ? { type, properties } : { type });
    expect(newState).toBe(oldState);
  }
  const { notUpdated, notDestroyed, updated, destroyed } = await client.call('Email/set', {
    update: { M999: { 'keywords/a': true }, T1: {}, [id]: { 'keywords/a': true } },
    destroy: ['M998', 'F1', id],
  });
  expect(notUpdated).toMatchObject({ M999: { type: 'notFound' }, T1: { type: 'notFound' }, [id]: { type: 'willDestroy' } });
  expect(notDestroyed).toMatchObject({ M998: { type: 'notFound' }, F1: { type: 'notFound' } });
  expect([updated, destroyed]).toEqual([null, [id]]);
});

test('a state that has passed refuses the whole set', async () => {
  const { state } = await client.call('Email/get', { ids: [] });
  const { id } = await client.import('Subject: x\r\n\r\nx', inbox);
  expect(await client.errorOf('Email/set', { ifInState: state, destroy: [id] })).toBe('stateMismatch');
  expect(await client.errorOf('Email/import', { ifInState: state, emails: {} })).toBe('stateMismatch');
  const { state: now } = await client.call('Email/get', { ids: [id] });
  expect(await client.call('Email/set', { ifInState: now, destroy: [id] })).toMatchObject({ oldState: now, destroyed: [id] });
});

test('what one call makes the next ones can name', async () => {
  const { methodResponses } = await client.request([
    ['Mailbox/set', { create: { box: { name: 'New' } } }],
    ['Email/set', { create: { mail: { mailboxIds: { '#box': true }, ...text('x') } }, update: { '#mail': { 'keywords/a': true } } }],
    ['Email/get', { '#ids': { resultOf: 'c1', name: 'Email/set', path: '/created/mail/id' } }],
    ['Email/get', { properties: ['keywords'], ids: ['#mail'] }],
  ]);
  const [, set, notIds] = methodResponses.map(([, answer]) => answer);
  expect(notIds?.type).toBe('invalidArguments');
  const { id } = (set?.created as Created | undefined)?.mail ?? { id: '' };
  expect(set?.updated).toEqual({ [id]: null });
  expect(await client.email(id, { properties: ['keywords'] })).toEqual({ id, keywords: { a: true } });
});

test('a request sees what its own earlier calls have changed', async () => {
  const { id } = await client.import('Subject: x\r\n\r\nx', inbox);
  const look: [string, Record<string, unknown>] = ['Email/get', { ids: [id], properties: ['keywords'] }];
  const { methodResponses } = await client.request([look, ['Email/set', { update: { [id]: { 'keywords/a': true } } }], look]);
  const [before, set, after] = methodResponses.map(([, answer]) => answer);
  expect([before?.list, after?.list]).toEqual([[{ id, keywords: {} }], [{ id, keywords: { a: true } }]]);
  expect([before?.state, after?.state]).toEqual([set?.oldState, set?.newState]);
});

test('an import keeps the octets as they are, or says why not', async () => {
  const message = Uint8Array.from('Received: from a by b; Tue, 10 Jul 2018 01:03:12 +0000\nSubject: caf\xe9 noir\n\nno crlf', (char) =>
    char.charCodeAt(0),
  );
  const made = await client.import(message, inbox);
  const back = await client.fetch(`/jmap/download/${client.accountId}/${made.blobId}/x`);
  expect(new Uint8Array(await back.arrayBuffer())).toEqual(message);
  expect(await client.email(made.id, { properties: ['receivedAt', 'subject'] })).toEqual({
    id: made.id,
    receivedAt: '2018-07-10T01:03:12Z',
    subject: 'café noir',
  });
  const { blobId } = made;
  const { notCreated } = await client.call('Email/import', {
    emails: {
      a: { blobId: `G${'0'.repeat(64)}`, mailboxIds: { [inbox]: true } },
      b: { blobId, mailboxIds: {} },
      c: { blobId, mailboxIds: { F999: true } },
      d: { blobId, mailboxIds: { [inbox]: true }, keywords: { 'a b': true } },
      e: { blobId, mailboxIds: { [inbox]: true }, receivedAt: 'yesterday' },
      f: { mailboxIds: { [inbox]: true } },
    },
  });
  expect(Object.entries(notCreated as Errors).map(([key, error]) => [key, error.type, error.properties])).toEqual([
    ...[
      ['a', 'blobId'],
      ['b', 'mailboxIds'],
      ['d', 'keywords'],
      ['e', 'receivedAt'],
      ['f', 'blobId'],
      ['c', 'mailboxIds'],
    ].map(([key, property]) => [key, 'invalidProperties', [property]]),
  ]);
});

test('replies share their thread, and changes tell what happened', async () => {
  const first = await client.import('Message-ID: <1@x>\r\nSubject: a\r\n\r\na', inbox, { receivedAt: '2020-01-01T00:00:00Z' });
  const { state } = await client.call('Thread/get', { ids: [first.threadId] });
  const { state: emailState } = await client.call('Email/get', { ids: [] });
  const second = await client.import('Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\nSubject: Re: a\r\n\r\nb', inbox, {
    receivedAt: '2020-01-02T00:00:00Z',
  });
  expect(second.threadId).toBe(first.threadId);
  const { list, notFound } = await client.call('Thread/get', { ids: [first.threadId, 'T999', 'x'] });
  expect([list, notFound]).toEqual([[{ id: first.threadId, emailIds: [first.id, second.id] }], ['T999', 'x']]);
  expect(await client.call('Thread/changes', { sinceState: state })).toMatchObject({
    created: [],
    updated: [first.threadId],
    destroyed: [],
  });
  await client.call('Email/set', { update: { [first.id]: { 'keywords/$seen': true } } });
  expect(await client.call('Email/changes', { sinceState: emailState })).toMatchObject({
    created: [second.id],
    updated: [first.id],
    destroyed: [],
    hasMoreChanges: false,
  });
  const some = await client.call('Email/changes', { sinceState: emailState, maxChanges: 1 });
  expect(some).toMatchObject({ hasMoreChanges: true });
  const rest = await client.call('Email/changes', { sinceState: some.newState, maxChanges: 1 });
  const ids = [some, rest].flatMap(({ created, updated }) => [...(created as string[]), ...(updated as string[])]);
  expect([ids.sort(), rest.hasMoreChanges]).toEqual([[first.id, second.id].sort(), false]);
});

/** Runs one call in a deployment of other settings. */
async function callWith(settings: object, name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const methodCalls: [string, Record<string, unknown>, string][] = [[name, { accountId: client.accountId, ...args }, 'c']];
  const { methodResponses } = await runRequest({ ...env, ...settings }, client.account, {
    using: [CORE, MAIL],
    methodCalls,
    createdIds: null,
  });
  return (methodResponses as [string, Record<string, unknown>][])[0]?.[1] ?? {};
}

const many = (length: number, record: object) => Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, record]));

test('of more messages than a deployment makes in a request the rest is rateLimit, below the limit announced', async () => {
  const few = { MESSAGES_PER_REQUEST: '3' };
  const record = { mailboxIds: { [drafts]: true }, subject: 'one of many' };
  const { created, notCreated } = await callWith(few, 'Email/set', { create: { wrong: {}, ...many(4, record) } });
  expect(Object.keys(created as object)).toEqual(['k0', 'k1', 'k2']);
  expect(notCreated).toMatchObject({ wrong: { type: 'invalidProperties' }, k3: { type: 'rateLimit' } });
  const blobId = await client.upload('Subject: x\r\n\r\nx\r\n');
  const imports = await callWith(few, 'Email/import', { emails: many(4, { blobId, mailboxIds: { [inbox]: true } }) });
  expect([Object.keys(imports.created as object).length, imports.notCreated]).toMatchObject([3, { k3: { type: 'rateLimit' } }]);
  expect(await callWith(few, 'Email/parse', { blobIds: ['G1', 'G2', 'G3', 'G4'] })).toMatchObject({ type: 'requestTooLarge' });
  expect(await client.errorOf('Email/import', { emails: many(501, {}) })).toBe('requestTooLarge');
  expect(await client.errorOf('Email/set', { create: many(501, {}) })).toBe('requestTooLarge');
});

test('a deployment without such a limit makes all 500 of a call, and each stands or falls alone', async () => {
  const blobId = await client.upload('Subject: x\r\n\r\nx\r\n');
  const emails = { ...many(499, { blobId, mailboxIds: { [inbox]: true } }), wrong: { blobId: 'G0', mailboxIds: { [inbox]: true } } };
  const { created, notCreated } = await callWith({ MESSAGES_PER_REQUEST: '' }, 'Email/import', { emails });
  expect([Object.keys(created as object).length, notCreated]).toMatchObject([
    499,
    { wrong: { type: 'invalidProperties', properties: ['blobId'] } },
  ]);
  expect((await client.call('Mailbox/get', { ids: [inbox], properties: ['totalEmails'] })).list).toMatchObject([{ totalEmails: 499 }]);
}, 60_000);

test('what a creation names by blob is told by the blob ids of the new message', async () => {
  const image = await client.upload(new Uint8Array(3000).fill(1), 'image/png');
  const made = (await create({ ...text('x'), attachments: [{ blobId: image, type: 'image/png', name: 'p.png' }] })) as unknown as {
    id: string;
    attachments: { blobId: string; size: number; name: string }[];
    textBody: { partId: string }[];
  };
  expect(made.attachments).toMatchObject([{ size: 3000, name: 'p.png', type: 'image/png' }]);
  expect(made.textBody).toMatchObject([{ partId: '1', type: 'text/plain' }]);
  const { attachments } = await client.email(made.id, { properties: ['attachments'] });
  expect(made.attachments).toEqual(attachments);
  expect(Object.keys((await create(text('x'))) ?? {}).sort()).toEqual(['blobId', 'id', 'size', 'threadId']);
});

test('what is no message is not imported', async () => {
  const blobIds = [await client.upload(''), await client.upload('\x00\x01 not a header'), await client.upload('no header either')];
  const emails = Object.fromEntries(blobIds.map((blobId, index) => [`k${index}`, { blobId, mailboxIds: { [inbox]: true } }]));
  const { created, notCreated } = await client.call('Email/import', { emails });
  expect([created, Object.values(notCreated as Errors).map(({ type }) => type)]).toEqual([
    null,
    ['invalidEmail', 'invalidEmail', 'invalidEmail'],
  ]);
});

test('everything that is wrong with an import is named at once', async () => {
  const { notCreated } = await client.call('Email/import', { emails: { k: { mailboxIds: {}, keywords: [], receivedAt: 1, more: 1 } } });
  expect(notCreated).toMatchObject({
    k: { type: 'invalidProperties', properties: ['blobId', 'mailboxIds', 'keywords', 'receivedAt', 'more'] },
  });
});

test('Thread/get without ids gives every thread while they are few, and is requestTooLarge beyond', async () => {
  const inbox = roles.inbox ?? '';
  const first = await client.import('Message-ID: <1@x>\r\n\r\nx\r\n', inbox);
  const reply = await client.import('Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n\r\nx\r\n', inbox);
  const other = await client.import('Subject: other\r\n\r\nx\r\n', inbox);
  const doomed = await client.import('Subject: doomed\r\n\r\nx\r\n', inbox);
  await client.call('Email/set', { destroy: [doomed.id] });
  const { list, notFound } = await client.call('Thread/get', { ids: null });
  expect(list).toEqual([
    { id: first.threadId, emailIds: [first.id, reply.id] },
    { id: other.threadId, emailIds: [other.id] },
  ]);
  expect(notFound).toEqual([]);
  const { results: columns } = await env.MAIL_0.prepare(
    "SELECT name FROM pragma_table_info('email') WHERE name NOT IN ('key', 'thread')",
  ).run<{
    name: string;
  }>();
  const names = columns.map(({ name }) => name).join(', ');
  await env.MAIL_0.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
     INSERT INTO email (key, thread, ${names}) SELECT key + i, key + i, ${names} FROM n, email WHERE account = ?1 AND key % 4294967296 = ?3`,
  )
    .bind(client.account.id, GET_OBJECTS_MAX - 1, Number(doomed.id.slice(1)))
    .run();
  await env.MAIL_0.prepare('UPDATE email SET live = 1, gone = 0 WHERE account = ?1').bind(client.account.id).run();
  expect(await client.errorOf('Thread/get', { ids: null })).toBe('requestTooLarge');
});

test('what goes beyond the quota of the account is overQuota, message by message', async () => {
  const { id: account, shard } = client.account;
  await setQuota(env, shard, account, 300);
  const small = { mailboxIds: { [drafts]: true }, subject: 'x' };
  const { created, notCreated } = await client.call('Email/set', { create: { a: small, b: { ...small, ...text('x'.repeat(300)) } } });
  expect([Object.keys(created as object), notCreated]).toMatchObject([['a'], { b: { type: 'overQuota' } }]);
});
