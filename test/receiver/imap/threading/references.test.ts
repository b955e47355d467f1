/** THREAD=REFERENCES against the RFC's algorithm word by word, and where that would take for ever (RFC 5256 §3). */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indices, ranksOfNumbers, sortByRank } from '../../../../receiver/imap/search/ranks.ts';
import { growForest, threadText } from '../../../../receiver/imap/threading/forest.ts';
import type { ThreadedMessages } from '../../../../receiver/imap/threading/messages.ts';
import { threadByReferences } from '../../../../receiver/imap/threading/references.ts';
import { naiveThreads, type ThreadedMessage } from './naive-references.ts';

const noPause = async () => {};

async function threads(messages: readonly ThreadedMessage[], dates: readonly number[], pause = noPause): Promise<string> {
  const order = sortByRank(indices(dates.length), ranksOfNumbers(dates));
  const threaded: ThreadedMessages = {
    length: messages.length,
    ids: (message) => messages[message]?.ids ?? new Float64Array(1),
    base: (message) => messages[message]?.base ?? 0,
    isReply: (message) => messages[message]?.reply ?? false,
  };
  const forest = growForest(await threadByReferences(threaded, order, pause), order);
  return [...threadText(forest, (message) => message + 1)].join('');
}

function chain(length: number, order: (index: number) => number): ThreadedMessage[] {
  return Array.from({ length }, (_, index) => {
    const id = order(index) + 1;
    return { ids: Float64Array.from(id > 1 ? [id, id - 1] : [id]), base: 0, reply: false };
  });
}

// Few ids, dates and subjects, so that loops, doubles, dummies and ties are the rule.
const message = fc.record({
  ids: fc
    .tuple(fc.integer({ min: 0, max: 8 }), fc.array(fc.integer({ min: 1, max: 10 }), { maxLength: 5 }))
    .map(([own, refs]) => Float64Array.from([own, ...refs])),
  base: fc.integer({ min: 0, max: 2 }),
  reply: fc.boolean(),
});
const mailbox = fc.array(fc.tuple(message, fc.integer({ min: 0, max: 6 })), { maxLength: 14 });

test('any mailbox is threaded as the RFC’s own steps thread it', async () => {
  await fc.assert(
    fc.asyncProperty(mailbox, async (entries) => {
      const [messages, dates] = [entries.map(([each]) => each), entries.map(([, date]) => date)];
      expect(await threads(messages, dates)).toBe(naiveThreads(messages, dates));
    }),
    { numRuns: 3000 },
  );
});

test('every message is told exactly once', async () => {
  await fc.assert(
    fc.asyncProperty(mailbox, async (entries) => {
      const text = await threads(
        entries.map(([each]) => each),
        entries.map(([, date]) => date),
      );
      const told = [...text.matchAll(/\d+/g)].map(([number]) => Number(number)).sort((a, b) => a - b);
      expect(told).toEqual(entries.map((_, index) => index + 1));
    }),
  );
});

test.each([
  ['in order', (index: number) => index],
  ['backwards', (index: number) => 99_999 - index],
  ['scattered', (index: number) => (index * 38_197) % 100_000],
])('a thread of 100,000 replies, %s, is one line of descent and holds nobody up', async (_, order) => {
  const messages = chain(100_000, order);
  let longest = 0;
  let turn = performance.now();
  const text = await threads(
    messages,
    messages.map((_each, index) => order(index)),
    async () => {
      longest = Math.max(longest, performance.now() - turn);
      await new Promise((resolve) => setImmediate(resolve));
      turn = performance.now();
    },
  );
  expect(text.startsWith('(')).toBe(true);
  expect(text.split(' ')).toHaveLength(100_000);
  expect(text).not.toContain(')(');
});
