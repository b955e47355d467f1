/** AND, OR and NOT over sets of messages are those over each message (RFC 9051 §6.4.4). */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryBackend, MemorySession } from '../../../../receiver/imap/memory-session.ts';
import { evaluate, type Scope } from '../../../../receiver/imap/search/evaluate.ts';
import type { SearchKey } from '../../../../receiver/imap/search/keys.ts';
import { READ_LIMITS } from '../../../../receiver/imap/search/originals.ts';
import { uidsOf, union, within, without } from '../../../../receiver/imap/search/uids.ts';

const MESSAGES = 24;
/** What a message is like follows from its UID, so that each key can be answered without a mailbox. */
const FLAGS = ['\\Seen', '\\Flagged', 'blue'];
const hasFlag = (uid: number, flag: string) => (uid >> FLAGS.indexOf(flag)) % 2 === 1;
const subjectOf = (uid: number) => `LETTER ${'ABC'.charAt(uid % 3)}`;
const textOf = (uid: number) => (uid % 4 === 0 ? 'FOX' : 'HEN');

async function makeScope(): Promise<Scope> {
  const account = new MemoryBackend().add('me@example.test', 'secret');
  const inbox = account.byName('INBOX');
  for (let uid = 1; uid <= MESSAGES; uid++) {
    const body = Buffer.from(`Subject: ${subjectOf(uid)}\r\n\r\n${textOf(uid)}\r\n`);
    await account.append(inbox, { flags: FLAGS.filter((flag) => hasFlag(uid, flag)), body });
  }
  const session = new MemorySession(account);
  const box = session.select(account.describe(inbox), true);
  return { box, uids: box.uids().slice(), saved: [], limits: READ_LIMITS, pause: async () => {}, progress: () => {} };
}

type Leaf = { key: SearchKey; holds: (uid: number) => boolean };
const leaf: fc.Arbitrary<Leaf> = fc.oneof(
  fc.constantFrom(...FLAGS).map((flag): Leaf => ({ key: { key: 'flag', flag }, holds: (uid) => hasFlag(uid, flag) })),
  fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 })).map(([a, b]): Leaf => {
    const [from, to] = [Math.min(a, b), Math.max(a, b)];
    return { key: { key: 'uids', set: { saved: false, ranges: [[a, b]] } }, holds: (uid) => uid >= from && uid <= to };
  }),
  fc.constantFrom('A', 'B', 'X').map((text): Leaf => {
    const key: SearchKey = { key: 'header', field: 'subject', text: `LETTER ${text}` };
    return { key, holds: (uid) => subjectOf(uid).includes(`LETTER ${text}`) };
  }),
  fc.constantFrom('FOX', 'HEN', 'COW').map((text): Leaf => {
    return { key: { key: 'text', scope: 'body', text, words: text }, holds: (uid) => textOf(uid) === text };
  }),
);
const { tree } = fc.letrec<{ tree: Leaf }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    tie('tree').map((of): Leaf => ({ key: { key: 'not', of: of.key }, holds: (uid) => !of.holds(uid) })),
    fc.tuple(tie('tree'), tie('tree')).map(([left, right]): Leaf => {
      return { key: { key: 'or', left: left.key, right: right.key }, holds: (uid) => left.holds(uid) || right.holds(uid) };
    }),
    fc.array(tie('tree'), { minLength: 2, maxLength: 3 }).map((of): Leaf => {
      return { key: { key: 'and', of: of.map(({ key }) => key) }, holds: (uid) => of.every(({ holds }) => holds(uid)) };
    }),
  ),
}));

test('any tree of keys finds the messages for which it holds', async () => {
  const scope = await makeScope();
  await fc.assert(
    fc.asyncProperty(tree, async ({ key, holds }) => {
      expect([...(await evaluate(scope, key))]).toEqual([...scope.uids].filter(holds));
    }),
    { numRuns: 300 },
  );
});

test('sets of UIDs are united, narrowed and taken from each other as sets are', () => {
  const uids = fc.uniqueArray(fc.integer({ min: 1, max: 40 })).map(uidsOf);
  fc.assert(
    fc.property(uids, uids, fc.integer({ min: 1, max: 40 }), (a, b, from) => {
      expect([...union(a, b)]).toEqual([...uidsOf(new Set([...a, ...b]))]);
      expect([...without(a, b)]).toEqual([...a].filter((uid) => !b.includes(uid)));
      expect([...within(a, [[from, from + 5]])]).toEqual([...a].filter((uid) => uid >= from && uid <= from + 5));
    }),
  );
});
