import { beforeEach, expect, test } from 'vitest';
import { type Client, makeClient } from './client.ts';

let client: Client;
let roles: Record<string, string>;
beforeEach(async () => {
  client = await makeClient();
  roles = await client.roles();
});

type Created = Record<string, { id: string }>;

async function create(name: string, more: Record<string, unknown> = {}): Promise<string> {
  const { created } = await client.call('Mailbox/set', { create: { k: { name, ...more } } });
  return (created as Created).k?.id ?? '';
}

test('an account is born with its mailboxes, and each has every property', async () => {
  const { list } = await client.call('Mailbox/get', { ids: [roles.inbox] });
  expect(list).toEqual([
    {
      id: roles.inbox,
      name: 'Inbox',
      parentId: null,
      role: 'inbox',
      sortOrder: expect.any(Number),
      totalEmails: 0,
      unreadEmails: 0,
      totalThreads: 0,
      unreadThreads: 0,
      isSubscribed: true,
      myRights: expect.objectContaining({ mayReadItems: true, mayDelete: false, mayRename: false }),
    },
  ]);
  expect(Object.keys(roles).sort()).toEqual(['archive', 'drafts', 'inbox', 'junk', 'sent', 'trash']);
});

test('what is not found is said, and asked properties only are answered', async () => {
  const { list, notFound } = await client.call('Mailbox/get', { ids: [roles.sent, 'F999', 'M1', 'x', roles.sent], properties: ['name'] });
  expect(list).toEqual([{ id: roles.sent, name: 'Sent' }]);
  expect(notFound).toEqual(['F999', 'M1', 'x']);
  expect(await client.errorOf('Mailbox/get', { properties: ['color'] })).toBe('invalidArguments');
  expect(await client.errorOf('Mailbox/get', { ids: Array.from({ length: 501 }, (_, index) => `F${index + 1}`) })).toBe('requestTooLarge');
});

test('a child may be made together with its parent, whatever the order', async () => {
  const { created, notCreated, oldState, newState } = await client.call('Mailbox/set', {
    create: { child: { name: 'Child', parentId: '#parent', sortOrder: 7 }, parent: { name: 'Parent', isSubscribed: false } },
  });
  expect(notCreated).toBeNull();
  expect(newState).not.toBe(oldState);
  const { parent, child } = created as Created;
  expect(child).not.toHaveProperty('name');
  const { list } = await client.call('Mailbox/get', {
    ids: [child?.id, parent?.id],
    properties: ['name', 'parentId', 'sortOrder', 'isSubscribed'],
  });
  expect(list).toEqual(
    expect.arrayContaining([
      { id: child?.id, name: 'Child', parentId: parent?.id, sortOrder: 7, isSubscribed: true },
      { id: parent?.id, name: 'Parent', parentId: null, sortOrder: 0, isSubscribed: false },
    ]),
  );
});

test.each([
  [{}, ['name']],
  [{ name: '' }, ['name']],
  [{ name: 'a/b' }, ['name']],
  [{ name: 'a\u0007' }, ['name']],
  [{ name: 'x'.repeat(256) }, ['name']],
  [{ name: 'Inbox' }, ['name']],
  [{ name: 'inbox' }, ['name']],
  [{ name: 'x', parentId: 'F999' }, ['parentId']],
  [{ name: 'x', parentId: '#none' }, ['parentId']],
  [{ name: 'x', role: 'inbox' }, ['role']],
  [{ name: 'x', role: 'king' }, ['role']],
  [{ name: 'x', sortOrder: -1 }, ['sortOrder']],
  [{ name: 'x', sortOrder: 2 ** 31 }, ['sortOrder']],
  [{ name: 'x', totalEmails: 3, id: 'F1' }, ['totalEmails', 'id']],
])('a mailbox cannot be made from %j', async (record, properties) => {
  const { created, notCreated } = await client.call('Mailbox/set', { create: { k: record } });
  expect(created).toBeNull();
  expect(notCreated).toMatchObject({ k: { type: 'invalidProperties', properties } });
});

test('a mailbox is renamed, moved and given a role, and parents never make a circle', async () => {
  const top = await create('Top');
  const low = await create('Low', { parentId: top });
  const { updated, notUpdated } = await client.call('Mailbox/set', {
    update: {
      [low]: { name: 'Lower', role: 'important', isSubscribed: null },
      [top]: { parentId: low },
      F999: { name: 'x' },
      [roles.inbox ?? '']: { name: 'Mine' },
      [roles.sent ?? '']: { totalEmails: 5 },
      [roles.junk ?? '']: { totalEmails: 0, sortOrder: 3 },
    },
  });
  expect(updated).toEqual({ [low]: null, [roles.junk ?? '']: null });
  expect(notUpdated).toMatchObject({
    [top]: { type: 'invalidProperties', properties: ['parentId'] },
    F999: { type: 'notFound' },
    [roles.inbox ?? '']: { type: 'forbidden' },
    [roles.sent ?? '']: { type: 'invalidProperties', properties: ['totalEmails'] },
  });
  const { list } = await client.call('Mailbox/get', { ids: [low], properties: ['name', 'role', 'parentId', 'isSubscribed'] });
  expect(list).toEqual([{ id: low, name: 'Lower', role: 'important', parentId: top, isSubscribed: true }]);
});

test('destroying asks first whether there are children or mail', async () => {
  const top = await create('Top');
  const low = await create('Low', { parentId: top });
  const first = await client.import('Subject: x\r\n\r\nx\r\n', low);
  const both = await client.import('Subject: y\r\n\r\ny\r\n', low);
  await client.call('Email/set', { update: { [both.id]: { [`mailboxIds/${roles.inbox}`]: true } } });
  const refused = await client.call('Mailbox/set', { destroy: [top, low, 'F999', roles.inbox] });
  expect(refused.destroyed).toBeNull();
  expect(refused.notDestroyed).toMatchObject({
    [low]: { type: 'mailboxHasEmail' },
    [top]: { type: 'mailboxHasChild' },
    F999: { type: 'notFound' },
    [roles.inbox ?? '']: { type: 'forbidden' },
  });
  const { destroyed } = await client.call('Mailbox/set', { destroy: [top, low], onDestroyRemoveEmails: true });
  expect((destroyed as string[]).sort()).toEqual([top, low].sort());
  const { list, notFound } = await client.call('Email/get', { ids: [first.id, both.id], properties: ['mailboxIds'] });
  expect(notFound).toEqual([first.id]);
  expect(list).toEqual([{ id: both.id, mailboxIds: { [roles.inbox ?? '']: true } }]);
});

test('a set in another state than the account is refused whole', async () => {
  expect(await client.errorOf('Mailbox/set', { ifInState: 'nowhere', create: { k: { name: 'x' } } })).toBe('stateMismatch');
  const { list } = await client.call('Mailbox/get', { ids: null });
  expect(list).toHaveLength(6);
});

test('queries filter, sort and walk the tree', async () => {
  const top = await create('Aa');
  const low = await create('Ab', { parentId: top });
  const other = await create('Ac', { isSubscribed: false });
  const names = async (args: Record<string, unknown>) => {
    const { ids } = await client.call('Mailbox/query', { sort: [{ property: 'name' }], ...args });
    return ids;
  };
  expect(await names({ filter: { name: 'a', hasAnyRole: false } })).toEqual([top, low, other]);
  expect(await names({ filter: { parentId: top } })).toEqual([low]);
  expect(await names({ filter: { parentId: null, hasAnyRole: false } })).toEqual([top, other]);
  expect(await names({ filter: { role: 'sent' } })).toEqual([roles.sent]);
  expect(await names({ filter: { isSubscribed: false } })).toEqual([other]);
  expect(await names({ filter: { operator: 'NOT', conditions: [{ hasAnyRole: true }, { name: 'ab' }] } })).toEqual([top, other]);
  expect(await names({ filter: { name: 'ab' }, filterAsTree: true })).toEqual([]);
  expect(await names({ filter: { hasAnyRole: false }, sort: [{ property: 'name', isAscending: false }], sortAsTree: true })).toEqual([
    other,
    top,
    low,
  ]);
  expect(await names({ filter: { hasAnyRole: false }, limit: 1, position: 1 })).toEqual([low]);
  expect(await client.call('Mailbox/query', { filter: { hasAnyRole: false }, calculateTotal: true })).toMatchObject({
    total: 3,
    position: 0,
  });
  expect(await client.errorOf('Mailbox/query', { filter: { color: 1 } })).toBe('unsupportedFilter');
  expect(await client.errorOf('Mailbox/query', { sort: [{ property: 'totalEmails' }] })).toBe('unsupportedSort');
  expect(await client.errorOf('Mailbox/query', { anchor: 'F999' })).toBe('anchorNotFound');
});

test('changes say when only counts moved', async () => {
  const { state } = await client.call('Mailbox/get', { ids: null });
  await client.import('Subject: x\r\n\r\nx\r\n', roles.inbox ?? '');
  const counts = await client.call('Mailbox/changes', { sinceState: state });
  expect(counts).toMatchObject({ oldState: state, created: [], updated: [roles.inbox], destroyed: [], hasMoreChanges: false });
  expect(counts.updatedProperties).toEqual(['totalEmails', 'unreadEmails', 'totalThreads', 'unreadThreads']);
  const made = await create('New');
  expect(await client.call('Mailbox/changes', { sinceState: counts.newState })).toMatchObject({
    created: [made],
    updated: [],
    updatedProperties: null,
  });
  expect(await client.errorOf('Mailbox/changes', { sinceState: 'nonsense' })).toBe('cannotCalculateChanges');
  expect(await client.errorOf('Mailbox/changes', { sinceState: state, maxChanges: 0 })).toBe('invalidArguments');
});

async function standing(ids: string[]): Promise<unknown> {
  const { list } = await client.call('Mailbox/get', { ids, properties: ['name', 'role', 'parentId'] });
  return (list as { id: string }[]).sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
}

test('names and roles are exchanged within one call, because only the final state must be valid', async () => {
  const [red, blue, green] = [await create('Red', { role: 'important' }), await create('Blue'), await create('Green')];
  const around = { [red]: { name: 'Blue', role: null }, [blue]: { name: 'Green', role: 'important' }, [green]: { name: 'Red' } };
  expect(await client.call('Mailbox/set', { update: around })).toMatchObject({
    updated: { [red]: null, [blue]: null, [green]: null },
    notUpdated: null,
  });
  expect(await standing([red, blue, green])).toEqual([
    { id: red, name: 'Blue', role: null, parentId: null },
    { id: blue, name: 'Green', role: 'important', parentId: null },
    { id: green, name: 'Red', role: null, parentId: null },
  ]);
});

test('parent and child change places within one call', async () => {
  const top = await create('Top');
  const low = await create('Low', { parentId: top });
  await client.call('Mailbox/set', { update: { [top]: { parentId: low }, [low]: { parentId: null } } });
  expect(await standing([top, low])).toMatchObject([{ parentId: low }, { parentId: null }]);
});

test('of changes whose final state is not valid, those that can be are made and the others refused', async () => {
  const [red, blue] = [await create('Red'), await create('Blue')];
  const inbox = roles.inbox ?? '';
  const update = { [red]: { name: 'Blue' }, [blue]: { name: 'Inbox' }, [inbox]: { name: 'Red' } };
  const answer = await client.call('Mailbox/set', { update });
  expect(answer.updated).toBeNull();
  expect(answer.notUpdated).toMatchObject({ [red]: { type: 'invalidProperties' }, [blue]: { type: 'invalidProperties' }, [inbox]: {} });
  expect(await standing([red, blue, inbox])).toMatchObject([{ name: 'Red' }, { name: 'Blue' }, { name: 'Inbox', role: 'inbox' }]);
  const other = await client.call('Mailbox/set', { update: { [red]: { name: 'Same' }, [blue]: { name: 'Same' } } });
  expect(other).toMatchObject({ updated: { [red]: null }, notUpdated: { [blue]: { type: 'invalidProperties', properties: ['name'] } } });
});

test('a name is free for others in the call that destroys or renames its mailbox', async () => {
  const [old, doomed, next] = [await create('Old'), await create('Doomed'), await create('Next')];
  const answer = await client.call('Mailbox/set', {
    create: { fresh: { name: 'Old' }, child: { name: 'Child', parentId: '#fresh' } },
    update: { [next]: { name: 'Doomed' }, [old]: { name: 'Older' } },
    destroy: [doomed],
  });
  expect(answer).toMatchObject({ notCreated: null, notUpdated: null, notDestroyed: null, destroyed: [doomed] });
  const { fresh, child } = answer.created as Created;
  expect(await standing([old, next, fresh?.id ?? '', child?.id ?? ''])).toMatchObject([
    { name: 'Older' },
    { name: 'Doomed' },
    { name: 'Old' },
    { name: 'Child', parentId: fresh?.id },
  ]);
});

test('a name that was normalised is told to the client, and so is what it left out', async () => {
  const made = await client.call('Mailbox/set', { create: { k: { name: 'Cafe\u0301', isSubscribed: false } } });
  const { k } = made.created as Record<string, Record<string, unknown>>;
  expect(k).toMatchObject({ name: 'Caf\u00e9', parentId: null, role: null, sortOrder: 0 });
  expect(k).not.toHaveProperty('isSubscribed');
  const id = String(k?.id);
  const { updated } = await client.call('Mailbox/set', { update: { [id]: { name: 'The\u0301' } } });
  expect(updated).toEqual({ [id]: { name: 'Th\u00e9' } });
});
