import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText } from '../../../shared/mime/charset.ts';
import { formatDate, parseDate } from '../../../shared/mime/date.ts';
import { headerFieldRanges, isKeptField, keepFields, parseHeaderBlock, unfold } from '../../../shared/mime/headers.ts';
import { boundedReferences, parseMessageIds, THREAD_REFERENCES_MAX } from '../../../shared/mime/messageids.ts';

describe('header blocks', () => {
  const block = 'Subject: one\r\n two\r\nno field here\r\n stray fold\r\nX-Empty:\r\nTo : a@b\r\nbcc: c@d,\r\n\te@f\r\n\r\nbody: no\r\n';

  it('are fields in order, values with their folding', () => {
    expect(parseHeaderBlock(block).map(({ name, value }) => [name, value])).toEqual([
      ['Subject', ' one\r\n two'],
      ['X-Empty', ''],
      ['To', ' a@b'],
      ['bcc', ' c@d,\r\n\te@f'],
    ]);
  });

  it('tell where a field lies, folds included', () => {
    const [range] = headerFieldRanges(block, ['bcc']);
    expect(block.slice(range?.start, range?.end)).toBe('bcc: c@d,\r\n\te@f\r\n');
  });

  it('unfold by dropping the line break alone', () => {
    expect(unfold(' a\r\n  b\r\n\tc ')).toBe('a  b\tc');
  });

  it('keep what clients list, say when something did not fit, and still keep what does', () => {
    const raw = `Received: x\r\nSubject: s\nX-Spam-Status: ${'y'.repeat(100)}\r\nList-Id: l\r\n`;
    const kept = keepFields(raw, parseHeaderBlock(raw), isKeptField, 60);
    expect(kept).toEqual({ headers: 'Subject: s\r\nList-Id: l\r\n', complete: false });
  });
});

describe('dates', () => {
  it.each([
    ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06Z', -360],
    ['21 Nov 97 09:55 GMT', '1997-11-21T09:55:00Z', 0],
    ['Thu, 13 Feb 1969 23:32 -0330', '1969-02-14T03:02:00Z', -210],
    ['Thu,\t13\tFeb\t2020 23:32:54 -0330 (Newfoundland Time)', '2020-02-14T03:02:54Z', -210],
    ['Sat, 1 Jan 05 00:00:00 EST', '2005-01-01T05:00:00Z', -300],
    ['Tue Oct  8 10:44:05 2002', '2002-10-08T10:44:05Z', 0],
    ['Mon, 2 Sep 2002 1:10:33 +0000', '2002-09-02T01:10:33Z', 0],
    ['1 Jan 2026 00:00:60 +0000', '2026-01-01T00:01:00Z', 0],
    ['2026-11-22T04:05:06+08:00', '2026-11-21T20:05:06Z', 480],
    ['Wed, 5-Mar-2003 12:00:00 Z', '2003-03-05T12:00:00Z', 0],
    ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', '1997-11-21T15:55:06Z', -360],
  ])('%s', (value, iso, zone) => {
    expect(parseDate(value)).toEqual({ time: Date.parse(iso), zone });
  });

  it.each(['', 'yesterday', '32 Jan 2020 10:00', '1 Foo 2020 10:00', '1 Jan 2020', '10:00', 'Fri, 21 Nov 1997 25:00:00'])(
    '%j is none',
    (value) => {
      expect(parseDate(value)).toBeNull();
    },
  );

  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), fc.integer({ min: -720, max: 840 }), (seconds, zone) => {
        expect(parseDate(formatDate(seconds * 1000, zone))).toEqual({ time: seconds * 1000, zone });
      }),
    );
  });
});

describe('message ids', () => {
  it.each([
    ['<a@b>', ['a@b']],
    [' <a@b>\t<c@d> <a@b>', ['a@b', 'c@d']],
    ['Your message of "Mon" <a@b>; from x@y', ['a@b']],
    ['a@b', ['a@b']],
    ['no id at all', []],
    ['<>', []],
    ['<a b@c>', ['ab@c']],
    // RFC 5322, appendix A.6.3.
    ['<1234   @   local(blah)  .machine .example>', ['1234@local.machine.example']],
    ['(c) <"q \\" (q)"@b> (d)', ['"q \\" (q)"@b']],
    [`<${'"\\'.repeat(30_000)}@x>`, []],
  ])('%s', (value, ids) => {
    expect(parseMessageIds(value)).toEqual(ids);
  });

  it('of long References are the first and the last', () => {
    const ids = Array.from({ length: 50 }, (_, index) => `${index}@x`);
    const kept = boundedReferences(ids);
    expect([kept.length, kept[0], kept[1], kept.at(-1)]).toEqual([THREAD_REFERENCES_MAX, '0@x', '31@x', '49@x']);
  });
});

describe('charsets', () => {
  const bytes = (...octets: number[]) => Uint8Array.from(octets);
  it.each([
    ['utf-8', bytes(0xe5, 0xa4, 0xa9), '天'],
    ['"UTF8"', bytes(0xc3, 0xa4), 'ä'],
    ['ISO_8859-1', bytes(0xe4), 'ä'],
    ['ISO8859_15', bytes(0xa4), '€'],
    ['win-1251', bytes(0xe6), 'ж'],
    ['cp936', bytes(0xcc, 0xec), '天'],
    ['us-ascii', bytes(0xc3, 0xa4), 'ä'],
    ['us-ascii', bytes(0xe4), 'ä'],
    ['x-martian', bytes(0xe4), 'ä'],
    ['x-martian', bytes(0xc3, 0xa4), 'ä'],
    ['hz-gb-2312', bytes(0x41), 'A'],
    ['utf-7', new TextEncoder().encode('Hi Mom -+Jjo--! A+ImIDkQ. 1+-1'), 'Hi Mom -☺-! A≢Α. 1+1'],
    ['', bytes(0xc3, 0xa4, 0xe5, 0xa4), 'ä'],
    ['', bytes(0x61, 0xe5), 'aå'],
  ])('%s', (label, octets, expected) => {
    expect(decodeText(octets, label)).toBe(expected);
  });

  it('nothing throws', () => {
    fc.assert(fc.property(fc.uint8Array(), fc.string(), (octets, label) => void decodeText(octets, label)));
  });
});
