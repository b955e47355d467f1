/** Email/set update and destroy, Email/changes and threads, sentence by sentence (RFC 8621 §3, §4.1.1, §4.3, §4.6; RFC 8620 §5.2, §5.3). */
import { beforeEach, describe, expect, test } from 'vitest';
import { MAILBOXES_PER_EMAIL_MAX } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
let roles: Record<string, string>;
let inbox: string;
let archive: string;
beforeEach(async () => {
  client = await makeClient();
  roles = await client.roles();
  inbox = roles.inbox ?? '';
  archive = roles.archive ?? '';
});

const MESSAGE = [
  'From: Ann <ann@x.test>',
  'To: me@x.test',
  'Subject: Hello',
  'Date: Tue, 10 Jul 2018 11:03:11 +1000',
  'Message-ID: <1@x.test>',
  'X-Mine: one',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  '',
  'text',
  '--b',
  'Content-Type: image/png; name=p.png',
  '',
  'png',
  '--b--',
  '',
].join('\r\n');

const receive = (keywords: Json = {}) => client.import(MESSAGE, inbox, { keywords });

/** The SetError of one patch; null when it went through. */
async function refusal(id: string, patch: Json): Promise<Json | null> {
  const { notUpdated, updated } = await client.call('Email/set', { update: { [id]: patch } });
  expect(notUpdated === null).toBe(updated !== null);
  return (notUpdated as Record<string, Json> | null)?.[id] ?? null;
}

const keywordsOf = async (id: string) => Object.keys((await client.email(id, { properties: ['keywords'] })).keywords as Json).sort();
const mailboxesOf = async (id: string) => Object.keys((await client.email(id, { properties: ['mailboxIds'] })).mailboxIds as Json).sort();

describe('keywords', () => {
  const ALLOWED = ['$seen', '$forwarded', 'a', "!#$&'+,-./0123456789:;<=>?@[^_`|}~", 'x'.repeat(255)];

  test.each(ALLOWED)('%s is one, whole or by a path', async (keyword) => {
    const { id } = await receive();
    expect(await refusal(id, { keywords: { [keyword]: true } })).toBeNull();
    expect(await keywordsOf(id)).toEqual([keyword]);
    const path = `keywords/${keyword.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    expect(await refusal(id, { [path]: null })).toBeNull();
    expect(await refusal(id, { [path]: true })).toBeNull();
    expect(await keywordsOf(id)).toEqual([keyword]);
  });

  test.each(['', 'a b', 'a(b', 'a)b', 'a{b', 'a]b', 'a%b', 'a*b', 'a"b', 'a\\b', 'a\u0007b', 'ä', 'x'.repeat(256)])(
    '%j is none',
    async (keyword) => {
      const { id } = await receive({ kept: true });
      for (const patch of [{ keywords: { [keyword]: true } }, { [`keywords/${keyword}`]: true }])
        expect(await refusal(id, patch), JSON.stringify(patch)).toMatchObject({ type: 'invalidProperties', properties: ['keywords'] });
      expect(await refusal(id, { [`keywords/${keyword}`]: null })).toBeNull();
      expect(await keywordsOf(id)).toEqual(['kept']);
    },
  );

  test('are one in any case, and come back in lower case', async () => {
    const { id } = await receive({ $Flagged: true, FOO: true });
    expect(await keywordsOf(id)).toEqual(['$flagged', 'foo']);
    expect(await refusal(id, { 'keywords/$SEEN': true, 'keywords/Foo': null })).toBeNull();
    expect(await keywordsOf(id)).toEqual(['$flagged', '$seen']);
  });

  test.each<[unknown]>([[false], [1], ['true'], [{}], [[]]])('are true, and never %j', async (value) => {
    const { id } = await receive();
    expect(await refusal(id, { 'keywords/a': value })).toMatchObject({ type: 'invalidProperties', properties: ['keywords'] });
    expect(await refusal(id, { keywords: { a: value } })).toMatchObject({ type: 'invalidProperties', properties: ['keywords'] });
    expect(await refusal(id, { keywords: value })).toEqual(
      JSON.stringify(value) === '{}' ? null : expect.objectContaining({ properties: ['keywords'] }),
    );
  });

  test('64 are enough, counted with those that are there', async () => {
    const many = (from: number, to: number) =>
      Object.fromEntries(Array.from({ length: to - from }, (_, index) => [`keywords/k${from + index}`, true]));
    const { id } = await receive();
    expect(await refusal(id, many(0, 64))).toBeNull();
    expect(await refusal(id, many(64, 65))).toMatchObject({ type: 'tooManyKeywords' });
    expect(await refusal(id, { ...many(64, 65), 'keywords/k0': null })).toBeNull();
    expect(await refusal(id, { ...many(65, 66), [`mailboxIds/${archive}`]: true })).toMatchObject({ type: 'tooManyKeywords' });
    expect([(await keywordsOf(id)).length, await mailboxesOf(id)]).toEqual([64, [inbox]]);
  });
});

describe('mailboxIds', () => {
  test('an email is in one mailbox at least', async () => {
    const { id } = await receive();
    for (const patch of [{ [`mailboxIds/${inbox}`]: null }, { mailboxIds: {} }, { mailboxIds: null }])
      expect(await refusal(id, patch)).toMatchObject({ type: 'invalidProperties', properties: ['mailboxIds'] });
    expect(await refusal(id, { [`mailboxIds/${inbox}`]: null, [`mailboxIds/${archive}`]: true })).toBeNull();
    expect(await mailboxesOf(id)).toEqual([archive]);
  });

  test('two clients that each take it out of another one leave it in one', async () => {
    const { id } = await receive();
    await refusal(id, { [`mailboxIds/${archive}`]: true });
    const results = await Promise.all([inbox, archive].map((mailbox) => refusal(id, { [`mailboxIds/${mailbox}`]: null })));
    expect(results.filter((error) => error === null)).toHaveLength(1);
    expect(await mailboxesOf(id)).toHaveLength(1);
  });

  test.each<[Json, string]>([
    [{ 'mailboxIds/F999': true }, 'invalidProperties'],
    [{ 'mailboxIds/M1': true }, 'invalidProperties'],
    [{ 'mailboxIds/#nothing': true }, 'invalidProperties'],
    [{ mailboxIds: { F999: true } }, 'invalidProperties'],
    [{ mailboxIds: ['F1'] }, 'invalidProperties'],
    [{ mailboxIds: 'F1' }, 'invalidProperties'],
    [{ 'mailboxIds/F1': false }, 'invalidProperties'],
    [{ 'mailboxIds/F1/x': true }, 'invalidPatch'],
    [{ mailboxIds: {}, 'mailboxIds/F1': true }, 'invalidPatch'],
  ])('%j is %s', async (patch, type) => {
    const { id } = await receive();
    expect(await refusal(id, { ...patch, 'keywords/a': true })).toMatchObject({ type });
    expect([await mailboxesOf(id), await keywordsOf(id)]).toEqual([[inbox], []]);
  });

  test('it can be taken out of a mailbox it is not in, and of one that is none', async () => {
    const { id } = await receive();
    expect(await refusal(id, { [`mailboxIds/${archive}`]: null, 'mailboxIds/F999': null, 'mailboxIds/x': null })).toBeNull();
    expect(await mailboxesOf(id)).toEqual([inbox]);
  });

  test(`it is in ${MAILBOXES_PER_EMAIL_MAX} at most, counted with those it is in`, async () => {
    const create = Object.fromEntries(Array.from({ length: MAILBOXES_PER_EMAIL_MAX }, (_, index) => [`k${index}`, { name: `B${index}` }]));
    const { created } = await client.call('Mailbox/set', { create });
    const boxes = Object.values(created as Record<string, { id: string }>).map(({ id }) => id);
    const { id } = await receive();
    const add = (ids: string[]) => Object.fromEntries(ids.map((box) => [`mailboxIds/${box}`, true]));
    expect(await refusal(id, add(boxes.slice(1)))).toBeNull();
    expect(await refusal(id, add(boxes.slice(0, 1)))).toMatchObject({ type: 'tooManyMailboxes' });
    expect(await refusal(id, { mailboxIds: Object.fromEntries([inbox, ...boxes].map((box) => [box, true])) })).toMatchObject({
      type: 'tooManyMailboxes',
    });
    expect(await refusal(id, { ...add(boxes.slice(0, 1)), [`mailboxIds/${inbox}`]: null })).toBeNull();
    expect(await mailboxesOf(id)).toEqual([...boxes].sort());
  });
});

describe('what cannot change', () => {
  test('a whole email is a valid patch, however much of it the client had asked for', async () => {
    const { id } = await receive({ a: true });
    for (const args of [
      {},
      { properties: ['bodyStructure', 'headers', 'header:X-Mine', 'header:X-Mine:asText:all', 'header:X-None'] },
      { fetchTextBodyValues: true, bodyProperties: ['partId', 'type', 'header:Content-Type'] },
      { properties: ['bodyStructure'], bodyProperties: ['type', 'subParts', 'headers'] },
    ]) {
      const email = await client.email(id, args);
      expect(await refusal(id, { ...email, keywords: { b: true } }), JSON.stringify(args)).toBeNull();
      expect(await keywordsOf(id)).toEqual(['b']);
    }
  });

  const IMMUTABLE: Json = {
    ...{ id: 'M9', blobId: 'G1', threadId: 'T9', size: 1, receivedAt: '2020-01-01T00:00:00Z', hasAttachment: true, preview: 'x' },
    ...{ messageId: ['2@x.test'], inReplyTo: ['0@x.test'], references: [], sender: [], from: [], to: [], cc: [], bcc: [], replyTo: [] },
    ...{
      subject: 'Bye',
      sentAt: '2020-01-01T00:00:00Z',
      headers: [],
      bodyStructure: {},
      bodyValues: { '9': { value: 'x' } },
      textBody: [],
    },
    ...{ htmlBody: [], attachments: [{}], 'header:X-Mine': 'two', 'header:X-None:asText': 'x', nothing: 1, 'header:From:asDate': null },
  };

  test.each(Object.entries(IMMUTABLE))('%s cannot become %j', async (name, value) => {
    const { id } = await receive();
    const patch = { [name]: value, subject: name === 'subject' ? value : 'Hello', 'keywords/a': true };
    expect(await refusal(id, patch)).toMatchObject({ type: 'invalidProperties', properties: [name] });
    expect(await keywordsOf(id)).toEqual([]);
  });

  test.each<[Json]>([
    [{ 'from/0': {} }],
    [{ 'from/0/name': 'x' }],
    [{ 'subject/x': 1 }],
    [{ 'nothing/x': 1 }],
    [{ 'headers/0/value': 'x' }],
    [{ 'a/b/c/d/e/f/g/h/i': 1 }],
  ])('a pointer into an array or into nothing is no patch: %j', async (patch) => {
    expect(await refusal((await receive()).id, patch)).toMatchObject({ type: 'invalidPatch' });
  });
});

describe('what is not there', () => {
  test.each<[string, Json]>([
    ['M999', { 'keywords/a': true }],
    ['M999', {}],
    ['M999', { subject: 'x' }],
    ['M999', { 'keywords/a b': true }],
    ['M999', { 'mailboxIds/F999': true }],
    ['F1', {}],
    ['nonsense', {}],
    ['#nothing', {}],
  ])('%s with %j is notFound', async (id, patch) => {
    expect(await refusal(id, patch)).toEqual({ type: 'notFound' });
    const { notUpdated, notDestroyed } = await client.call('Email/set', { update: { [id]: patch }, destroy: [id] });
    expect([notUpdated, notDestroyed]).toEqual([{ [id]: { type: 'notFound' } }, { [id]: { type: 'notFound' } }]);
  });

  test('the email of another account is as if there were none', async () => {
    const stranger = await makeClient();
    await stranger.import(MESSAGE, (await stranger.roles()).inbox ?? '');
    const { id } = await stranger.import(MESSAGE, (await stranger.roles()).inbox ?? '');
    expect(await refusal(id, { 'keywords/a': true })).toEqual({ type: 'notFound' });
    expect((await client.call('Email/set', { destroy: [id] })).notDestroyed).toEqual({ [id]: { type: 'notFound' } });
  });
});

test('one call makes, changes and destroys in that order, and says the real ids of what it changed and destroyed', async () => {
  const { id } = await receive();
  const draft = { mailboxIds: { [inbox]: true }, subject: 'x' };
  const answer = await client.call('Email/set', {
    create: { a: draft, b: draft },
    update: { '#a': { 'keywords/new': true }, '#b': { 'keywords/new': true }, [id]: { 'keywords/x': true } },
    destroy: ['#b', id, id],
  });
  const { a, b } = answer.created as Record<string, { id: string }>;
  expect(answer.updated).toEqual({ [a?.id ?? '']: null });
  expect(answer.notUpdated).toEqual({ [b?.id ?? '']: { type: 'willDestroy' }, [id]: { type: 'willDestroy' } });
  expect(answer).toMatchObject({ destroyed: [b?.id, id], notDestroyed: null });
  expect(await keywordsOf(a?.id ?? '')).toEqual(['new']);
});

test('destroying takes an email out of every mailbox it was in', async () => {
  const { id, threadId } = await receive();
  await refusal(id, { [`mailboxIds/${archive}`]: true });
  await client.call('Email/set', { destroy: [id] });
  expect((await client.call('Email/get', { ids: [id] })).notFound).toEqual([id]);
  expect((await client.call('Thread/get', { ids: [threadId] })).notFound).toEqual([threadId]);
  const { list } = await client.call('Mailbox/get', { ids: [inbox, archive], properties: ['totalEmails', 'totalThreads'] });
  expect(list).toEqual([inbox, archive].map((box) => ({ id: box, totalEmails: 0, totalThreads: 0 })));
});

test('a change that changes nothing leaves the states as they were', async () => {
  const { id } = await receive({ a: true });
  const { oldState, newState, updated } = await client.call('Email/set', {
    update: { [id]: { 'keywords/a': true, 'keywords/b': null, [`mailboxIds/${inbox}`]: true } },
  });
  expect([updated, newState]).toEqual([{ [id]: null }, oldState]);
});

describe('changes', () => {
  const stateOf = async (type: string) => String((await client.call(`${type}/get`, { ids: [] })).state);

  /** Everything that pages of `max` tell, and where they end. */
  async function follow(type: string, sinceState: string, max: number) {
    const told = { created: [] as string[], updated: [] as string[], destroyed: [] as string[] };
    let at = sinceState;
    for (let more = true; more; ) {
      const page = (await client.call(`${type}/changes`, { sinceState: at, maxChanges: max })) as typeof told & {
        oldState: string;
        newState: string;
        hasMoreChanges: boolean;
      };
      expect(page.oldState).toBe(at);
      expect(page.created.length + page.updated.length + page.destroyed.length).toBeLessThanOrEqual(max);
      for (const kind of ['created', 'updated', 'destroyed'] as const) told[kind].push(...page[kind]);
      at = page.newState;
      more = page.hasMoreChanges;
    }
    return { ...told, at };
  }

  const letter = (number: number, replyTo?: number) =>
    client.import(`Message-ID: <c${number}@x.test>\r\n${replyTo === undefined ? '' : `In-Reply-To: <c${replyTo}@x.test>\r\n`}\r\nx`, inbox);

  test.each([1, 2, 500])('created, updated and destroyed are apart, each id once, in pages of %i', async (max) => {
    const [kept, doomed, untouched] = [await letter(1), await letter(2), await letter(3)];
    const since = await stateOf('Email');
    const [made, reply] = [await letter(4), await letter(5, 3)];
    const brief = await letter(6);
    await client.call('Email/set', {
      update: { [kept.id]: { 'keywords/a': true }, [made.id]: { 'keywords/a': true } },
      destroy: [doomed.id, brief.id],
    });
    const { at, ...told } = await follow('Email', since, max);
    expect(told).toEqual({
      created: expect.arrayContaining([made.id, reply.id]),
      updated: [kept.id],
      destroyed: expect.arrayContaining([doomed.id]),
    });
    expect([...told.created, ...told.destroyed]).not.toContain(untouched.id);
    expect(told.created).toHaveLength(2);
    expect(told.destroyed.filter((id) => id !== brief.id)).toEqual([doomed.id]);
    expect(at).toBe(await stateOf('Email'));
  });

  test.each([1, 500])('a thread is updated when an email comes or goes, not when one is read, in pages of %i', async (max) => {
    const [first, other, lonely] = [await letter(1), await letter(2), await letter(3)];
    const since = await stateOf('Thread');
    await client.call('Email/set', { update: { [other.id]: { 'keywords/$seen': true } } });
    expect(await stateOf('Thread')).toBe(since);
    const reply = await letter(4, 1);
    const fresh = await letter(5);
    await client.call('Email/set', { destroy: [lonely.id] });
    const { at, ...told } = await follow('Thread', since, max);
    expect(told).toEqual({ created: [fresh.threadId], updated: [first.threadId], destroyed: [lonely.threadId] });
    expect(at).toBe(await stateOf('Thread'));
    const { list } = await client.call('Thread/get', { ids: [first.threadId] });
    expect(list).toEqual([{ id: first.threadId, emailIds: [first.id, reply.id] }]);
  });
});

describe('threads', () => {
  test('list their emails by receivedAt, oldest first, whatever their dates and the order they came in', async () => {
    const letter = (number: number, receivedAt: string, more = '') =>
      client.import(
        `Message-ID: <t${number}@x.test>\r\nReferences: <t0@x.test>\r\nDate: Mon, 0${9 - number} Jan 2023 00:00:00 +0000\r\n\r\n${more}x`,
        inbox,
        { receivedAt },
      );
    const first = await letter(0, '2024-03-01T00:00:00Z');
    const [late, early, same] = [
      await letter(1, '2024-05-01T00:00:00Z'),
      await letter(2, '2024-01-01T00:00:00Z'),
      await letter(3, '2024-05-01T00:00:00Z'),
    ];
    const { list, notFound } = await client.call('Thread/get', { ids: [first.threadId, 'T999', 'M1', first.threadId] });
    expect(list).toEqual([{ id: first.threadId, emailIds: [early.id, first.id, late.id, same.id] }]);
    expect(notFound).toEqual(['T999', 'M1']);
    await client.call('Email/set', { destroy: [first.id] });
    expect((await client.call('Thread/get', { ids: [first.threadId], properties: ['emailIds'] })).list).toEqual([
      { id: first.threadId, emailIds: [early.id, late.id, same.id] },
    ]);
  });

  test.each<[Json, string]>([
    [{ ids: null, properties: ['color'] }, 'invalidArguments'],
    [{ ids: 'T1' }, 'invalidArguments'],
    [{ ids: [1] }, 'invalidArguments'],
    [{ ids: [''] }, 'invalidArguments'],
    [{ properties: 'id' }, 'invalidArguments'],
    [{ ids: [], color: 1 }, 'invalidArguments'],
    [{ ids: Array.from({ length: 501 }, (_, index) => `T${index + 1}`) }, 'requestTooLarge'],
    [{ accountId: 'A999999' }, 'accountNotFound'],
    [{ accountId: null }, 'invalidArguments'],
  ])('%j is %s, of every type', async (args, error) => {
    for (const type of ['Thread', 'Mailbox', 'Email', 'Identity']) expect(await client.errorOf(`${type}/get`, args), type).toBe(error);
  });

  test.each<[Json, string]>([
    [{ create: [] }, 'invalidArguments'],
    [{ create: { 'a b': {} } }, 'invalidArguments'],
    [{ create: { k: null } }, 'invalidArguments'],
    [{ update: { M1: 'x' } }, 'invalidArguments'],
    [{ destroy: 'M1' }, 'invalidArguments'],
    [{ destroy: [null] }, 'invalidArguments'],
    [{ ifInState: 1 }, 'invalidArguments'],
    [{ ifInState: 'nowhere' }, 'stateMismatch'],
    [{ color: 1 }, 'invalidArguments'],
    [{ destroy: Array.from({ length: 501 }, (_, index) => `M${index + 1}`) }, 'requestTooLarge'],
    [{ accountId: 'A999999' }, 'accountNotFound'],
  ])('%j is %s, of every /set', async (args, error) => {
    for (const type of ['Mailbox', 'Email', 'Identity']) expect(await client.errorOf(`${type}/set`, args), type).toBe(error);
  });
});
