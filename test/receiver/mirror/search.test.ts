/** TEXT and BODY over the mirror: exact from its texts, by reading within a bound, by the store's words beyond it (RFC 9051 §6.4.4). */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { evaluate, type Scope } from '../../../receiver/imap/search/evaluate.ts';
import { readKeys } from '../../../receiver/imap/search/keys.ts';
import { READ_LIMITS } from '../../../receiver/imap/search/originals.ts';
import type { SelectedMailbox, Session } from '../../../receiver/imap/session.ts';
import { Arguments } from '../../../receiver/imap/wire/arguments.ts';
import { makeWorld, select, until, type World } from './harness.ts';

const NOTHING = { messages: 0, octets: 0 };

async function search(box: SelectedMailbox, keys: string, limits = READ_LIMITS): Promise<number[]> {
  const scope: Scope = { box, uids: box.uids().slice(), saved: [], limits, pause: async () => {}, progress: () => {} };
  const { key } = readKeys(
    new Arguments([keys]),
    { enabled: new Set(), session: null },
    (bytes) => Buffer.from(bytes, 'latin1').toString('utf8'),
    Date.now(),
  );
  return [...(await evaluate(scope, key))];
}

function letter(subject: string, text: string): { raw: string } {
  return { raw: `Subject: ${subject}\r\nX-Odd: strange\r\n\r\n${text}\r\n` };
}

async function openInbox(): Promise<{ world: World; session: Session; box: SelectedMailbox }> {
  const world = makeWorld();
  world.account.deliver(world.account.inbox, letter('one', 'swimming in the sea'));
  world.account.deliver(world.account.inbox, letter('two', 'a swim'));
  world.account.deliver(world.account.inbox, letter('three', 'the northsea'));
  const session = await world.session();
  return { world, session, box: select(session, 'INBOX') };
}

test('the first search reads the originals, the next one reads nothing', async () => {
  const { world, box } = await openInbox();
  expect(await search(box, 'BODY swim')).toEqual([1, 2]);
  const reads = world.bridge.calls.getBlob;
  expect(await search(box, 'OR TEXT sea SUBJECT two')).toEqual([1, 2, 3]);
  expect(await search(box, 'TEXT strange NOT BODY sea')).toEqual([2]);
  expect(await search(box, 'BODY strange')).toEqual([]);
  expect(world.bridge.calls.getBlob).toBe(reads);
});

test('a message that has come since is found like all others', async () => {
  const { world, session, box } = await openInbox();
  expect(await search(box, 'BODY sea')).toEqual([1, 3]);
  world.account.deliver(world.account.inbox, letter('four', 'overseas'));
  await session.refresh();
  await until(() => box.uids().length === 4);
  expect(await search(box, 'BODY sea')).toEqual([1, 3, 4]);
  expect(await search(box, 'NOT BODY sea')).toEqual([2]);
});

test('the texts outlive the process, and are made anew with the mirror', async () => {
  const { world, box } = await openInbox();
  await search(box, 'BODY sea');
  rmSync(path.join(world.home, 'cache'), { recursive: true });
  await world.restart();
  const before = world.bridge.calls.getBlob;
  expect(await search(select(await world.session(), 'INBOX'), 'BODY sea')).toEqual([1, 3]);
  expect(world.bridge.calls.getBlob).toBe(before);
  await world.mirrors.close();
  rmSync(path.join(world.home, 'mirror/1.sqlite'));
  await world.restart();
  expect(await search(select(await world.session(), 'INBOX'), 'BODY sea')).toEqual([1, 3]);
});

test('beyond the bound the words of the store’s full text decide, in any combination', async () => {
  const { box } = await openInbox();
  expect(await search(box, 'BODY swim', NOTHING)).toEqual([1, 2]);
  expect(await search(box, 'BODY sea', NOTHING)).toEqual([1]);
});

test('NOT and OR over words are those over messages', async () => {
  const { box } = await openInbox();
  expect(await search(box, 'NOT BODY sea', NOTHING)).toEqual([2, 3]);
  const { box: another } = await openInbox();
  expect(await search(another, 'OR BODY northsea SUBJECT two', NOTHING)).toEqual([2, 3]);
});

test('what was beyond the bound is read in the background, and the search after that is exact', async () => {
  const { world, box } = await openInbox();
  expect(await search(box, 'BODY sea', NOTHING)).toEqual([1]);
  await until(() => world.bridge.calls.getBlob >= 3);
  for (let found: number[] = []; found.length < 2; ) found = await search(box, 'BODY sea', NOTHING);
  expect(await search(box, 'BODY sea', NOTHING)).toEqual([1, 3]);
});

test('a text without words beyond the bound is refused with LIMIT, nothing is left out silently', async () => {
  const { box } = await openInbox();
  await expect(search(box, 'BODY "!?"', NOTHING)).rejects.toMatchObject({ code: 'LIMIT' });
  await expect(search(box, 'HEADER X-Odd strange', NOTHING)).rejects.toMatchObject({ code: 'LIMIT' });
});

test('while the edge is away, what is at hand is searched and the rest is UNAVAILABLE', async () => {
  const { world, session, box } = await openInbox();
  await search(box, 'BODY sea');
  world.account.deliver(world.account.inbox, letter('four', 'overseas'));
  await session.refresh();
  await until(() => box.uids().length === 4);
  world.bridge.away = true;
  expect(await search(box, '1:3 BODY sea')).toEqual([1, 3]);
  await expect(search(box, 'BODY sea')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(search(box, 'BODY sea', NOTHING)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
