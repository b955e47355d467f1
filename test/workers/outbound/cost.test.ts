/**
 * What outbound mail costs (DESIGN.md, invariant 9): 50 queries and 50 subrequests a request on the free plan, each
 * statement of a batch a query. A queue message is a request of its own when the consumer's batch size is one.
 */
import { expect, test } from 'vitest';
import { LOCAL_ACCOUNTS_MAX } from '../../../workers/outbound/local.ts';
import { consumeOutbox } from '../../../workers/outbound/outbox.ts';
import type { Account } from '../../../workers/store/mail/types.ts';
import { makeAccount } from '../../support/directory.ts';
import { cost } from '../../support/rows.ts';
import { accepted, consume, mailIn, makeWorld, newAddress, octets, type World, written } from './world.ts';

const LIMIT = 50;

interface Counted {
  queries: number;
  subrequests: number;
}

/** Queries of both databases; calls of the bucket, the hubs, the Queue and the relay. */
async function countIn(world: World, work: (world: World) => Promise<unknown>): Promise<Counted> {
  let subrequests = 0;
  const counted = <Binding extends object>(binding: Binding): Binding =>
    new Proxy(binding, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          if (!['idFromName', 'get'].includes(String(name)) || 'put' in target) subrequests++;
          const made: unknown = member.apply(target, args);
          const isStub = name === 'get' && 'idFromName' in target && typeof made === 'object' && made !== null;
          return isStub ? counted(made) : made;
        };
      },
    });
  const { ORIGINALS, HUB, OUTBOX, FILE_RELAY } = world.env;
  const env = { ...world.env, ORIGINALS: counted(ORIGINALS), HUB: counted(HUB), OUTBOX: counted(OUTBOX) };
  if (FILE_RELAY) Object.assign(env, { FILE_RELAY: counted(FILE_RELAY) });
  let directory = 0;
  const mail = await cost(world.env.MAIL_0, async () => {
    directory = (await cost(world.env.DIRECTORY, () => work({ ...world, env }))).queries;
  });
  return { queries: mail.queries + directory, subrequests };
}

async function people(world: World, count: number): Promise<Account[]> {
  return Promise.all(Array.from({ length: count }, () => makeAccount(world.env, newAddress())));
}

test('POST /submit stays below 40 queries, the first identities included, and 10 subrequests', async () => {
  const world = await makeWorld();
  const [other] = await people(world, 1);
  const raw = written(world, ['References: <a@x> <b@x>']);
  const first = await countIn(world, (counted) => accepted(counted, raw, { rcptTo: [other?.address ?? '', 'a@elsewhere.test'] }));
  const later = await countIn(world, (counted) => accepted(counted, written(world)));
  console.log(`POST /submit: ${later.queries} queries, ${later.subrequests} subrequests; the account's first one ${first.queries}`);
  expect(first.queries).toBeLessThanOrEqual(40);
  expect(first.subrequests).toBeLessThanOrEqual(10);
});

test('a message to many people here and elsewhere, with a report of one who vanished, stays within a request', async () => {
  const world = await makeWorld();
  const here = await people(world, LOCAL_ACCOUNTS_MAX + 1);
  const raw = written(world, [], 'x'.repeat(400_000));
  const rcptTo = [...here.map(({ address }) => address), 'a@elsewhere.test'];
  const id = await accepted(world, raw, { rcptTo, large: true });
  await world.env.DIRECTORY.prepare('DELETE FROM address WHERE address = ?').bind(rcptTo[0]).run();
  const address = { account: world.account.id, submission: id };
  const counted = await countIn(world, (inside) => consume(inside, [address]));
  console.log(`a queue message to ${rcptTo.length} recipients, large: ${counted.queries} queries, ${counted.subrequests} subrequests`);
  expect(world.relayed).toHaveLength(1);
  expect(counted.queries).toBeLessThanOrEqual(LIMIT);
  expect(counted.subrequests).toBeLessThanOrEqual(LIMIT);
});

test('a usual message costs few', async () => {
  const world = await makeWorld();
  const id = await accepted(world, written(world));
  const message = { body: { account: world.account.id, submission: id }, ack: () => {} };
  const counted = await countIn(world, ({ env }) =>
    consumeOutbox({ messages: [message] } as unknown as Parameters<typeof consumeOutbox>[0], env),
  );
  console.log(`a queue message to one recipient elsewhere: ${counted.queries} queries, ${counted.subrequests} subrequests`);
  expect(counted.queries).toBeLessThanOrEqual(8);
  // The original, the relay, and the hub twice: when it can no longer be taken back, and when it has left.
  expect(counted.subrequests).toBeLessThanOrEqual(4);
});

test('a message of 60 MB passes here and to the relay in pieces', async () => {
  const world = await makeWorld();
  const [other] = await people(world, 1);
  const raw = octets(written(world, ['Subject: huge', 'Bcc: x@y.test'], ''));
  const whole = new Uint8Array(60 * 1024 * 1024).fill(0x61);
  whole.set(raw);
  for (let at = raw.length; at + 78 < whole.length; at += 78) whole.set([13, 10], at + 76);
  let largest = 0;
  let total = 0;
  const fetch = async (_url: string, init: RequestInit) => {
    for await (const chunk of init.body as ReadableStream<Uint8Array>) {
      largest = Math.max(largest, chunk.length);
      total += chunk.length;
    }
    return new Response('{}');
  };
  world.env = { ...world.env, FILE_RELAY: { fetch } as unknown as Fetcher };
  const id = await accepted(world, whole, { rcptTo: [other?.address ?? '', 'a@elsewhere.test'], large: true });
  await consume(world, [{ account: world.account.id, submission: id }]);
  expect(total).toBeGreaterThan(whole.length - 100);
  expect(largest).toBeLessThan(1024 * 1024);
  const [arrived] = other ? await mailIn(world, 'inbox', other) : [];
  expect(arrived?.row.size).toBeGreaterThan(whole.length - 100);
}, 120_000);
