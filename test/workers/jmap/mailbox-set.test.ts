/** Mailbox/set and /changes, sentence by sentence (RFC 8621 §2, §2.2, §2.5; RFC 8620 §5.2, §5.3). What mailbox.test.ts tells as stories stands here as tables. */
import { beforeEach, describe, expect, test } from 'vitest';
import { MAILBOX_DEPTH_MAX } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { ROLES } from '../../../shared/roles.ts';
import { Client, makeClient } from './client.ts';

let client: Client;
let roles: Record<string, string>;
beforeEach(async () => {
  client = await makeClient();
  roles = await client.roles();
});

const inbox = () => roles.inbox ?? '';

async function make(name: string, more: Json = {}): Promise<string> {
  const { created, notCreated } = await client.call('Mailbox/set', { create: { k: { name, ...more } } });
  expect(notCreated).toBeNull();
  return (created as Record<string, { id: string }>).k?.id ?? '';
}

async function look(id: string, properties: string[] | null = null): Promise<Json> {
  const { list } = await client.call('Mailbox/get', { ids: [id], properties });
  return (list as Json[])[0] ?? {};
}

/** The SetError of one patch; null when it went through. */
async function refusal(id: string, patch: Json): Promise<Json | null> {
  const { notUpdated } = await client.call('Mailbox/set', { update: { [id]: patch } });
  return (notUpdated as Record<string, Json> | null)?.[id] ?? null;
}

const ALL_RIGHTS = {
  ...{ mayReadItems: true, mayAddItems: true, mayRemoveItems: true, maySetSeen: true, maySetKeywords: true },
  ...{ mayCreateChild: true, mayRename: true, mayDelete: true, maySubmit: true },
};

test('a new mailbox has the defaults of the RFC, and the client is told all it did not send', async () => {
  const { created } = await client.call('Mailbox/set', { create: { k: { name: 'New' } } });
  const { k } = created as Record<string, Json>;
  const counts = { totalEmails: 0, unreadEmails: 0, totalThreads: 0, unreadThreads: 0 };
  const rest = { parentId: null, role: null, sortOrder: 0, ...counts, myRights: ALL_RIGHTS, isSubscribed: true };
  expect(k).toEqual({ id: k?.id, ...rest });
  expect(await look(String(k?.id))).toEqual({ id: k?.id, name: 'New', ...rest });
});

test('the rights say what can be done: all, but the Inbox stays where it is', async () => {
  for (const [role, id] of Object.entries(roles)) {
    const fixed = role === 'inbox';
    expect((await look(id)).myRights, role).toEqual({ ...ALL_RIGHTS, mayRename: !fixed, mayDelete: !fixed });
  }
  const box = await make('Mine', { isSubscribed: false });
  expect((await look(box)).myRights).toEqual(ALL_RIGHTS);
  for (const patch of [{ name: 'Post' }, { parentId: box }, { role: null }, { role: 'important' }])
    expect(await refusal(inbox(), patch), JSON.stringify(patch)).toMatchObject({ type: 'forbidden' });
  expect(await refusal(inbox(), { sortOrder: 4, isSubscribed: false, name: 'Inbox', role: 'inbox', parentId: null })).toBeNull();
  expect(await look(inbox(), ['sortOrder', 'isSubscribed'])).toEqual({ id: inbox(), sortOrder: 4, isSubscribed: false });
});

describe('server-set properties', () => {
  const SERVER_SET = ['id', 'totalEmails', 'unreadEmails', 'totalThreads', 'unreadThreads', 'myRights'];

  test.each(SERVER_SET)('%s cannot be created, may be sent back as it is, and not otherwise', async (name) => {
    const id = await make('Box');
    const whole = await look(id);
    const { notCreated } = await client.call('Mailbox/set', { create: { k: { name: 'Other', [name]: whole[name] } } });
    expect(notCreated).toMatchObject({ k: { type: 'invalidProperties', properties: [name] } });
    expect(await refusal(id, { [name]: whole[name] })).toBeNull();
    const other = name === 'id' ? 'F999' : name === 'myRights' ? { ...ALL_RIGHTS, mayDelete: false } : 7;
    for (const value of [other, null])
      expect(await refusal(id, { [name]: value })).toMatchObject({ type: 'invalidProperties', properties: [name] });
  });

  test('a whole mailbox is a valid patch, whatever the order of its names', async () => {
    const id = await make('Box', { sortOrder: 3 });
    const whole = await look(id);
    const reversed = Object.fromEntries(Object.entries(whole.myRights as Json).reverse());
    expect(await refusal(id, { ...whole, myRights: reversed, name: 'Renamed' })).toBeNull();
    expect(await look(id)).toEqual({ ...whole, name: 'Renamed' });
    expect(await refusal(id, { 'myRights/mayDelete': true })).toBeNull();
    expect(await refusal(id, { 'myRights/mayDelete': false })).toMatchObject({ type: 'invalidProperties', properties: ['myRights'] });
  });
});

test('null sets the default where there is one', async () => {
  const top = await make('Top');
  const id = await make('Box', { parentId: top, role: 'important', sortOrder: 9, isSubscribed: false });
  expect(await refusal(id, { parentId: null, role: null, sortOrder: null, isSubscribed: null })).toBeNull();
  expect(await look(id)).toMatchObject({ parentId: null, role: null, sortOrder: 0, isSubscribed: true });
  expect(await refusal(id, { name: null })).toMatchObject({ type: 'invalidProperties', properties: ['name'] });
});

describe('names', () => {
  test.each<[string, unknown]>([
    ['empty', ''],
    ['of spaces only', '  '],
    ['with a slash, which IMAP would take apart', 'a/b'],
    ['with a line break', 'a\nb'],
    ['with a NUL', 'a\0b'],
    ['with a control character of Latin-1', 'a\u0085b'],
    ['with a line separator', 'a\u2028b'],
    ['of 256 octets', 'é'.repeat(128)],
    ['that is no string', 7],
    ['that is another Inbox', 'iNBOX'],
    ['that a sibling has', 'Sent'],
  ])('%s is refused', async (_what, name) => {
    const { notCreated } = await client.call('Mailbox/set', { create: { k: { name } } });
    expect(notCreated).toMatchObject({ k: { type: 'invalidProperties', properties: ['name'] } });
    const id = await make('Box');
    expect(await refusal(id, { name })).toMatchObject({ type: 'invalidProperties', properties: ['name'] });
    expect(await look(id, ['name'])).toEqual({ id, name: 'Box' });
  });

  test('of 255 octets, of any script, and of a sibling in another case are fine', async () => {
    for (const name of ['é'.repeat(127), '收件箱 📬', 'sent', 'a\\b', '#x', 'Inbox.old'])
      expect(await look(await make(name), ['name'])).toMatchObject({ name });
    const parent = await make('Parent');
    expect(await look(await make('Sent', { parentId: parent }), ['name'])).toMatchObject({ name: 'Sent' });
    expect(await look(await make('Inbox', { parentId: parent }), ['name'])).toMatchObject({ name: 'Inbox' });
  });

  test('that are one in NFC are the same name', async () => {
    await make('Caf\u00e9');
    const { notCreated } = await client.call('Mailbox/set', { create: { k: { name: 'Cafe\u0301' } } });
    expect(notCreated).toMatchObject({ k: { type: 'invalidProperties', properties: ['name'] } });
  });

  test('are given once, however many ask at the same time', async () => {
    const other = new Client(client.account, client.authorization.slice('Bearer '.length));
    const answers = await Promise.all(
      [client, other].map((each) => each.call('Mailbox/set', { create: { k: { name: 'Race', role: 'important' } } })),
    );
    expect(answers.filter(({ created }) => created !== null)).toHaveLength(1);
    const { list } = await client.call('Mailbox/get', { ids: null, properties: ['name'] });
    expect((list as Json[]).filter(({ name }) => name === 'Race')).toHaveLength(1);
  });
});

describe('roles', () => {
  test.each(ROLES.filter((role) => !['inbox', 'drafts', 'sent', 'archive', 'junk', 'trash'].includes(role)))(
    '%s can be given',
    async (role) => {
      expect(await look(await make('Box', { role }), ['role'])).toMatchObject({ role });
    },
  );

  test.each<[unknown]>([['inbox'], ['sent'], ['Important'], ['king'], [''], [7], [['trash']]])(
    '%j cannot be given to a new one',
    async (role) => {
      const { notCreated } = await client.call('Mailbox/set', { create: { k: { name: 'Box', role } } });
      expect(notCreated).toMatchObject({ k: { type: 'invalidProperties', properties: ['role'] } });
    },
  );

  test('move from one mailbox to another within a call', async () => {
    const box = await make('Box');
    const { updated } = await client.call('Mailbox/set', { update: { [box]: { role: 'trash' }, [roles.trash ?? '']: { role: null } } });
    expect(Object.keys(updated as Json)).toHaveLength(2);
    expect([await look(box, ['role']), await look(roles.trash ?? '', ['role'])]).toMatchObject([{ role: 'trash' }, { role: null }]);
  });
});

describe('sortOrder and isSubscribed', () => {
  test.each<[string, unknown]>([
    ['sortOrder', -1],
    ['sortOrder', 1.5],
    ['sortOrder', 2 ** 31],
    ['sortOrder', '1'],
    ['isSubscribed', 'yes'],
    ['isSubscribed', 0],
    ['parentId', 7],
    ['parentId', 'M1'],
    ['parentId', 'F999'],
    ['parentId', '#nothing'],
    ['color', 'red'],
  ])('%s cannot be %j', async (name, value) => {
    const { notCreated } = await client.call('Mailbox/set', { create: { k: { name: 'Box', [name]: value } } });
    expect(notCreated).toMatchObject({ k: { type: 'invalidProperties', properties: [name] } });
    expect(await refusal(roles.sent ?? '', { [name]: value })).toMatchObject({ type: 'invalidProperties', properties: [name] });
  });

  test('all that is wrong with a record is told at once', async () => {
    const { notCreated } = await client.call('Mailbox/set', { create: { k: { name: '', role: 'king', sortOrder: -1, id: 'F9' } } });
    const { k } = notCreated as Record<string, { properties: string[] }>;
    expect(k?.properties.sort()).toEqual(['id', 'name', 'role', 'sortOrder']);
  });

  test('the largest sortOrder stays', async () => {
    expect(await look(await make('Box', { sortOrder: 2 ** 31 - 1 }), ['sortOrder'])).toMatchObject({ sortOrder: 2 ** 31 - 1 });
  });
});

describe('patches', () => {
  test.each<[Json, string]>([
    [{ 'name/x': 'y' }, 'invalidPatch'],
    [{ 'nothing/x': 'y' }, 'invalidPatch'],
    [{ 'role/0': 'y' }, 'invalidPatch'],
    [{ myRights: {}, 'myRights/mayDelete': true }, 'invalidPatch'],
    [{ 'a/b/c/d/e/f/g/h/i/j': 1 }, 'invalidPatch'],
    [{ '': 1 }, 'invalidProperties'],
    [{ __proto__x: 1 }, 'invalidProperties'],
  ])('%j is %s', async (patch, type) => {
    expect(await refusal(roles.sent ?? '', patch)).toMatchObject({ type });
  });

  test('nothing of a record is changed when a part of it cannot be', async () => {
    expect(await refusal(roles.sent ?? '', { sortOrder: 9, name: 'Junk' })).toMatchObject({ properties: ['name'] });
    expect(await look(roles.sent ?? '', ['name', 'sortOrder'])).not.toMatchObject({ sortOrder: 9 });
  });

  test('an empty patch changes nothing, the state neither', async () => {
    const { oldState, newState, updated } = await client.call('Mailbox/set', { update: { [inbox()]: {} } });
    expect([updated, newState]).toEqual([{ [inbox()]: null }, oldState]);
  });
});

describe('the tree', () => {
  test('a mailbox is not its own ancestor, near or far', async () => {
    const a = await make('A');
    const b = await make('B', { parentId: a });
    const c = await make('C', { parentId: b });
    for (const parentId of [a, b, c])
      expect(await refusal(a, { parentId })).toMatchObject({ type: 'invalidProperties', properties: ['parentId'] });
    expect(await refusal(c, { parentId: a })).toBeNull();
    const around = { [a]: { parentId: b }, [b]: { parentId: c }, [c]: { parentId: a } };
    const { updated } = await client.call('Mailbox/set', { update: around });
    expect(updated === null || Object.keys(updated as Json).length < 3).toBe(true);
  });

  test('it is as deep as announced, and no branch is moved deeper', async () => {
    const create = Object.fromEntries(
      Array.from({ length: MAILBOX_DEPTH_MAX + 1 }, (_, level) => [
        `l${level}`,
        { name: `L${level}`, parentId: level === 0 ? null : `#l${level - 1}` },
      ]),
    );
    const { created, notCreated } = await client.call('Mailbox/set', { create });
    expect(Object.keys(created as Json)).toHaveLength(MAILBOX_DEPTH_MAX);
    expect(notCreated).toMatchObject({ [`l${MAILBOX_DEPTH_MAX}`]: { type: 'invalidProperties', properties: ['parentId'] } });
    const { l0 } = created as Record<string, { id: string }>;
    expect(await refusal(l0?.id ?? '', { parentId: await make('Above') })).toMatchObject({
      type: 'invalidProperties',
      properties: ['parentId'],
    });
  });

  test('what is made in a call is named by it: as parent, as what is changed, as what is destroyed', async () => {
    const old = await make('Old');
    const answer = await client.call('Mailbox/set', {
      create: { b: { name: 'B', parentId: '#a' }, a: { name: 'A' }, gone: { name: 'Gone' } },
      update: { '#b': { sortOrder: 5 }, [old]: { parentId: '#a' } },
      destroy: ['#gone'],
    });
    const { a, b, gone } = answer.created as Record<string, { id: string }>;
    expect(answer).toMatchObject({ destroyed: [gone?.id], notCreated: null, notUpdated: null });
    expect(answer.updated).toEqual({ [b?.id ?? '']: null, [old]: null });
    expect([await look(b?.id ?? '', ['sortOrder', 'parentId']), await look(old, ['parentId'])]).toMatchObject([
      { sortOrder: 5, parentId: a?.id },
      { parentId: a?.id },
    ]);
  });

  test('a mailbox goes into one that takes a name which the call itself sets free', async () => {
    const [old, moved] = [await make('Name'), await make('Moved')];
    const answer = await client.call('Mailbox/set', {
      create: { fresh: { name: 'Name' } },
      update: { [moved]: { parentId: '#fresh' }, [old]: { name: 'Former' } },
    });
    const { fresh } = answer.created as Record<string, { id: string }>;
    expect(answer).toMatchObject({ notCreated: null, notUpdated: null });
    expect(await look(moved, ['parentId'])).toEqual({ id: moved, parentId: fresh?.id });
  });
});

describe('destroying', () => {
  test.each([[false], [true]])('a branch goes in one call, whatever the order (reversed: %j)', async (reversed) => {
    const a = await make('A');
    const b = await make('B', { parentId: a });
    const c = await make('C', { parentId: b });
    const ids = reversed ? [c, b, a] : [a, b, c];
    expect(await client.call('Mailbox/set', { destroy: a ? [a] : [] })).toMatchObject({
      notDestroyed: { [a]: { type: 'mailboxHasChild' } },
    });
    const { destroyed } = await client.call('Mailbox/set', { destroy: ids });
    expect((destroyed as string[]).sort()).toEqual([a, b, c].sort());
  });

  test('what is changed and destroyed in one call is only destroyed', async () => {
    const id = await make('Box');
    expect(await client.call('Mailbox/set', { update: { [id]: { name: 'New' } }, destroy: [id] })).toMatchObject({
      notUpdated: { [id]: { type: 'willDestroy' } },
      destroyed: [id],
    });
    const again = await client.call('Mailbox/set', { destroy: [id, 'nonsense'], update: { [id]: {} } });
    expect(again).toMatchObject({
      notDestroyed: { [id]: { type: 'notFound' }, nonsense: { type: 'notFound' } },
      notUpdated: { [id]: { type: 'notFound' } },
    });
  });

  test('what only a child keeps from going goes when the child is moved away in the same call', async () => {
    const a = await make('A');
    const b = await make('B', { parentId: a });
    expect(await client.call('Mailbox/set', { update: { [b]: { parentId: null } }, destroy: [a] })).toMatchObject({
      destroyed: [a],
      updated: { [b]: null },
    });
  });

  test('with onDestroyRemoveEmails false, which is the default, mail stays where it is', async () => {
    const box = await make('Box');
    const { id } = await client.import('Subject: x\r\n\r\nx', box);
    for (const more of [{}, { onDestroyRemoveEmails: false }])
      expect(await client.call('Mailbox/set', { destroy: [box], ...more })).toMatchObject({
        notDestroyed: { [box]: { type: 'mailboxHasEmail' } },
      });
    expect(await client.errorOf('Mailbox/set', { destroy: [box], onDestroyRemoveEmails: 'yes' })).toBe('invalidArguments');
    expect(await client.email(id, { properties: ['mailboxIds'] })).toMatchObject({ mailboxIds: { [box]: true } });
  });
});

describe('changes', () => {
  const COUNTS = ['totalEmails', 'unreadEmails', 'totalThreads', 'unreadThreads'];
  const state = async () => String((await client.call('Mailbox/get', { ids: [] })).state);
  const since = (sinceState: unknown, more: Json = {}) => client.call('Mailbox/changes', { sinceState, ...more });

  test('updatedProperties is null as soon as one mailbox changed in more than counts', async () => {
    const before = await state();
    const { id } = await client.import('Subject: x\r\n\r\nx', inbox());
    expect((await since(before)).updatedProperties).toEqual(COUNTS);
    await client.call('Email/set', { update: { [id]: { 'keywords/$seen': true } } });
    const read = await state();
    expect((await since(before)).updatedProperties).toEqual(COUNTS);
    await client.call('Mailbox/set', { update: { [roles.sent ?? '']: { sortOrder: 33 } } });
    expect(await since(before)).toMatchObject({ updatedProperties: null });
    expect(await since(read)).toMatchObject({ updated: [roles.sent], updatedProperties: null });
    expect(await since(await state())).toMatchObject({ created: [], updated: [], destroyed: [], updatedProperties: null });
  });

  test('a client asks for just the counts by a back-reference', async () => {
    const before = await state();
    await client.import('Subject: x\r\n\r\nx', inbox());
    const from = (path: string) => ({ resultOf: 'c0', name: 'Mailbox/changes', path });
    const { methodResponses } = await client.request([
      ['Mailbox/changes', { sinceState: before }],
      ['Mailbox/get', { '#ids': from('/updated'), '#properties': from('/updatedProperties') }],
    ]);
    expect(methodResponses[1]?.[1].list).toEqual([{ id: inbox(), totalEmails: 1, unreadEmails: 1, totalThreads: 1, unreadThreads: 1 }]);
  });

  test('page by page each id is told once, and what came and went not at all', async () => {
    const [kept, doomed] = [await make('Kept'), await make('Doomed')];
    const before = await state();
    const made = await make('Made');
    const brief = await make('Brief');
    await client.call('Mailbox/set', { update: { [kept]: { name: 'Changed' }, [made]: { name: 'Made again' } }, destroy: [doomed, brief] });
    const told = { created: [] as unknown[], updated: [] as unknown[], destroyed: [] as unknown[] };
    let at: unknown = before;
    for (let more: unknown = true; more; ) {
      const page = await since(at, { maxChanges: 1 });
      const ids = ['created', 'updated', 'destroyed'].flatMap((kind) => page[kind] as unknown[]);
      expect([page.oldState, ids.length <= 1]).toEqual([at, true]);
      for (const kind of ['created', 'updated', 'destroyed'] as const) told[kind].push(...(page[kind] as unknown[]));
      at = page.newState;
      more = page.hasMoreChanges;
    }
    expect(told).toMatchObject({ created: [made], updated: [kept] });
    expect(told.destroyed.filter((id) => id !== brief)).toEqual([doomed]);
    expect(at).toBe(await state());
    expect(await since(before)).toMatchObject({ created: [made], updated: [kept], destroyed: [doomed], hasMoreChanges: false });
  });

  test.each<[Json, string]>([
    [{ sinceState: 'nonsense' }, 'cannotCalculateChanges'],
    [{ sinceState: '' }, 'cannotCalculateChanges'],
    [{ sinceState: '999999999' }, 'cannotCalculateChanges'],
    [{ sinceState: '1-2-3-4' }, 'cannotCalculateChanges'],
    [{ sinceState: 1 }, 'invalidArguments'],
    [{}, 'invalidArguments'],
    [{ sinceState: '1', maxChanges: 0 }, 'invalidArguments'],
    [{ sinceState: '1', maxChanges: -1 }, 'invalidArguments'],
    [{ sinceState: '1', maxChanges: 1.5 }, 'invalidArguments'],
    [{ sinceState: '1', maxChanges: '5' }, 'invalidArguments'],
    [{ sinceState: '1', color: 1 }, 'invalidArguments'],
  ])('%j is %s, of every type', async (args, error) => {
    for (const type of ['Mailbox', 'Thread', 'Email', 'Identity']) expect(await client.errorOf(`${type}/changes`, args), type).toBe(error);
  });
});

test('ifInState holds when two write at the same time: one is made, one told', async () => {
  const { state } = await client.call('Mailbox/get', { ids: [] });
  const answers = await Promise.all(
    ['One', 'Two'].map((name) => client.request([['Mailbox/set', { ifInState: state, create: { k: { name } } }]])),
  );
  expect(answers.map(({ methodResponses }) => methodResponses[0]?.[1].type ?? 'made').sort()).toEqual(['made', 'stateMismatch']);
});
