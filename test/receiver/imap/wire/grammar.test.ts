/** Arguments, sets, names, dates and strings: tables for what is read and written, properties for what must hold for all. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Arguments, commandName, Malformed } from '../../../../receiver/imap/wire/arguments.ts';
import { formatDateTime, parseDate, parseDateTime } from '../../../../receiver/imap/wire/dates.ts';
import { astring, mailboxName, responseText, string } from '../../../../receiver/imap/wire/encoder.ts';
import { formatSet, parseSet, resolveRanges, STAR } from '../../../../receiver/imap/wire/sets.ts';
import { decodeUtf7, encodeUtf7 } from '../../../../receiver/imap/wire/utf7.ts';

describe('sequence sets', () => {
  test.each([
    ['1', [[1, 1]]],
    ['5:2', [[5, 2]]],
    [
      '1,*:3',
      [
        [1, 1],
        [STAR, 3],
      ],
    ],
    ['4294967295', [[4294967295, 4294967295]]],
  ])('%s is a set', (text, ranges) => {
    expect(parseSet(text)).toEqual({ saved: false, ranges });
  });

  test.each(['', '0', '1,', ',1', '1:', ':1', '1:2:3', '01', '4294967296', '1 2', '*:0', '$,1', '-1', '1.5'])('"%s" is none', (text) => {
    expect(parseSet(text)).toBeNull();
  });

  test('ranges are put in order and joined', () => {
    expect(
      resolveRanges(
        {
          saved: false,
          ranges: [
            [9, STAR],
            [3, 1],
            [4, 4],
            [20, 7],
          ],
        },
        12,
      ),
    ).toEqual([
      [1, 4],
      [7, 20],
    ]);
  });

  test('what is formatted reads as the same numbers', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (numbers) => {
        const ascending = numbers.sort((a, b) => a - b);
        const set = parseSet(formatSet(ascending));
        const read = set
          ? resolveRanges(set, 200).flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => from + index))
          : [];
        expect(read).toEqual(ascending);
      }),
    );
  });
});

describe('modified UTF-7', () => {
  test.each([
    ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'],
    ['R&D', 'R&-D'],
    ['😀', '&2D3eAA-'],
    ['plain', 'plain'],
  ])('%s is %s', (name, encoded) => {
    expect(encodeUtf7(name)).toBe(encoded);
    expect(decodeUtf7(encoded)).toBe(name);
  });

  test.each(['&', '&U', '&AGE-', '&U,BTFw', '&Jjo!-', '&U,BTFw-&ZeVnLIqe-', 'ü', '&2D0-', '\t'])('"%s" is refused', (text) => {
    expect(decodeUtf7(text)).toBeNull();
  });

  test('every name comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        expect(decodeUtf7(encodeUtf7(name))).toBe(name);
      }),
    );
  });
});

describe('dates', () => {
  test.each([
    [' 1-Feb-2026 10:11:12 +0100', '2026-02-01T09:11:12Z'],
    ['29-feb-2024 00:00:00 -1130', '2024-02-29T11:30:00Z'],
  ])('%s is a date-time', (text, iso) => {
    expect(parseDateTime(text)).toBe(Date.parse(iso));
  });

  test.each([
    '1-Feb-2026 10:11:12 +0100',
    '30-Feb-2026 10:11:12 +0000',
    '01-Feb-2026 24:00:00 +0000',
    '01-Foo-2026 10:00:00 +0000',
    '01-Feb-2026 10:00:00',
  ])('%s is none', (text) => expect(parseDateTime(text)).toBeNull());

  test('a date is a day that exists', () => {
    expect(parseDate('1-Feb-2026')).toBe(Date.parse('2026-02-01T00:00:00Z'));
    expect(parseDate('31-Feb-2026')).toBeNull();
  });

  test('what is formatted reads as the same second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
        expect(parseDateTime(formatDateTime(seconds * 1000).slice(1, -1))).toBe(seconds * 1000);
      }),
    );
  });
});

describe('arguments', () => {
  const read = (text: string) => new Arguments([text]);

  test('an astring is an atom, a quoted string or a literal', () => {
    expect(read('INBOX').astring()).toBe('INBOX');
    expect(read('"a \\"b\\" \\\\"').astring()).toBe('a "b" \\');
    expect(new Arguments(['', { size: 2, binary: false, bytes: Buffer.from('x)'), path: null }, '']).astring()).toBe('x)');
  });

  test.each(['"open', '"a\\b"', '"a\0"', '"a\r"', '(', ')', '', ' x'])('%j is no astring', (text) => {
    expect(() => read(text).astring()).toThrow(Malformed);
  });

  test('lists nest only so deep and end where they end', () => {
    const nested = (depth: number) => {
      const args = read('('.repeat(depth) + ')'.repeat(depth));
      const list = (): unknown => args.list(() => list());
      return list;
    };
    expect(nested(60)).not.toThrow();
    expect(nested(100)).toThrow(Malformed);
    expect(() => read('(a b').list(() => '')).toThrow(Malformed);
  });

  test('never throws anything but Malformed', () => {
    const readers: ((args: Arguments) => unknown)[] = [
      (args) => args.astring(),
      (args) => args.list(() => args.astring()),
      (args) => args.set(),
      (args) => args.flag(),
      (args) => args.number(),
      (args) => args.nstring(),
      (args) => args.pattern(),
      (args) => args.end(),
    ];
    fc.assert(
      fc.property(fc.string(), fc.array(fc.nat(readers.length - 1)), (text, order) => {
        const args = read(text);
        try {
          for (const index of order) readers[index]?.(args);
        } catch (error) {
          expect(error).toBeInstanceOf(Malformed);
        }
      }),
    );
  });

  test.each([
    ['a1 NOOP', 'a1', 'NOOP'],
    ['a.b fetch 1', 'a.b', 'FETCH'],
    ['+ NOOP', null, ''],
    ['a', 'a', ''],
    ['', null, ''],
    [' a NOOP', null, ''],
  ])('%j has its tag and name', (line, tag, name) => {
    expect(commandName([line])).toMatchObject({ tag, name });
  });
});

describe('strings out', () => {
  test.each([
    ['plain', '"plain"'],
    ['a"b\\', '"a\\"b\\\\"'],
    ['a\r\nb', '{4}\r\na\r\nb'],
    ['\xc3\xbc', '{2}\r\n\xc3\xbc'],
    ['', '""'],
  ])('%j goes out as %j', (bytes, wire) => {
    expect(string(bytes)).toBe(wire);
  });

  test('an atom stays one unless it would read as NIL', () => {
    expect([astring('abc'), astring('nil'), astring('a b')]).toEqual(['abc', '"nil"', '"a b"']);
  });

  test('a mailbox name goes out as the client reads it', () => {
    expect([mailboxName('台', false), mailboxName('台', true), mailboxName('INBOX', false)]).toEqual([
      '"&U,A-"',
      '"\xe5\x8f\xb0"',
      'INBOX',
    ]);
  });

  test('response text cannot break out of its line', () => {
    expect(responseText('a\r\n* BYE')).toBe('a?* BYE');
    expect(responseText('[ALERT] x')).toBe('-[ALERT] x');
  });
});
