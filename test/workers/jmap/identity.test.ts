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
  expect(await client.errorOf('Identity/set', { ifInState: 'nowhere', destroy: [own] })).toBe('stateMismatch');
  expect(await list()).toMatchObject([{ id: own, email: me, mayDelete: false }]);
});

test('of more records than one call can work on the rest is rateLimit', async () => {
  const create = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`k${index}`, { email: me }]));
  const { created, notCreated } = await client.call('Identity/set', { create });
  expect(Object.keys(created as object)).toHaveLength(8);
  expect(notCreated).toMatchObject({ k8: { type: 'rateLimit' } });
});
