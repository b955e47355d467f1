/** Sorting in turns gives what sorting at once gives. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sortedIndices } from '../../../../receiver/imap/search/order.ts';

test('any list, of any length, comes out in order and stable', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 6000 }), fc.integer({ min: 1, max: 50 }), async (length, kinds) => {
      const values = Array.from({ length }, (_, index) => (index * 7919) % kinds);
      const wanted = values.map((_, index) => index).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
      expect([
        ...(await sortedIndices(
          length,
          (a, b) => (values[a] ?? 0) - (values[b] ?? 0),
          async () => {},
        )),
      ]).toEqual(wanted);
    }),
    { numRuns: 60 },
  );
});
