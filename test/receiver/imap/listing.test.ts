/** Patterns of LIST (RFC 9051 §6.3.9): a table, and that no pattern takes long. */
import { describe, expect, test } from 'vitest';
import { eachField, fieldValues } from '../../../receiver/imap/headerlines.ts';
import { matchesPattern } from '../../../receiver/imap/listing.ts';

describe('patterns', () => {
  test.each([
    ['work', '*', true],
    ['work/a', '*', true],
    ['work/a', '%', false],
    ['work/a', '%/%', true],
    ['work/a/b', 'work/%', false],
    ['work/a/b', 'work/*', true],
    ['work', 'work*', true],
    ['work', 'w%k', true],
    ['wo/rk', 'w%k', false],
    ['Work', 'work', false],
    ['INBOX', 'inbox', true],
    ['INBOX', 'InB*', true],
    ['INBOX/x', 'inbox/%', true],
    ['work', '', false],
    ['work', 'wor', false],
    ['work', 'work%%**', true],
    ['台北', '台%', true],
    ['a.b', 'a?b', false],
  ])('%s against %s: %s', (name, pattern, expected) => {
    expect(matchesPattern(name, pattern)).toBe(expected);
  });

  test('a pattern made to backtrack costs no more than its length', () => {
    const started = performance.now();
    expect(matchesPattern('a'.repeat(1000), `${'*a'.repeat(500)}b`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('header lines', () => {
  const block = 'From: a\r\n b\r\nno field\r\nSubject : x\r\nFROM:c\r\n\tfolded\r\nTo:\r\n\r\nBody: not a field\r\n';

  test('fields are found with their folded lines, up to the empty line', () => {
    const fields: [string, string][] = [];
    eachField(block, (name, start, end) => fields.push([name, block.slice(start, end)]));
    expect(fields).toEqual([
      ['from', 'From: a\r\n b\r\n'],
      ['subject', 'Subject : x\r\n'],
      ['from', 'FROM:c\r\n\tfolded\r\n'],
      ['to', 'To:\r\n'],
    ]);
  });

  test('values are unfolded and trimmed', () => {
    expect(fieldValues(block, 'from')).toEqual(['a b', 'c\tfolded']);
    expect(fieldValues(block, 'to')).toEqual(['']);
    expect(fieldValues('Last: one', 'last')).toEqual(['one']);
    expect(fieldValues('', 'last')).toEqual([]);
  });
});
