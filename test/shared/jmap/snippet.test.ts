import fc from 'fast-check';
import { expect, test } from 'vitest';
import { markPreview, markSubject } from '../../../shared/jmap/email/snippet.ts';

test.each([
  ['The Football competition', ['foot'], 'The <mark>Football</mark> competition'],
  ['the barefoot', ['foot'], null],
  ['Café & <Naïve>', ['cafe naive'], '<mark>Café</mark> &amp; &lt;<mark>Naïve</mark>&gt;'],
  ['今天的会议记录', ['会议'], '今天的<mark>会议</mark>记录'],
  ['a red car and a red house', ['"red house"'], 'a red car and a <mark>red house</mark>'],
  ['a red houseboat', ['"red house"'], null],
  ['x', [], null],
  ['x', ['"'], null],
  ['Cafe\u0301 cre\u0300me', ['café'], '<mark>Cafe\u0301</mark> cre\u0300me'],
  ['Die Straße nach Łódź', ['strasse lodz'], 'Die <mark>Straße</mark> nach <mark>Łódź</mark>'],
  ['カードとガード', ['カード'], '<mark>カード</mark>とガード'],
  ['ガード', ['カード'], null],
  ['हिन्दी में', ['हिन्दी'], '<mark>हिन्दी</mark> में'],
  ['हिन्दी', ['हन'], null],
  ['the red house', ["'red house'"], 'the <mark>red house</mark>'],
  ["don't say O'Brien", ["don't"], "<mark>don't</mark> say O'Brien"],
  ['a "quoted" word', ['"a \\\\"quoted\\\\""'.replaceAll('\\\\', '\\')], '<mark>a "quoted</mark>" word'],
  ['한국어', ['한국'], '<mark>한국</mark>어'],
  ['one, two-three', ['two three'], 'one, <mark>two</mark>-<mark>three</mark>'],
])('in %j the search %j is marked as %j', (subject, searches, expected) => {
  expect(markSubject(subject, searches)).toBe(expected);
});

test('a preview shows the match in its context and fits in 255 octets', () => {
  const body = `${'vorher '.repeat(100)}<Nadel> ${'nachher äöü '.repeat(100)}`;
  const preview = markPreview(body, ['nadel']) ?? '';
  expect(preview).toMatch(/^vorher .*&lt;<mark>Nadel<\/mark>&gt; nachher/);
  expect(new TextEncoder().encode(preview).length).toBeLessThanOrEqual(255);
  expect(markPreview(body, ['heu'])).toBeNull();
});

test('whatever is searched in whatever text, the answer is short and its markup is ours', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), fc.array(fc.string({ unit: 'binary', maxLength: 5 })), (text, searches) => {
      const preview = markPreview(text, searches) ?? '';
      expect(new TextEncoder().encode(preview).length).toBeLessThanOrEqual(255);
      expect(preview.replace(/<\/?mark>/g, '')).not.toMatch(/[<>]/);
    }),
  );
});
