/** Quota (RFC 9425) through the door: real figures, what changed, what is listed, and nothing where nothing is limited. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, test } from 'vitest';
import { CORE, MAIL, QUOTA } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { setQuota } from '../../../workers/store/mail/index.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
let inbox: string;
beforeEach(async () => {
  client = await makeClient();
  inbox = (await client.roles()).inbox ?? '';
  await limit(1_000_000);
});

const limit = (quota: number | null) => setQuota(env, client.account.shard, client.account.id, quota);
const get = (args: Json = { ids: null }) => client.call('Quota/get', args);
const state = async () => (await get({ ids: [] })).state;
const changes = (sinceState: unknown) => client.call('Quota/changes', { sinceState });
const letter = () => client.import(`From: a@b.test\r\nSubject: ${crypto.randomUUID()}\r\n\r\n${'x'.repeat(500)}\r\n`, inbox);

describe('Quota/get', () => {
  test('shows what the account keeps of what it may', async () => {
    const { size } = await letter();
    expect(await get()).toMatchObject({ notFound: [] });
    expect((await get()).list).toEqual([
      {
        id: 'octets',
        resourceType: 'octets',
        used: size,
        hardLimit: 1_000_000,
        warnLimit: 900_000,
        softLimit: null,
        scope: 'account',
        name: 'Mail',
        description: null,
        types: ['Email'],
      },
    ]);
  });

  test('by id and property, and not for ids that name none', async () => {
    const answer = await get({ ids: ['octets', 'count'], properties: ['used'] });
    expect(answer).toMatchObject({ list: [{ id: 'octets', used: 0 }], notFound: ['count'] });
    expect(await client.errorOf('Quota/get', { ids: null, properties: ['size'] })).toBe('invalidArguments');
  });

  test('shows none where there is no limit, and none to a client that knows no mail', async () => {
    const using = { using: [CORE, QUOTA] };
    const { methodResponses } = await client.request([['Quota/get', { ids: null }]], using);
    expect(methodResponses[0]?.[1].list).toEqual([]);
    const both = await client.request([['Quota/get', { ids: null }]], { using: [CORE, QUOTA, MAIL] });
    expect(both.methodResponses[0]?.[1].list).toHaveLength(1);
    await limit(null);
    expect((await get()).list).toEqual([]);
  });

  test('is unknown to a client that does not use it', async () => {
    const { methodResponses } = await client.request([['Quota/get', { ids: null }]], { using: [CORE, MAIL] });
    expect(methodResponses[0]).toMatchObject(['error', { type: 'unknownMethod' }, 'c0']);
  });
});

describe('Quota/changes', () => {
  test('says that only the use changed, as a back-reference takes it', async () => {
    const since = await state();
    const { size } = await letter();
    const { methodResponses } = await client.request([
      ['Quota/changes', { sinceState: since }, '0'],
      [
        'Quota/get',
        {
          '#ids': { resultOf: '0', name: 'Quota/changes', path: '/updated' },
          '#properties': { resultOf: '0', name: 'Quota/changes', path: '/updatedProperties' },
        },
      ],
    ]);
    expect(methodResponses[0]?.[1]).toMatchObject({ created: [], updated: ['octets'], destroyed: [], updatedProperties: ['used'] });
    expect(methodResponses[0]?.[1].newState).toBe(await state());
    expect(methodResponses[1]?.[1].list).toEqual([{ id: 'octets', used: size }]);
  });

  test('says null when the limit changed too', async () => {
    const since = await state();
    await letter();
    await limit(2_000_000);
    expect(await changes(since)).toMatchObject({ updated: ['octets'], updatedProperties: null, hasMoreChanges: false });
  });

  test('says when the limit went and came', async () => {
    const since = await state();
    await limit(null);
    const without = await state();
    expect(await changes(since)).toMatchObject({ created: [], updated: [], destroyed: ['octets'] });
    await letter();
    expect(await changes(without)).toMatchObject({ created: [], updated: [], destroyed: [], updatedProperties: null });
    await limit(5);
    expect(await changes(without)).toMatchObject({ created: ['octets'], updated: [], destroyed: [] });
  });

  test('is empty at the state itself and calculates from no other’s', async () => {
    const since = await state();
    expect(await changes(since)).toMatchObject({ oldState: since, newState: since, created: [], updated: [], destroyed: [] });
    expect(await client.errorOf('Quota/changes', { sinceState: 'nonsense' })).toBe('cannotCalculateChanges');
    expect(await client.errorOf('Quota/changes', { sinceState: '999999999' })).toBe('cannotCalculateChanges');
  });

  test('moves with a destruction, not with a flag', async () => {
    const { id } = await letter();
    const since = await state();
    await client.call('Email/set', { update: { [id]: { 'keywords/$seen': true } } });
    expect(await state()).toBe(since);
    await client.call('Email/set', { destroy: [id] });
    expect(await changes(since)).toMatchObject({ updated: ['octets'], updatedProperties: ['used'] });
    expect((await get()).list).toMatchObject([{ used: 0 }]);
  });
});

describe('Quota/query', () => {
  const query = (args: Json) => client.call('Quota/query', args);

  test.each<[Json, number]>([
    [{}, 1],
    [{ name: 'ai' }, 1],
    [{ name: 'ia' }, 0],
    [{ scope: 'account' }, 1],
    [{ scope: 'domain' }, 0],
    [{ resourceType: 'octets' }, 1],
    [{ resourceType: 'count' }, 0],
    [{ type: 'Email' }, 1],
    [{ type: 'Mail' }, 0],
    [{ scope: 'account', type: 'Mail' }, 0],
    [{ operator: 'NOT', conditions: [{ scope: 'domain' }] }, 1],
    [{ operator: 'OR', conditions: [{ scope: 'domain' }, { name: 'Mail' }] }, 1],
  ])('by %j', async (filter, count) => {
    const answer = await query({ filter, sort: [{ property: 'name' }, { property: 'used', isAscending: false }], calculateTotal: true });
    expect(answer).toMatchObject({ ids: count === 1 ? ['octets'] : [], total: count, position: 0, canCalculateChanges: true });
  });

  test('refuses what it does not know', async () => {
    expect(await client.errorOf('Quota/query', { filter: { used: 1 } })).toBe('unsupportedFilter');
    expect(await client.errorOf('Quota/query', { filter: { name: 1 } })).toBe('invalidArguments');
    expect(await client.errorOf('Quota/query', { sort: [{ property: 'hardLimit' }] })).toBe('unsupportedSort');
    expect(await client.errorOf('Quota/query', { anchor: 'count' })).toBe('anchorNotFound');
  });

  test('and what changed in it since', async () => {
    const { queryState } = await query({});
    expect(await client.call('Quota/queryChanges', { sinceQueryState: queryState })).toMatchObject({ removed: [], added: [] });
    await letter();
    const since = { sinceQueryState: queryState, calculateTotal: true };
    const moved = { removed: ['octets'], added: [{ id: 'octets', index: 0 }], total: 1 };
    expect(await client.call('Quota/queryChanges', since)).toMatchObject(moved);
    expect(await client.call('Quota/queryChanges', { ...since, filter: { scope: 'domain' } })).toMatchObject({ added: [], total: 0 });
    await limit(null);
    expect(await client.call('Quota/queryChanges', since)).toMatchObject({ removed: ['octets'], added: [], total: 0 });
    expect(await client.errorOf('Quota/queryChanges', { sinceQueryState: 'x' })).toBe('cannotCalculateChanges');
  });
});
