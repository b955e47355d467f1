/** Header fields as JMAP shows them (RFC 8621 §4.1.2, §4.1.3): which form may be asked of which field, and what each form makes of a field. */
import { describe, expect, test } from 'vitest';
import { HEADER_FORMS, parseHeaderProperty } from '../../../shared/jmap/email/header-property.ts';
import { headerPropertyValue } from '../../../shared/jmap/email/header-values.ts';
import { parseHeaderBlock } from '../../../shared/mime/headers.ts';

/** A field in a form; values are byte strings. */
function shown(block: string, property: string): unknown {
  const parsed = parseHeaderProperty(property);
  if (parsed === null) throw new Error(`${property} is refused`);
  return headerPropertyValue(parseHeaderBlock(block), parsed);
}

const ADDRESS_FIELDS = ['From', 'Sender', 'Reply-To', 'To', 'Cc', 'Bcc'].flatMap((name) => [name, `Resent-${name}`]);
const ALLOWED: Record<string, readonly string[]> = {
  Text: ['Subject', 'Comments', 'Keywords'],
  Addresses: ADDRESS_FIELDS,
  GroupedAddresses: ADDRESS_FIELDS,
  MessageIds: ['Message-ID', 'In-Reply-To', 'References', 'Resent-Message-ID'],
  Date: ['Date', 'Resent-Date'],
  URLs: ['List-Help', 'List-Unsubscribe', 'List-Subscribe', 'List-Post', 'List-Owner', 'List-Archive'],
};
const DEFINED = [...new Set(Object.values(ALLOWED).flat()), 'Return-Path', 'Received'];
/** In neither RFC 5322 nor RFC 2369: any form. */
const OTHERS = ['List-Id', 'List-Unsubscribe-Post', 'X-Mine', 'Content-Type', 'Autocrypt'];

describe('the forms of a field are those of RFC 8621 §4.1.2', () => {
  test.each(DEFINED)('%s', (name) => {
    for (const suffix of ['', ':all']) {
      expect(parseHeaderProperty(`header:${name}${suffix}`)).not.toBeNull();
      for (const [form, fields] of Object.entries(ALLOWED)) {
        expect(parseHeaderProperty(`header:${name.toLowerCase()}:as${form}${suffix}`) !== null, form).toBe(fields.includes(name));
      }
    }
  });

  test.each(OTHERS)('%s, which neither RFC defines, may take any', (name) => {
    for (const form of HEADER_FORMS) expect(parseHeaderProperty(`header:${name}:as${form}:all`)).toMatchObject({ form, all: true });
  });

  test.each([
    'header',
    'header:',
    'header::all',
    'header:a b',
    'header:ä',
    'header:X:astext',
    'header:X:asText:ALL',
    'header:X:all:asText',
  ])('%s names nothing', (property) => expect(parseHeaderProperty(property)).toBeNull());
});

test('without :all it is the last field of the name, with :all each in order, whatever the case of the name', () => {
  const block = 'X-A: 1\r\nSubject: s\r\nx-a:2\r\nX-a:  3 \r\n';
  expect(shown(block, 'header:X-A')).toBe('  3 ');
  expect(shown(block, 'header:x-A:all')).toEqual([' 1', '2', '  3 ']);
  expect(shown(block, 'header:X-B')).toBeNull();
  expect(shown(block, 'header:X-B:asAddresses')).toBeNull();
  expect(shown(block, 'header:X-B:all')).toEqual([]);
  expect(shown(`${block}X-A: <a@b>\r\n`, 'header:X-A:asMessageIds:all')).toEqual([null, null, null, ['a@b']]);
});

test.each([
  [' leading and trailing ', ' leading and trailing '],
  [' folded\r\n\tas it\r\n  is', ' folded\r\n\tas it\r\n  is'],
  ['=?utf-8?q?a?=', '=?utf-8?q?a?='],
  [' caf\xc3\xa9', ' café'],
  [' caf\xe9!', ' caf\ufffd!'],
  [' a\0b', ' ab'],
  ['', ''],
])('Raw: %j is %j', (value, raw) => {
  expect(shown(`X:${value}\r\n`, 'header:X')).toBe(raw);
  expect(shown(`X:${value}\r\n`, 'header:X:asRaw:all')).toEqual([raw]);
});

test.each([
  ['  spaces ', 'spaces '],
  ['\r\n folded\r\n\tby a tab', 'folded\tby a tab'],
  [' =?UTF-8?q?=C3=84?= =?iso-8859-1?Q?=D6?=', 'ÄÖ'],
  [' =?utf-8?b?w4Q=?=\r\n =?utf-8?b?w5Y=?=', 'ÄÖ'],
  [' a =?utf-8?q?b_c?= d', 'a b c d'],
  [' =?utf-8*de?q?=C3=BC?=', 'ü'],
  [' =?utf-8?q?a=00=07=09b?=', 'ab'],
  [' e =?utf-8?q?e=CC=81?=', 'e é'],
  [' =?utf-8?q?=FF?=', '\ufffd'],
  [' =?no-such-charset?q?a?=', '=?no-such-charset?q?a?='],
  [' Re:=?utf-8?q?a?=', 'Re:=?utf-8?q?a?='],
  [' =?utf-8?q?a?=b', '=?utf-8?q?a?=b'],
  [' "=?utf-8?q?a?="', '"=?utf-8?q?a?="'],
  [' =?utf-8?q?a?==?utf-8?q?b?=', '=?utf-8?q?a?==?utf-8?q?b?='],
  [' =?utf-8?q?a b?=', '=?utf-8?q?a b?='],
  [' =?utf-8?x?a?=', '=?utf-8?x?a?='],
  [' caf\xc3\xa9 =?utf-8?q?=C3=A9?=', 'café é'],
])('Text: %j is %j', (value, text) => {
  expect(shown(`X:${value}\r\n`, 'header:X:asText')).toBe(text);
});

const joe = { name: 'Joe Bloggs', email: 'joe@x.test' };
test.each([
  [' Joe Bloggs <joe@x.test>', [joe]],
  [' "  Joe\r\n Bloggs " <joe@x.test>', [joe]],
  [' joe@x.test (Joe Bloggs)', [joe]],
  [' "J \\"q\\" \\\\ B" <joe@x.test>', [{ ...joe, name: 'J "q" \\ B' }]],
  [' =?utf-8?q?J=C3=B6rg=2C_B?= <joe@x.test>', [{ ...joe, name: 'Jörg, B' }]],
  [' =?utf-8?q?J?= =?utf-8?q?oe?= <joe@x.test>', [{ ...joe, name: 'Joe' }]],
  [' "=?utf-8?q?Joe?=" <joe@x.test>', [{ ...joe, name: '=?utf-8?q?Joe?=' }]],
  [' J=?utf-8?q?oe?= <joe@x.test>', [{ ...joe, name: 'J=?utf-8?q?oe?=' }]],
  [' "J." =?utf-8?q?B=00?= "" <joe@x.test>', [{ ...joe, name: 'J. B' }]],
  [' joe@x.test (=?utf-8?q?Joe_Bloggs?=)', [joe]],
  [
    ' joe@x.test,, , nobody',
    [
      { name: null, email: 'joe@x.test' },
      { name: null, email: 'nobody' },
    ],
  ],
  [' "" <joe@x.test>', [{ name: null, email: 'joe@x.test' }]],
  [' Friends: joe@x.test, Joe Bloggs <joe@x.test>;, None:;', [{ name: null, email: 'joe@x.test' }, joe]],
  [' Group:;', []],
  ['', []],
])('Addresses: %j', (value, addresses) => {
  expect(shown(`X:${value}\r\n`, 'header:X:asAddresses')).toEqual(addresses);
});

const nobody = (email: string) => ({ name: null, email });
test.each([
  [' a@x, b@x, G: c@x;, d@x', [['a@x', 'b@x'], 'G', ['c@x'], ['d@x']]],
  [' G:;, "H \\"h\\"": a@x;', ['G', [], 'H "h"', ['a@x']]],
  [' =?utf-8?q?=C3=84?=: a@x;', ['Ä', ['a@x']]],
  [' "=?utf-8?q?A?=": a@x;', ['=?utf-8?q?A?=', ['a@x']]],
  ['', []],
])('GroupedAddresses: %j', (value, shape) => {
  const groups: unknown[] = [];
  let name: string | null = null;
  for (const item of shape) {
    if (typeof item === 'string') name = item;
    else {
      groups.push({ name, addresses: item.map(nobody) });
      name = null;
    }
  }
  expect(shown(`X:${value}\r\n`, 'header:X:asGroupedAddresses')).toEqual(groups);
});

test.each([
  [' <a@x>', ['a@x']],
  [' <a@x>\r\n <b@x>(comment) <c@x>', ['a@x', 'b@x', 'c@x']],
  [' in a letter of yesterday', null],
  ['', null],
])('MessageIds: %j', (value, ids) => {
  expect(shown(`X:${value}\r\n`, 'header:X:asMessageIds')).toEqual(ids);
});

test.each([
  [' Tue, 10 Jul 2018 11:03:11 +1000', '2018-07-10T11:03:11+10:00'],
  [' 10 Jul 2018 11:03 -0330 (comment)', '2018-07-10T11:03:00-03:30'],
  [' Tue, 10 Jul 2018 01:03:11 GMT', '2018-07-10T01:03:11Z'],
  [' Tue, 10 Jul 2018 01:03:11 -0000', '2018-07-10T01:03:11Z'],
  [' Tue, 10 Jul 18 01:03:11 EST', '2018-07-10T01:03:11-05:00'],
  [' Sat, 31 Dec 2016 23:59:60 +0000', '2017-01-01T00:00:00Z'],
  [' Mon, 31 Feb 2018 01:03:11 +0000', null],
  [' 31 Dec 9999 23:59:59 -1200', null],
  [' yesterday', null],
  ['', null],
])('Date: %j is %j', (value, date) => {
  expect(shown(`X:${value}\r\n`, 'header:X:asDate')).toBe(date);
});

test.each([
  [' <https://x.test/a>, <mailto:b@x.test?subject=c> (by mail)', ['https://x.test/a', 'mailto:b@x.test?subject=c']],
  [' (not <this>) <https://x.test/\r\n  folded>', ['https://x.test/folded']],
  [' NO (nobody may post)', null],
  ['', null],
])('URLs: %j', (value, urls) => {
  expect(shown(`X:${value}\r\n`, 'header:X:asURLs')).toEqual(urls);
});
