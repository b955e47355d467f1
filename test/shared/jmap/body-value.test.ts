/** Where a body value may be cut (RFC 8621 §4.2): at a character, and in HTML outside of tags. */
import { expect, test } from 'vitest';
import { truncate } from '../../../shared/jmap/email/body-value.ts';

const octets = (text: string) => new TextEncoder().encode(text).length;

test('plain text is cut at a character, whatever the limit', () => {
  const text = 'aé漢😀<b>z';
  const starts = ['', 'a', 'aé', 'aé漢', 'aé漢😀', 'aé漢😀<', 'aé漢😀<b', 'aé漢😀<b>', text];
  for (let max = 1; max <= octets(text) + 1; max++) {
    const longest = starts.findLast((start) => octets(start) <= max);
    expect(truncate(text, max, false)).toBe(longest);
  }
});

const TAG = '<a title="1 > 0" href=\'x>y\' b = c>';
test.each([
  [`one ${TAG}two`, 'one '],
  ['one <!-- a > b -->two', 'one '],
  ['one </p >two', 'one '],
  ['one <!doctype html>two', 'one '],
])('HTML is never cut inside a tag or a comment: %j', (html, before) => {
  const after = html.length - 'two'.length;
  for (let max = before.length; max < html.length; max++) expect(truncate(html, max, true)).toBe(max < after ? before : html.slice(0, max));
});

test.each(['1 < 2 and 3', 'x <3 y', '<b>bold</b> and more'])('what only looks like a tag is cut like text: %j', (html) => {
  expect(truncate(html, html.length - 1, true)).toBe(html.slice(0, -1));
});

test('a tag without end costs what follows it, and no more time than the text is long', () => {
  expect(truncate(`head <a href="${'x'.repeat(100_000)}`, 50_000, true)).toBe('head ');
  expect(truncate('<a '.repeat(100_000), 150_000, true).length).toBe(0);
  expect(truncate('<!--'.repeat(100_000), 150_000, true).length).toBe(0);
});
