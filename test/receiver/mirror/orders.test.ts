/**
 * What is kept for SORT and THREAD is right after any change (RFC 5256 §3): whatever came, went or was rebuilt since, also in the midst of
 * a command, it gives what the messages themselves give.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import type { Scope } from '../../../receiver/imap/search/evaluate.ts';
import { READ_LIMITS } from '../../../receiver/imap/search/originals.ts';
import { type Criterion, sortOrder } from '../../../receiver/imap/search/sort.ts';
import type { SortKeyName } from '../../../receiver/imap/search/sort-keys.ts';
import type { Uids } from '../../../receiver/imap/search/uids.ts';
import type { Message, SelectedMailbox, Session } from '../../../receiver/imap/session.ts';
import { messageKeys } from '../../../shared/mime/message-keys.ts';
import { sampleIndex } from '../../support/sample-message.ts';
import { makeWorld, select, type World } from './harness.ts';

/** More than are put in their places one by one. */
const MANY = 70;

const NAIVE: Record<SortKeyName, (message: Message) => number | string> = {
  ARRIVAL: ({ internalDate }) => internalDate,
  CC: ({ headers }) => messageKeys(headers).sortCc,
  DATE: ({ headers, internalDate }) => messageKeys(headers).sent ?? internalDate,
  DISPLAYFROM: ({ headers }) => messageKeys(headers).displayFrom,
  DISPLAYTO: ({ headers }) => messageKeys(headers).displayTo,
  FROM: ({ headers }) => messageKeys(headers).sortFrom,
  SIZE: ({ size }) => size,
  SUBJECT: ({ headers }) => messageKeys(headers).base,
  TO: ({ headers }) => messageKeys(headers).sortTo,
};

function naivelySorted(box: SelectedMailbox, uids: Uint32Array, criteria: readonly Criterion[]): number[] {
  const messages = [...box.messages(uids)].map((message) => ({
    uid: message.uid,
    values: criteria.map(({ name }) => NAIVE[name](message)),
  }));
  messages.sort((a, b) => {
    for (const [index, { reverse }] of criteria.entries()) {
      const [left = 0, right = 0] = [a.values[index], b.values[index]];
      if (left !== right) return left < right === reverse ? 1 : -1;
    }
    return a.uid - b.uid;
  });
  return messages.map(({ uid }) => uid);
}

interface Letter {
  subject: string;
  from: string;
  to: string;
  day: number | null;
  arrived: number;
}

function deliver({ account }: World, { subject, from, to, day, arrived }: Letter): void {
  const date = day === null ? '' : `Date: ${day} Nov 2026 10:00:00 +0000\r\n`;
  const raw = `Message-ID: <${arrived}@x>\r\nReferences: <1@x> <${day}@x>\r\nFrom: ${from}\r\nTo: ${to}\r\nCc: ${from}\r\n${date}Subject: ${subject}\r\n\r\n${'x'.repeat(arrived % 4)}`;
  const sha256 = createHash('sha256').update(raw).digest('hex');
  const index = { ...sampleIndex(raw), sha256, size: raw.length, receivedAt: Date.UTC(2026, 10, arrived) };
  account.change(() => account.place(account.inbox, { index }));
}

function expunge({ account }: World, third: number): void {
  const uids = [...(account.picture().get(account.inbox)?.keys() ?? [])];
  account.expunge(
    account.inbox,
    uids.filter((uid) => uid % 3 === third),
  );
}

const letter = fc.record({
  subject: fc.constantFrom('', 'Alpha', 'Re: alpha', 'beta', 'Ärger', '明天', 'Beta 2', 'gamma'),
  from: fc.constantFrom('Zoe <a@example.test>', 'b@example.test', 'Ann <c@example.test>'),
  to: fc.constantFrom('me@example.test', 'You <you@example.test>'),
  day: fc.option(fc.integer({ min: 1, max: 9 })),
  arrived: fc.integer({ min: 1, max: 9 }),
});
const criterion = fc.record({ name: fc.constantFrom(...(Object.keys(NAIVE) as SortKeyName[])), reverse: fc.boolean() });
const change = fc.oneof(
  { weight: 6, arbitrary: fc.array(letter, { minLength: 1, maxLength: 4 }).map((letters) => ({ letters, times: 1 })) },
  { weight: 1, arbitrary: fc.array(letter, { minLength: 1, maxLength: 4 }).map((letters) => ({ letters, times: MANY })) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 2 }).map((third) => ({ third })) },
  { weight: 1, arbitrary: fc.constant({ rebuilt: true }) },
);
type Value<Drawn> = Drawn extends fc.Arbitrary<infer Each> ? Each : never;
type Change = Value<typeof change>;
const sorting = fc.record({
  criteria: fc.array(criterion, { minLength: 1, maxLength: 3 }),
  part: fc.constantFrom(1, 1, 2, 6),
  linked: fc.boolean(),
  /** Happens in the midst of it. */
  meanwhile: fc.option(change),
});

function happen(world: World, what: Change): void {
  if ('letters' in what) for (let time = 0; time < what.times; time++) for (const each of what.letters) deliver(world, each);
  if ('third' in what) expunge(world, what.third);
  if ('rebuilt' in what) world.account.forgetHistory();
}

function scopeOf(box: SelectedMailbox, uids: Uids, pause: Scope['pause']): Scope {
  return { box, uids, saved: [], limits: READ_LIMITS, pause, progress: () => {} };
}

async function sorted(box: SelectedMailbox, uids: Uids, criteria: Criterion[], pause: Scope['pause']): Promise<number[]> {
  return Array.from(await sortOrder(scopeOf(box, uids, pause), uids, criteria), (index) => uids[index] ?? 0);
}

async function expectLinked(box: SelectedMailbox, uids: Uids, pause: Scope['pause']): Promise<void> {
  const links = await box.orders.links.read(scopeOf(box, uids, pause), uids);
  for (const { uid, headers } of box.messages(uids)) {
    const { ids, reply, base } = messageKeys(headers);
    expect(links.at(links.uids.indexOf(uid))).toEqual({ ids, reply, hasBase: base !== '' });
  }
}

async function expectSorted(world: World, session: Session, { criteria, part, linked, meanwhile }: Value<typeof sorting>): Promise<void> {
  const box = select(session, 'INBOX');
  const uids = box.uids().filter((uid) => uid % part === 0) as Uids;
  let due: Change | null = meanwhile;
  const pause = async () => {
    const now = due;
    due = null;
    if (now) happen(world, now);
    if (now) await session.refresh();
  };
  if (linked) await expectLinked(box, uids, pause);
  const expected = naivelySorted(box, uids, criteria);
  const found = await sorted(box, uids, criteria, pause);
  // What went in the midst of it may stand anywhere.
  const stayed = (uid: number) => box.flags(uid) !== undefined;
  expect(found.filter(stayed)).toEqual(expected.filter(stayed));
  box.close();
}

it('orders and links are those of the messages, whatever has happened', { timeout: 120_000 }, async () => {
  const steps = fc.array(fc.tuple(change, fc.array(sorting, { maxLength: 3 })), { minLength: 3, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(steps, async (play) => {
      const world = makeWorld({ pageSize: 500 });
      world.bridge.mutePush = true;
      const session = await world.session();
      for (const [what, sortings] of play) {
        happen(world, what);
        await session.refresh();
        for (const each of sortings) await expectSorted(world, session, each);
      }
      await world.mirrors.close();
    }),
    { numRuns: 15 },
  );
});

it('a kept order is not read again: not for a second SORT, nor for the few messages that came', async () => {
  const world = makeWorld();
  const count = 600;
  for (let number = 0; number < count; number++) world.account.deliver();
  const session = await world.session();
  const box = select(session, 'INBOX');
  const columns = vi.spyOn(box, 'columns');
  const criteria: Criterion[] = [{ name: 'SUBJECT', reverse: true }];
  const sort = async () => {
    columns.mockClear();
    const uids = box.uids().slice() as Uids;
    expect(await sorted(box, uids, criteria, async () => {})).toEqual(naivelySorted(box, uids, criteria));
    return columns.mock.calls.reduce((sum, [, uids]) => sum + uids.length, 0);
  };
  expect(await sort()).toBe(count);
  expect(await sort()).toBe(0);
  world.account.deliver();
  await session.refresh();
  expect(await sort()).toBeLessThan(20);
});
