/** DESIGN.md, Budgets: opening the inbox in the webmail is one request of at most 25 queries in at most 8 round trips; it needs 5. */
import { env } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { BLOB, CORE, MAIL, SUBMISSION } from '../../../shared/jmap/capabilities.ts';
import { app } from '../../../workers/app.ts';
import type { Env } from '../../../workers/env.ts';
import { ORIGIN } from '../../support/directory.ts';
import { makeClient } from './client.ts';

interface Cost {
  queries: number;
  trips: number;
  originals: number;
}

/** The bindings, with every query, round trip to D1 and read of the bucket counted. */
function counting(cost: Cost): Env {
  const statement = (inner: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(inner, {
      get: (target, name) => {
        if (name === 'inner') return target;
        if (name === 'bind') return (...values: unknown[]) => statement(target.bind(...values));
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          cost.queries++;
          cost.trips++;
          return member.apply(target, args);
        };
      },
    });
  const database = (inner: D1Database): D1Database =>
    new Proxy(inner, {
      get: (target, name) => {
        if (name === 'prepare') return (sql: string) => statement(target.prepare(sql));
        if (name !== 'batch') return Reflect.get(target, name);
        return (statements: (D1PreparedStatement & { inner: D1PreparedStatement })[]) => {
          cost.queries += statements.length;
          cost.trips++;
          return target.batch(statements.map(({ inner }) => inner));
        };
      },
    });
  const bucket = new Proxy(env.ORIGINALS, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        cost.originals++;
        return member.apply(target, args);
      };
    },
  });
  return { ...env, DIRECTORY: database(env.DIRECTORY), MAIL_0: database(env.MAIL_0), ORIGINALS: bucket };
}

test('opening the inbox stays within 25 queries and 5 round trips, and reads no original', async () => {
  const client = await makeClient();
  const { inbox = '' } = await client.roles();
  for (let n = 0; n < 8; n++) {
    const raw = `Message-ID: <${n}@x>\r\nIn-Reply-To: <${n - 2}@x>\r\nFrom: a@b\r\nSubject: ${n}\r\n\r\nbody ${n}`;
    await client.import(raw, inbox);
  }
  const { accountId } = client;
  const from = (resultOf: string, name: string, path: string) => ({ resultOf, name, path });
  const methodCalls = [
    ['Mailbox/get', { accountId, ids: null }, '0'],
    [
      'Email/query',
      {
        accountId,
        filter: { inMailbox: inbox },
        sort: [{ property: 'receivedAt', isAscending: false }],
        collapseThreads: true,
        limit: 50,
        calculateTotal: true,
      },
      '1',
    ],
    ['Email/get', { accountId, '#ids': from('1', 'Email/query', '/ids'), properties: ['threadId'] }, '2'],
    ['Thread/get', { accountId, '#ids': from('2', 'Email/get', '/list/*/threadId') }, '3'],
    [
      'Email/get',
      {
        accountId,
        '#ids': from('3', 'Thread/get', '/list/*/emailIds'),
        properties: ['threadId', 'mailboxIds', 'keywords', 'hasAttachment', 'from', 'subject', 'receivedAt', 'size', 'preview'],
      },
      '4',
    ],
  ];
  const cost: Cost = { queries: 0, trips: 0, originals: 0 };
  const headers = { authorization: client.authorization, 'content-type': 'application/json' };
  const answer = await app.request(
    `${ORIGIN}/jmap/api`,
    { method: 'POST', body: JSON.stringify({ using: [CORE, MAIL], methodCalls }), headers },
    counting(cost),
  );
  const { methodResponses } = (await answer.json()) as {
    methodResponses: [string, { list?: unknown[]; ids?: unknown[]; total?: number }][];
  };
  expect(methodResponses.map(([name, { list, ids }]) => [name, (list ?? ids)?.length])).toEqual([
    ['Mailbox/get', 6],
    ['Email/query', 2],
    ['Email/get', 2],
    ['Thread/get', 2],
    ['Email/get', 8],
  ]);
  console.log(`opening the inbox: ${cost.queries} queries in ${cost.trips} round trips, ${cost.originals} originals`);
  expect(cost.queries).toBeLessThanOrEqual(25);
  expect(cost.trips).toBeLessThanOrEqual(5);
  expect(cost.originals).toBe(0);
});

test('a request asks D1 for nothing twice, and for what belongs together at once', async () => {
  const client = await makeClient();
  const { inbox = '' } = await client.roles();
  for (let n = 0; n < 3; n++) await client.import(`Subject: quokka ${n}\r\nX-Odd: yes\r\n\r\nbody`, inbox);
  const { accountId } = client;
  const page = (filter: object) => [
    ['Email/query', { accountId, filter, limit: 50, calculateTotal: true }, 'q'],
    ['Email/get', { accountId, '#ids': { resultOf: 'q', name: 'Email/query', path: '/ids' }, properties: ['subject'] }, 'g'],
  ];
  const { ids } = (await client.call('Email/query', { filter: { inMailbox: inbox } })) as { ids: string[] };
  const flags = Object.fromEntries(ids.map((id) => [id, { 'keywords/$flagged': true }]));
  // The first round trip of each is who is calling.
  const calls: [string, unknown[], number][] = [
    ['folders', [['Mailbox/get', { accountId, ids: null }, 'c']], 2],
    ['a page', page({ inMailbox: inbox }), 3],
    ['folders and a page', [['Mailbox/get', { accountId, ids: null }, 'c'], ...page({ inMailbox: inbox })], 3],
    ['emails', [['Email/get', { accountId, ids, properties: ['subject'] }, 'c']], 2],
    ['a search', page({ text: 'quokka' }), 4],
    ['flags', [['Email/set', { accountId, update: flags }, 'c']], 3],
  ];
  for (const [what, methodCalls, trips] of calls) {
    const cost: Cost = { queries: 0, trips: 0, originals: 0 };
    const headers = { authorization: client.authorization, 'content-type': 'application/json' };
    const body = JSON.stringify({ using: [CORE, MAIL], methodCalls });
    const answer = await app.request(`${ORIGIN}/jmap/api`, { method: 'POST', body, headers }, counting(cost));
    const { methodResponses } = (await answer.json()) as { methodResponses: [string][] };
    expect(methodResponses.map(([name]) => name)).not.toContain('error');
    expect([what, cost.trips]).toEqual([what, trips]);
  }
});

test('as many messages as the free plan makes in a request stay within its 50 subrequests and 50 queries', async () => {
  const client = await makeClient();
  const { inbox = '' } = await client.roles();
  const limit = 32;
  const blobId = await client.upload('Subject: x\r\n\r\nx');
  const attachment = await client.upload('attached');
  const identityId = ((await client.call('Identity/get', { ids: null })).list as { id: string }[])[0]?.id;
  const ready = await client.upload(`From: ${client.account.address}\r\nTo: a@elsewhere.test\r\n\r\nx`);
  const imported = await client.call('Email/import', { emails: { k: { blobId: ready, mailboxIds: { [inbox]: true } } } });
  const emailId = (imported.created as { k: { id: string } }).k.id;
  const many = (length: number, record: object) => Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, record]));
  const mailboxIds = { [inbox]: true };
  const calls: [string, object, number][] = [
    ['Email/import', { emails: many(limit, { blobId, mailboxIds }) }, limit],
    ['Email/set', { create: many(limit, { mailboxIds, subject: 'x' }) }, limit],
    ['Email/set', { create: many(limit, { mailboxIds, attachments: [{ blobId: attachment }] }) }, limit / 2],
    ['Blob/upload', { create: many(limit, { data: [{ 'data:asText': 'x' }] }) }, limit / 2],
    ['EmailSubmission/set', { create: many(limit, { identityId, emailId }) }, 6],
  ];
  for (const [name, args, made] of calls) {
    const cost: Cost = { queries: 0, trips: 0, originals: 0 };
    const body = JSON.stringify({
      using: [CORE, MAIL, BLOB, SUBMISSION],
      methodCalls: [[name, { accountId: client.accountId, ...args }, 'c']],
    });
    const headers = { authorization: client.authorization, 'content-type': 'application/json' };
    const settings = { ...counting(cost), MESSAGES_PER_REQUEST: String(limit) };
    const answer = await app.request(`${ORIGIN}/jmap/api`, { method: 'POST', body, headers }, settings);
    const { methodResponses } = (await answer.json()) as { methodResponses: [string, { created: object }][] };
    expect([name, Object.keys(methodResponses[0]?.[1].created ?? {}).length]).toEqual([name, made]);
    expect([name, Math.max(0, cost.trips + cost.originals - 50), Math.max(0, cost.queries - 50)]).toEqual([name, 0, 0]);
  }
});

test('a message with more attachments than that is made all the same, when it is the first', async () => {
  const client = await makeClient();
  const { inbox = '' } = await client.roles();
  const blobIds = [await client.upload('a'), await client.upload('b'), await client.upload('c')];
  const record = { mailboxIds: { [inbox]: true }, attachments: blobIds.map((blobId) => ({ blobId })) };
  const settings = { ...env, MESSAGES_PER_REQUEST: '2' };
  const body = JSON.stringify({
    using: [CORE, MAIL],
    methodCalls: [['Email/set', { accountId: client.accountId, create: { a: record, b: record } }, 'c']],
  });
  const headers = { authorization: client.authorization, 'content-type': 'application/json' };
  const answer = await app.request(`${ORIGIN}/jmap/api`, { method: 'POST', body, headers }, settings);
  expect(await answer.json()).toMatchObject({
    methodResponses: [['Email/set', { created: { a: {} }, notCreated: { b: { type: 'rateLimit' } } }, 'c']],
  });
});
