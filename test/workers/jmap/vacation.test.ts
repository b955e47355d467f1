/** VacationResponse (RFC 8621 §8) through the door: one, always; what can be set of it and what cannot. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Json } from '../../../shared/jmap/errors.ts';
import { type Client, makeClient } from './client.ts';

const UNSET = { id: 'singleton', isEnabled: false, fromDate: null, toDate: null, subject: null, textBody: null, htmlBody: null };

let client: Client;
beforeEach(async () => {
  client = await makeClient();
});

const get = (args: Json = { ids: null }) => client.call('VacationResponse/get', args);
const set = (args: Json) => client.call('VacationResponse/set', args);

describe('VacationResponse/get', () => {
  test('gives the one there is, though nobody has set it', async () => {
    expect(await get()).toMatchObject({ list: [UNSET], notFound: [] });
    expect((await get({ ids: ['singleton'], properties: ['isEnabled'] })).list).toEqual([{ id: 'singleton', isEnabled: false }]);
  });

  test('finds no other, and refuses unknown properties', async () => {
    expect(await get({ ids: ['V1'] })).toMatchObject({ list: [], notFound: ['V1'] });
    expect(await get({ ids: [] })).toMatchObject({ list: [], notFound: [] });
    expect(await client.errorOf('VacationResponse/get', { ids: null, properties: ['days'] })).toBe('invalidArguments');
  });
});

describe('VacationResponse/set', () => {
  const whole = {
    isEnabled: true,
    fromDate: '2026-12-01T00:00:00Z',
    toDate: '2026-12-24T12:00:00Z',
    subject: 'Weg 不在',
    textBody: 'Bin weg.\nGrüße',
    htmlBody: '<p>Bin weg.</p>',
  };

  test('changes what is given, moves the state, and gives it back', async () => {
    const { state } = await get();
    const answer = await set({ ifInState: state, update: { singleton: whole } });
    expect(answer).toMatchObject({ oldState: state, updated: { singleton: null }, notUpdated: null });
    expect(answer.newState).not.toBe(state);
    expect(await get()).toMatchObject({ state: answer.newState, list: [{ id: 'singleton', ...whole }] });
    await set({ update: { singleton: { subject: null, textBody: null } } });
    expect((await get()).list).toEqual([{ id: 'singleton', ...whole, subject: null, textBody: null }]);
  });

  test('neither makes nor destroys one', async () => {
    const answer = await set({ create: { k: { isEnabled: true } }, destroy: ['singleton', 'V1'], update: { V1: { isEnabled: true } } });
    expect(answer).toMatchObject({
      created: null,
      notCreated: { k: { type: 'singleton' } },
      notDestroyed: { singleton: { type: 'singleton' }, V1: { type: 'notFound' } },
      notUpdated: { V1: { type: 'notFound' } },
    });
    expect((await get()).list).toEqual([UNSET]);
  });

  test.each<[string, Json, string[]]>([
    ['a switch that is none', { isEnabled: 'yes' }, ['isEnabled']],
    ['a date that is none', { fromDate: 'tomorrow' }, ['fromDate']],
    ['a date in a zone', { toDate: '2026-12-24T12:00:00+01:00' }, ['toDate']],
    ['a subject of two lines', { subject: 'a\r\nBcc: b@c.test' }, ['subject']],
    ['a subject that is too long', { subject: 'x'.repeat(256) }, ['subject']],
    ['a body that is too long', { textBody: 'x'.repeat(100_001), htmlBody: 7 }, ['htmlBody', 'textBody']],
    ['a property that is none', { days: 7 }, ['days']],
    ['another id', { id: 'V1' }, ['id']],
  ])('refuses %s, and changes nothing', async (_name, patch, properties) => {
    const { notUpdated } = await set({ update: { singleton: { ...patch } } });
    const refused = (notUpdated as Record<string, { type: string; properties: string[] }>).singleton;
    expect(refused?.type).toBe('invalidProperties');
    expect([...(refused?.properties ?? [])].sort()).toEqual(properties);
    expect((await get()).list).toEqual([UNSET]);
  });

  test('refuses a pointer into a text, and another state', async () => {
    const { notUpdated } = await set({ update: { singleton: { 'subject/x': 'y' } } });
    expect(notUpdated).toMatchObject({ singleton: { type: 'invalidPatch' } });
    expect(await client.errorOf('VacationResponse/set', { ifInState: 'x', update: {} })).toBe('stateMismatch');
  });

  test('takes its own object back as it gave it', async () => {
    const [object] = (await get()).list as Json[];
    expect((await set({ update: { singleton: { ...object, isEnabled: true } } })).notUpdated).toBeNull();
  });

  test('is each account’s own', async () => {
    await set({ update: { singleton: { isEnabled: true } } });
    const other = await makeClient();
    expect((await other.call('VacationResponse/get', { ids: null })).list).toEqual([UNSET]);
    expect(await other.errorOf('VacationResponse/get', { accountId: client.accountId, ids: null })).toBe('accountNotFound');
  });
});
