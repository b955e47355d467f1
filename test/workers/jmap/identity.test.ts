/** Identity/set (RFC 8621 §6.3): who may write as whom, and what of an identity can change. */
import { env } from 'cloudflare:test';
import { beforeEach, expect, test } from 'vitest';
import type { Json } from '../../../shared/jmap/errors.ts';
import { makeAlias } from '../../support/directory.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
let me: string;
let own: string;
beforeEach(async () => {
  client = await makeClient();
  me = client.account.address;
  own = String((await list())[0]?.id);
});

async function list(): Promise<Json[]> {
  return (await client.call('Identity/get', { ids: null })).list as Json[];
}

async function made(record: Json): Promise<Json> {
  const { created, notCreated } = await client.call('Identity/set', { create: { k: record } });
  expect(notCreated).toBeNull();
  return (created as Record<string, Json>).k ?? {};
}

test('a second identity of an address is made, changed and destroyed', async () => {
  const { state } = await client.call('Identity/get', { ids: [] });
  const bcc = [{ name: null, email: 'archive@elsewhere.test' }];
  const k = await made({ name: 'Work', email: me.toUpperCase(), bcc, textSignature: '-- \nMe' });
  expect(k).toEqual({ id: k.id, email: me, replyTo: null, htmlSignature: '', mayDelete: true });
  const id = String(k.id);
  const update = { [id]: { name: '工作', bcc: null, replyTo: [{ name: 'Desk', email: me }], email: me } };
  expect((await client.call('Identity/set', { update })).updated).toEqual({ [id]: null });
  expect((await list()).at(-1)).toEqual({
    id,
    name: '工作',
    email: me,
    replyTo: [{ name: 'Desk', email: me }],
    bcc: null,
    textSignature: '-- \nMe',
    htmlSignature: '',
    mayDelete: true,
  });
  expect(await client.call('Identity/changes', { sinceState: state })).toMatchObject({ created: [id], destroyed: [] });
  expect((await client.call('Identity/set', { destroy: [id] })).destroyed).toEqual([id]);
  expect(await list()).toHaveLength(1);
});

test('an identity is made for an alias with a detail, and for no address of somebody else', async () => {
  const alias = `desk-${client.account.id}@example.test`;
  await makeAlias(env, alias, client.account.id);
  expect((await made({ email: alias.replace('@', '+news@') })).mayDelete).toBe(true);
  const stranger = (await makeClient()).account.address;
  const { notCreated } = await client.call('Identity/set', {
    create: { a: { email: stranger }, b: { email: 'x@elsewhere.test' } },
  });
  expect(notCreated).toMatchObject({ a: { type: 'forbiddenFrom' }, b: { type: 'forbiddenFrom' } });
});

test.each<[Json, string[]]>([
  [{}, ['email']],
  [{ email: 'nobody' }, ['email']],
  [{ email: 'a@example.test', name: 'two\r\nlines' }, ['name']],
  [{ email: 'a@example.test', id: 'I9', mayDelete: true, color: 1 }, ['id', 'mayDelete', 'color']],
  [{ email: 'a@example.test', bcc: [{ email: 'a, b@x.test' }], replyTo: 'me' }, ['bcc', 'replyTo']],
  [{ email: 'a@example.test', textSignature: 'x'.repeat(70_000), htmlSignature: 7 }, ['textSignature', 'htmlSignature']],
])('an identity cannot be made from what is malformed (%#)', async (record, properties) => {
  const { notCreated } = await client.call('Identity/set', { create: { k: record } });
  const error = (notCreated as Record<string, { type: string; properties: string[] }>).k;
  expect(error?.type).toBe('invalidProperties');
  expect(error?.properties.sort()).toEqual(properties.sort());
});

test('what cannot change or go is refused record by record', async () => {
  const update = { [own]: { email: 'new@example.test', mayDelete: true }, I999: { name: 'x' }, M1: { name: 'x' } };
  const { updated, notUpdated } = await client.call('Identity/set', { update });
  expect(updated).toBeNull();
  expect(notUpdated).toMatchObject({
    [own]: { type: 'invalidProperties', properties: ['email', 'mayDelete'] },
    I999: { type: 'notFound' },
    M1: { type: 'notFound' },
  });
  const { destroyed, notDestroyed } = await client.call('Identity/set', { destroy: [own, 'I999'] });
  expect(destroyed).toBeNull();
  expect(notDestroyed).toMatchObject({ [own]: { type: 'forbidden' }, I999: { type: 'notFound' } });
  expect((await client.call('Identity/set', { update: { I999: {} }, destroy: ['I999'] })).notUpdated).toMatchObject({
    I999: { type: 'notFound' },
  });
  expect(await client.errorOf('Identity/set', { ifInState: 'nowhere', destroy: [own] })).toBe('stateMismatch');
  expect(await list()).toMatchObject([{ id: own, email: me, mayDelete: false }]);
});

test('many records are one call, and beyond the limit it is overQuota', async () => {
  const create = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`k${index}`, { email: me, name: `n${index}` }]));
  const answer = await client.call('Identity/set', { create });
  const created = answer.created as Record<string, { id: string }>;
  expect(Object.keys(created)).toHaveLength(99);
  expect(answer.notCreated).toMatchObject({ k99: { type: 'overQuota' }, k100: { type: 'overQuota' } });
  const all = await list();
  expect(all.find(({ id }) => id === created.k42?.id)).toMatchObject({ name: 'n42', email: me });
  const ids = Object.values(created).map(({ id }) => id);
  const update = Object.fromEntries(ids.slice(0, 50).map((id, index) => [id, { name: `new ${index}` }]));
  const changed = await client.call('Identity/set', { update, destroy: ids.slice(50) });
  expect([Object.keys(changed.updated as object).length, changed.destroyed]).toEqual([50, ids.slice(50)]);
  expect((await list()).map(({ name }) => name)).toEqual([all[0]?.name, ...ids.slice(0, 50).map((_, index) => `new ${index}`)]);
});

test('one call makes, changes and destroys in that order, and names what it made', async () => {
  const first = String((await made({ email: me, name: 'first' })).id);
  const answer = await client.call('Identity/set', {
    create: { a: { email: me, name: 'a' }, b: { email: me } },
    update: { '#a': { name: 'A' }, [first]: { name: 'gone' } },
    destroy: ['#b', first],
  });
  const { a, b } = answer.created as Record<string, { id: string }>;
  expect(answer).toMatchObject({ notUpdated: { [first]: { type: 'willDestroy' } }, destroyed: [b?.id, first] });
  expect(answer.updated).toEqual({ [a?.id ?? '']: null });
  expect((await list()).map(({ id, name }) => [id, name])).toEqual([
    [own, expect.any(String)],
    [a?.id, 'A'],
  ]);
});

test('ifInState holds against whoever writes at the same time: of two calls in one state one is made', async () => {
  const { state } = await client.call('Identity/get', { ids: [] });
  const create = { k: { email: me } };
  const answers = await Promise.all([1, 2].map(() => client.request([['Identity/set', { ifInState: state, create }]])));
  const names = answers.map(({ methodResponses }) => methodResponses[0]?.[1].type ?? 'made').sort();
  expect(names).toEqual(['made', 'stateMismatch']);
  expect(await list()).toHaveLength(2);
});

test('changes are told page by page, each id once, and from a state that is none they cannot be', async () => {
  const { state } = await client.call('Identity/get', { ids: [] });
  const create = { a: { email: me }, b: { email: me }, c: { email: me } };
  const { created } = await client.call('Identity/set', { create });
  const { a, b, c } = created as Record<string, { id: string }>;
  await client.call('Identity/set', { update: { [own]: { name: 'Me' } }, destroy: [b?.id] });
  const told = { created: [] as unknown[], updated: [] as unknown[], destroyed: [] as unknown[] };
  let since = state;
  for (let more: unknown = true; more; ) {
    const page = await client.call('Identity/changes', { sinceState: since, maxChanges: 1 });
    expect(page.oldState).toBe(since);
    for (const kind of ['created', 'updated', 'destroyed'] as const) told[kind].push(...(page[kind] as unknown[]));
    since = page.newState;
    more = page.hasMoreChanges;
  }
  expect(told).toEqual({
    created: [a?.id, c?.id],
    updated: [own],
    destroyed: expect.toSatisfy((ids: unknown[]) => ids.every((id) => id === b?.id)),
  });
  expect(since).toBe((await client.call('Identity/get', { ids: [] })).state);
  expect(await client.errorOf('Identity/changes', { sinceState: 'nonsense' })).toBe('cannotCalculateChanges');
  expect(await client.errorOf('Identity/changes', { sinceState: state, maxChanges: 0 })).toBe('invalidArguments');
});

test('what is not found is said, and only the properties asked for come', async () => {
  expect(await client.call('Identity/get', { ids: [own, 'I999', 'M1', own], properties: ['email'] })).toMatchObject({
    list: [{ id: own, email: me }],
    notFound: ['I999', 'M1'],
  });
  expect(await client.errorOf('Identity/get', { ids: null, properties: ['color'] })).toBe('invalidArguments');
});
