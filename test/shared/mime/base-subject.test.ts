/** Base subjects (RFC 5256 §2.1). */
import { expect, test } from 'vitest';
import { baseSubject } from '../../../shared/mime/base-subject.ts';

const REPLIES: [string, string][] = [
  ['Re: hello', 'hello'],
  ['RE[2]: x', 'x'],
  ['re \t : x', 'x'],
  ['Fw: Fwd: fWd: x', 'x'],
  ['[list] Re: [foo] hi (fwd) (FWD)  ', 'hi'],
  ['[a][b] [c] re: [d] last', 'last'],
  ['[fwd: Re: [a] b]', 'b'],
  ['Re: [Fwd: x (fwd)]', 'x'],
  ['Fw: ', ''],
  ['(fwd)', ''],
  ['x(fwd)', 'x'],
];
const OTHERS: [string, string][] = [
  ['hello', 'hello'],
  ['Re', 'Re'],
  ['Regarding: x', 'Regarding: x'],
  ['[only]', '[only]'],
  ['[a] [b]', '[b]'],
  ['[a [b] c', '[a [b] c'],
  [' a\t\r\n  b ', 'a b'],
  ['', ''],
];

test.each(REPLIES)('%j is a reply or forward to %j', (subject, base) => expect(baseSubject(subject)).toEqual({ base, reply: true }));

test.each(OTHERS)('%j is no reply; its base is %j', (subject, base) => expect(baseSubject(subject)).toEqual({ base, reply: false }));

test('a base subject is its own base', () => {
  for (const [, base] of [...REPLIES, ...OTHERS]) expect(baseSubject(base)).toEqual({ base, reply: false });
});

test('a subject made of nothing but artifacts takes no time', () => {
  const started = performance.now();
  for (const piece of ['[a]', 're:', '(fwd)', '[fwd:', '[', 're[', ' ']) baseSubject(piece.repeat(20_000));
  expect(performance.now() - started).toBeLessThan(200);
});
