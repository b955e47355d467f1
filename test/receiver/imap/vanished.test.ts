/** VANISHED (EARLIER) where the history is known and where it is not (RFC 7162 §3.2.5.2, §3.2.6). */
import { describe, expect, test } from 'vitest';
import type { SelectedMailbox } from '../../../receiver/imap/session.ts';
import { earlierLines, knownRanges, matchedUid, vanishedLines } from '../../../receiver/imap/vanished.ts';
import { parseSet, type SequenceSet } from '../../../receiver/imap/wire/sets.ts';

function boxOf(live: number[], uidnext: number, gone: number[] | null): SelectedMailbox {
  const box: Pick<SelectedMailbox, 'uids' | 'uidnext' | 'vanished'> = {
    uids: () => Uint32Array.from(live),
    uidnext: () => uidnext,
    vanished: () => gone,
  };
  return box as SelectedMailbox;
}

function set(text: string): SequenceSet {
  const parsed = parseSet(text);
  if (!parsed) throw new Error(`no set: ${text}`);
  return parsed;
}

function earlier(box: SelectedMailbox, known: string, above = 0): string {
  return earlierLines(box, knownRanges(set(known), box), 1, above);
}

describe('what is gone, for a client that comes back', () => {
  test('is what the history tells, of the UIDs it knows', () => {
    const box = boxOf([1, 5], 10, [2, 3, 4, 8]);
    expect(earlier(box, '1:9')).toBe('* VANISHED (EARLIER) 2:4,8\r\n');
    expect(earlier(box, '3,8:20')).toBe('* VANISHED (EARLIER) 3,8\r\n');
    expect(earlier(box, '5:7')).toBe('');
  });

  test('is every UID there was and is not there, when the history does not reach back', () => {
    const box = boxOf([3, 6, 7], 10, null);
    expect(earlier(box, '1:9')).toBe('* VANISHED (EARLIER) 1:2,4:5,8:9\r\n');
    expect(earlier(box, '1:4294967295')).toBe('* VANISHED (EARLIER) 1:2,4:5,8:9\r\n');
    expect(earlier(box, '2,5:6,9')).toBe('* VANISHED (EARLIER) 2,5,9\r\n');
    expect(earlier(box, '10:20')).toBe('');
    expect(earlier(boxOf([], 1, null), '1:5')).toBe('');
  });

  test('leaves out what the client proves to know', () => {
    const box = boxOf([3, 6, 7], 10, null);
    expect(earlier(box, '1:9', 3)).toBe('* VANISHED (EARLIER) 4:5,8:9\r\n');
    expect(earlier(box, '1:9', 7)).toBe('* VANISHED (EARLIER) 8:9\r\n');
  });

  test('comes in lines that can be read', () => {
    const uids = Array.from({ length: 1200 }, (_value, index) => 1_000_000_000 + 2 * index);
    const lines = vanishedLines(uids, '').split('\r\n').slice(0, -1);
    expect(lines).toHaveLength(3);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(8192);
  });
});

describe('sequence match data', () => {
  const uids = Uint32Array.from([3, 6, 9, 12, 15]);

  test('vouches for everything up to the last pair that is right', () => {
    expect(matchedUid(uids, set('1:5'), set('3,6,9,12,15'))).toBe(15);
    expect(matchedUid(uids, set('2,4,5'), set('6,12,16'))).toBe(12);
    expect(matchedUid(uids, set('1'), set('4'))).toBe(0);
  });

  test('may name more than there is, and as many as it likes, at no cost', () => {
    expect(matchedUid(uids, set('5:4294967295'), set('15:4294967295'))).toBe(15);
    expect(matchedUid(uids, set('1:3'), set('3'))).toBe(3);
    expect(matchedUid(Uint32Array.from([]), set('1:4294967295'), set('1:4294967295'))).toBe(0);
  });
});
