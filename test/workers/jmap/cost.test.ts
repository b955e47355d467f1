/** DESIGN.md, Budgets: opening the inbox in the webmail is one request of at most 25 queries in at most 8 round trips. */
import { env } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { CORE, MAIL } from '../../../shared/jmap/capabilities.ts';
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

test('opening the inbox stays within 25 queries and 8 round trips, and reads no original', async () => {
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
  expect(cost.trips).toBeLessThanOrEqual(8);
  expect(cost.originals).toBe(0);
});
