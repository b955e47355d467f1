import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import { mailboxesOf, parseAddressList } from '../../../shared/mime/addresses.ts';
import { unfold } from '../../../shared/mime/headers.ts';
import { byteString, octetsOf } from '../../../shared/mime/octets.ts';
import { decodeParameter, parseStructured } from '../../../shared/mime/parameters.ts';
import { decodeWords, encodeParameter, encodePhrase, encodeUnstructured, encodeWords } from '../../../shared/mime/words.ts';

const raw = (text: string) => byteString(new TextEncoder().encode(text));

describe('encoded words are read as RFC 2047 means them', () => {
  it.each([
    ['plain', 'plain'],
    ['=?US-ASCII?Q?Keith_Moore?=', 'Keith Moore'],
    ['=?ISO-8859-1?Q?Andr=E9?= Pirard', 'André Pirard'],
    ['=?ISO-8859-1?Q?a?= b', 'a b'],
    ['=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=', 'ab'],
    ['=?ISO-8859-1?Q?a?=  \t =?utf-8?B?Yg==?=', 'ab'],
    ['=?utf-8?B?5aSp5rC?= =?utf-8?B?U?=', '天气'],
    ['=?utf-8?Q?=E5=A4=A9=E6?= =?utf-8?Q?=B0=94?=', '天气'],
    ['=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=', '日本'],
    ['=?gb2312?B?zOzG+A==?=', '天气'],
    ['=?utf-8*en?q?x=41?=', 'xA'],
    ['=?utf-8?Q?with space?=', 'with space'],
    ['=?utf-8?Q?really??=', 'really?'],
    ['=?UTF-7?Q?+AOQ-?=', 'ä'],
    ['x=?utf-8?Q?a?=y', 'xay'],
  ])('%s', (value, expected) => {
    expect(decodeWords(value)).toBe(expected);
  });

  it.each(['=?utf-8?Q?unclosed', '=?utf-8?X?a?=', '=?martian?Q?a?=', '=?', '=??=', '=?a?=', '=?utf-8?Q'])('%s stays as it is', (value) => {
    expect(decodeWords(value)).toBe(value);
  });

  it('raw UTF-8 and raw Latin-1 around words are guessed', () => {
    expect(decodeWords(raw('Café =?utf-8?Q?a?='))).toBe('Café a');
    expect(decodeWords('Caf\xe9')).toBe('Café');
  });

  it('a broken word does not hide the next one', () => {
    expect(decodeWords('=?utf-8?Q?broken =?utf-8?Q?fine?=')).toBe('=?utf-8?Q?broken fine');
  });

  it('takes time in proportion to the length, whatever is in it', () => {
    const started = performance.now();
    for (const piece of ['=?', '=?a?q?', '=?utf-8?q?x', '?=', '=?utf-8?q?x?= ']) decodeWords(piece.repeat(100_000 / piece.length));
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('words are written so that everybody reads them', () => {
  it('any text survives, in words of at most 75 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), (text) => {
        const words = encodeWords(text);
        expect(words.every((word) => word.length <= 75)).toBe(true);
        expect(decodeWords(words.join(' '))).toBe(text);
      }),
    );
  });

  it('each word decodes alone: no character is cut', () => {
    for (const word of encodeWords('天气预报'.repeat(30))) expect(decodeWords(word)).not.toContain('\ufffd');
  });

  it.each([
    ['Jane Doe', 'Jane Doe'],
    ['Doe, Jane', '"Doe, Jane"'],
    ['J. "Q" Doe', '"J. \\"Q\\" Doe"'],
    ['=?x?=', '=?utf-8?B?PT94Pz0=?='],
    ['张三', '=?utf-8?B?5byg5LiJ?='],
  ])('the name %s', (name, expected) => {
    expect(encodePhrase(name)).toBe(expected);
  });

  it('leaves a plain subject alone', () => {
    expect(encodeUnstructured('Re: [list] 100% plain')).toBe('Re: [list] 100% plain');
  });

  it('postal-mime reads what we write', async () => {
    const subject = 'Grüße aus 北京 — 🎉 und so weiter, lang genug für mehrere Wörter';
    const parsed = await PostalMime.parse(`Subject: ${encodeUnstructured(subject).replaceAll(' ', '\r\n ')}\r\n\r\n`);
    expect(parsed.subject).toBe(subject);
  });
});

describe('parameters', () => {
  it.each([
    [`text/plain; charset=utf-8; name="a b.txt"`, 'name', 'a b.txt'],
    [`x/y; NAME = "quo\\"ted"`, 'name', 'quo"ted'],
    [`x/y; name*=utf-8'en'%e2%82%ac%20rates`, 'name', '€ rates'],
    [`x/y; name*0*=iso-8859-1''a%e9; name*1="b"; name*2*=%e8`, 'name', 'aébè'],
    [`x/y; name*1=b; name*0=a; name*3=lost`, 'name', 'ab'],
    [`x/y; name="=?utf-8?B?5aSp?="; size=3`, 'name', '天'],
    [`x/y; name="plain"; name*=utf-8''better`, 'name', 'better'],
    [`x/y; name=my file.doc; x=1`, 'name', 'my file.doc'],
    [`x/y; name=a(1).txt (comment; name=no)`, 'name', 'a(1).txt'],
    [`x/y;;; ; =; name`, 'name', undefined],
    [`x/y; name="unclosed`, 'name', 'unclosed'],
    [`x/y; name*=martian''gr%fcn`, 'name', 'grün'],
    [`x/y; name*=%E5%A4%A9`, 'name', '天'],
  ])('%s', (field, name, expected) => {
    expect(decodeParameter(parseStructured(field).parameters, name)).toBe(expected);
  });

  it('any file name survives being written and read', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 120 }), (name) => {
        fc.pre(!/[\r\n\0]/.test(name) && !name.includes('=?') && name === name.trim());
        const field = ['attachment', ...encodeParameter('filename', name)].join('; ');
        expect(decodeParameter(parseStructured(field).parameters, 'filename')).toBe(name);
      }),
    );
  });

  it('nothing throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const field = byteString(octetsOf(text));
        decodeWords(field);
        decodeParameter(parseStructured(field).parameters, 'name');
      }),
    );
  });
});

describe('raw UTF-8 that ends in octet 0xA0', () => {
  it('keeps its last letter in subjects, names, local parts and parameters', () => {
    expect(decodeWords(unfold(raw(' déjà\r\n voilà \r\n')))).toBe('déjà voilà');
    expect(mailboxesOf(parseAddressList(raw('voilà <là@exà.test>')))).toMatchObject([{ name: 'voilà', email: 'là@exà.test' }]);
    expect(decodeParameter(parseStructured(raw('text/plain; name=voilà ; x=y')).parameters, 'name')).toBe('voilà');
  });
});
