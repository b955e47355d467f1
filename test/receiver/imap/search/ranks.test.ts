/** SORT by ranks gives what a comparator gives (RFC 5256 §3). */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indices, type Ranks, ranksOfNumbers, ranksOfTexts, sortByRank } from '../../../../receiver/imap/search/ranks.ts';

const pause = async () => {};
const message = fc.record({ date: fc.integer({ min: -3, max: 3 }), subject: fc.constantFrom('', 'A', 'AB', 'B', 'é', '明') });

function sorted(ranks: Ranks): number[] {
  return [...sortByRank(indices(ranks.length), ranks)];
}

test('several criteria, one of them reversed, and ties in the order of the mailbox', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 40 }), async (messages) => {
      const subjects = await ranksOfTexts(
        messages.map(({ subject }) => subject),
        pause,
      );
      const dates = ranksOfNumbers(messages.map(({ date }) => date));
      const expected = [...messages.keys()].sort((a, b) => {
        const [left, right] = [messages[a], messages[b]];
        if (!left || !right) return 0;
        if (left.subject !== right.subject) return left.subject < right.subject ? 1 : -1;
        return left.date - right.date || a - b;
      });
      expect([...sortByRank(sortByRank(indices(messages.length), dates), subjects, true)]).toEqual(expected);
    }),
  );
});

test('dates keep their milliseconds, and 100,000 of them are in order', () => {
  const dates = Array.from({ length: 100_000 }, (_, index) => 1_700_000_000_000 + ((index * 38_197) % 100_000));
  expect(sorted(ranksOfNumbers(dates)).map((index) => dates[index])).toEqual([...dates].sort((a, b) => a - b));
});

test('50,000 different texts are in order', async () => {
  const texts = Array.from({ length: 50_000 }, (_, index) => `subject ${(index * 38_197) % 50_000}`);
  expect(sorted(await ranksOfTexts(texts, pause)).map((index) => texts[index])).toEqual([...texts].sort());
});
