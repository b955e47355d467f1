/** What changes nothing moves no state (RFC 8620 §5.1), so that no client fetches what it has. */
import { beforeEach, expect, test } from 'vitest';
import type { Json } from '../../../shared/jmap/errors.ts';
import { type Client, makeClient } from './client.ts';

const TYPES = ['Email', 'Mailbox', 'Thread', 'Identity', 'VacationResponse', 'EmailSubmission', 'Quota'];
const MESSAGE = 'From: a@x.test\r\nSubject: one\r\nMessage-ID: <1@x.test>\r\n\r\ntext\r\n';

let client: Client;
let inbox: string;
let email: string;
beforeEach(async () => {
  client = await makeClient();
  inbox = (await client.roles()).inbox ?? '';
  email = (await client.import(MESSAGE, inbox, { keywords: { $seen: true } })).id;
});

async function states(): Promise<Json> {
  const { methodResponses } = await client.request(TYPES.map((type) => [`${type}/get`, { ids: [] }]));
  return Object.fromEntries(methodResponses.map(([name, { state }]) => [name.split('/')[0], state]));
}

/** The types whose state another one is after the call. */
async function moved(name: string, args: Json): Promise<string[]> {
  const before = await states();
  const { methodResponses } = await client.request([[name, args]]);
  expect(methodResponses[0]?.[0]).toBe(name);
  const after = await states();
  return TYPES.filter((type) => before[type] !== after[type]);
}

test('a vacation response set to what it is', async () => {
  const change = { update: { singleton: { isEnabled: true, subject: 'Away', fromDate: '2026-12-01T00:00:00Z' } } };
  expect(await moved('VacationResponse/set', change)).toEqual(['VacationResponse']);
  expect(await moved('VacationResponse/set', change)).toEqual([]);
  expect(await moved('VacationResponse/set', { update: { singleton: {} } })).toEqual([]);
});

test('an identity set to what it is', async () => {
  const [identity] = (await client.call('Identity/get', { ids: null })).list as Json[];
  const id = String(identity?.id);
  expect(await moved('Identity/set', { update: { [id]: identity } })).toEqual([]);
  expect(await moved('Identity/set', { update: { [id]: { name: 'Another', bcc: [{ name: null, email: 'b@x.test' }] } } })).toEqual([
    'Identity',
  ]);
  expect(await moved('Identity/set', { update: { [id]: { bcc: [{ email: 'b@x.test', name: null }] } } })).toEqual([]);
});

test('a mailbox whose emails change in what it does not show', async () => {
  expect(await moved('Email/set', { update: { [email]: { 'keywords/$flagged': true } } })).toEqual(['Email']);
  expect(await moved('Email/set', { update: { [email]: { 'keywords/$flagged': true } } })).toEqual([]);
  expect(await moved('Email/set', { update: { [email]: { 'keywords/$seen': null } } })).toEqual(['Email', 'Mailbox']);
});

test('changes of mailboxes leave none out, whatever moved without being shown in between', async () => {
  const roles = await client.roles();
  const { state: start } = await client.call('Mailbox/get', { ids: [] });
  await client.call('Email/set', { update: { [email]: { 'keywords/$seen': null } } });
  const { state: unread } = await client.call('Mailbox/get', { ids: [] });
  await client.call('Email/set', { update: { [email]: { 'keywords/$flagged': true } } });
  expect(await client.call('Mailbox/changes', { sinceState: unread })).toMatchObject({
    updated: [],
    newState: unread,
    hasMoreChanges: false,
  });
  expect(await client.call('Mailbox/changes', { sinceState: start })).toMatchObject({ updated: [inbox], newState: unread });
  await client.call('Mailbox/set', { update: { [roles.trash ?? '']: { sortOrder: 3 } } });
  const found: unknown[] = [];
  let sinceState = start;
  for (let hasMore: unknown = true; hasMore; ) {
    const page = await client.call('Mailbox/changes', { sinceState, maxChanges: 1 });
    found.push(...(page.updated as unknown[]));
    sinceState = page.newState;
    hasMore = page.hasMoreChanges;
  }
  expect(found.sort()).toEqual([inbox, roles.trash].sort());
  expect(sinceState).toBe((await client.call('Mailbox/get', { ids: [] })).state);
});
