/** Patterns of LIST (RFC 9051 §6.3.9): a table, and that no pattern takes long. */
import { describe, expect, test } from 'vitest';
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
