/** Which thread a message joins (RFC 8621 §3), case by case. */
import { describe, expect, test } from 'vitest';
import { chooseThread, hashMessageId, THREAD_LOOKUPS_MAX, threadReferences } from '../../shared/threads.ts';

const never = () => false;

describe('the thread', () => {
  const cases: [string, { own: number | null; ancestors: number[]; root: number | null }, [number, number][], number | null, number[]][] = [
    ['of a message that names nothing is new, and nothing leads to it', { own: null, ancestors: [], root: null }, [], null, []],
    ['of a first message is new; its own id leads there', { own: 1, ancestors: [], root: null }, [], null, [1]],
    ['of a reply to a known message is that one’s', { own: 1, ancestors: [2], root: 2 }, [[2, 20]], 20, [1]],
    ['of a reply to an unknown one is new; the root leads there too', { own: 1, ancestors: [2, 3], root: 3 }, [], null, [1, 3]],
    [
      'is that of In-Reply-To before References',
      { own: 1, ancestors: [2, 3], root: 3 },
      [
        [2, 20],
        [3, 30],
      ],
      20,
      [1],
    ],
    [
      'is the first known reference’s when In-Reply-To is unknown',
      { own: 1, ancestors: [2, 3, 4], root: 3 },
      [
        [3, 30],
        [4, 40],
      ],
      30,
      [1],
    ],
    ['of a parent that comes late is its reply’s', { own: 1, ancestors: [], root: null }, [[1, 10]], 10, []],
  ];
  test.each(cases)('%s', (_name, references, known, thread, register) => {
    expect(chooseThread(references, new Map(known), never)).toEqual({ thread, register });
  });

  test('that is full is passed over; when all are, a new one begins and the root leads there from now on', () => {
    const known = new Map([
      [2, 20],
      [3, 30],
    ]);
    const references = { own: 1, ancestors: [2, 3], root: 3 };
    expect(chooseThread(references, known, (thread) => thread === 20)).toEqual({ thread: 30, register: [1] });
    expect(chooseThread(references, known, () => true)).toEqual({ thread: null, register: [1, 3] });
  });
});

test('a Message-ID is hashed with its case and without its white space, into a safe integer', async () => {
  const hash = await hashMessageId('Abc@x');
  expect(Number.isSafeInteger(hash)).toBe(true);
  expect(await hashMessageId('Abc\r\n @x')).toBe(hash);
  expect(await hashMessageId('abc@x')).not.toBe(hash);
});

test('a header of thousands of references costs a bounded number of look-ups, and keeps the root', async () => {
  const references = Array.from({ length: 5000 }, (_value, index) => `r${index}@x`);
  const hashed = await threadReferences({ messageId: ['own@x'], inReplyTo: [], references });
  expect(hashed.ancestors).toHaveLength(THREAD_LOOKUPS_MAX);
  expect(hashed.root).toBe(await hashMessageId('r0@x'));
});

test('a message that names itself does not answer itself', async () => {
  const { ancestors, root } = await threadReferences({ messageId: ['a@x'], inReplyTo: ['a@x'], references: ['a@x'] });
  expect({ ancestors, root }).toEqual({ ancestors: [], root: null });
});
