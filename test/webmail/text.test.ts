/** The words, names and times people see, in both languages. */
import { describe, expect, test } from 'vitest';
import { en } from '../../workers/webmail/text/en.ts';
import { hueOf, initials, plainText, shortName } from '../../workers/webmail/text/names.ts';
import { exactTime, shortTime, sizeText } from '../../workers/webmail/text/time.ts';
import { emailRead, wordsRead } from '../../workers/webmail/text/words.ts';
import { zh } from '../../workers/webmail/text/zh.ts';

const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

describe('the two languages', () => {
  test('say the same things with the same holes', () => {
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
    for (const key of Object.keys(en) as (keyof typeof en)[]) {
      expect([key, ...holes(zh[key])]).toEqual([key, ...holes(en[key])]);
    }
  });

  test('have both plural forms of each plural, and no exclamation marks', () => {
    for (const key of Object.keys(en)) if (key.endsWith('.one')) expect(en).toHaveProperty([key.replace(/one$/, 'other')]);
    for (const text of [...Object.values(en), ...Object.values(zh)]) expect(text).not.toMatch(/[!\uff01]/);
  });
});

describe('encoded words that the API left', () => {
  test.each([
    ['Re:=?gb2312?B?xOO6ww==?=', 'Re:你好'],
    ['=?utf-8?q?a?= b=?utf-8?q?=C3=A9?=中', 'a bé中'],
    ['x=?utf-8?b?5L2g?==?utf-8?b?5aW9?= =?utf-8?b?5ZCX?=y', 'x你好吗y'],
    ['=?nobody?q?knows?=', '=?nobody?q?knows?='],
    ['=?utf-8?q?open', '=?utf-8?q?open'],
    ['a =? b ?= c', 'a =? b ?= c'],
  ])('are read in %s', (text, read) => {
    expect(wordsRead(text)).toBe(read);
  });

  test('are read in subjects and names, and what is missing stays missing', () => {
    const email = { id: 'M1', threadId: 'T1', mailboxIds: {}, keywords: {}, preview: '', receivedAt: '', hasAttachment: false };
    const from = [{ name: '=?utf-8?q?Z=C3=B6e?=', email: 'z@x.test' }];
    expect(emailRead({ ...email, subject: 'Re:=?gb2312?B?xOO6ww==?=', from, to: null })).toEqual({
      ...email,
      subject: 'Re:你好',
      from: [{ name: 'Zöe', email: 'z@x.test' }],
      to: null,
    });
    expect(emailRead({ ...email, subject: null, from: null, to: null })).toEqual({ ...email, subject: null, from: null, to: null });
  });

  test('cost no more the longer a hostile subject is', () => {
    const text = '=?a?q?'.repeat(20_000);
    expect(wordsRead(text)).toBe(text);
  });
});

describe('names', () => {
  test('cannot turn the text around them', () => {
    expect(plainText('Prize\u202eDepartment\u0000')).toBe('PrizeDepartment');
  });

  test('give initials in any script', () => {
    expect(initials({ name: 'Anna Maria Bergström', email: 'x@y' })).toBe('AB');
    expect(initials({ name: '王小明', email: 'x@y' })).toBe('王');
    expect(initials({ name: null, email: 'root@db' })).toBe('RD');
    expect(initials({ name: '!!!', email: 'x@y' })).toBe('?');
  });

  test('are shortened to the given name', () => {
    expect(shortName({ name: 'Okafor, Chidi', email: 'x@y' })).toBe('Chidi');
    expect(shortName({ name: null, email: 'priya@raman.example' })).toBe('priya');
  });

  test('keep their hue, whatever the case', () => {
    expect(hueOf('Anna@Example.org')).toBe(hueOf('anna@example.org'));
    expect(hueOf('')).toBeLessThan(8);
  });
});

describe('times', () => {
  const now = new Date(2026, 10, 22, 14, 30);
  const at = (...parts: [number, number, number, number, number]) => new Date(...parts).toISOString();

  test('are short in lists', () => {
    expect(shortTime(at(2026, 10, 22, 9, 5), 'en-GB', now)).toBe('09:05');
    expect(shortTime(at(2026, 10, 3, 9, 5), 'en-GB', now)).toBe('3 Nov');
    expect(shortTime(at(2026, 10, 3, 9, 5), 'zh-CN', now)).toBe('11月3日');
    expect(shortTime(at(2024, 10, 3, 9, 5), 'en-GB', now)).toBe('3 Nov 2024');
    expect(shortTime('never', 'en-GB', now)).toBe('');
  });

  test('are exact on hovering', () => {
    expect(exactTime(at(2026, 10, 22, 9, 5), 'en-GB')).toBe('Sun, 22 Nov 2026, 09:05');
  });
});

test('sizes are in thousands', () => {
  expect([0, 999, 1_500, 482_113, 67_000_000].map((size) => sizeText(size, 'en-GB'))).toEqual([
    '0 B',
    '999 B',
    '1.5 kB',
    '482 kB',
    '67 MB',
  ]);
});
