import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ADDRESSES_MAX, type AddressItem, mailboxesOf, parseAddressList } from '../../../shared/mime/addresses.ts';
import { envelopeWire } from '../../../shared/mime/envelope.ts';
import { byteString } from '../../../shared/mime/octets.ts';

const brief = (items: AddressItem[]): string =>
  items
    .map((item) =>
      'group' in item ? `${item.group}:[${brief(item.members)}]` : item.name === null ? item.email : `${item.name} <${item.email}>`,
    )
    .join(' | ');

describe('address lists', () => {
  it.each([
    ['a@b.test', 'a@b.test'],
    ['A B <a@b.test>, c@d.test', 'A B <a@b.test> | c@d.test'],
    ['"B, A" <a@b.test>', 'B, A <a@b.test>'],
    ['"say \\"hi\\"" <a@b.test>', 'say "hi" <a@b.test>'],
    ['J. R. Doe <a@b.test>', 'J. R. Doe <a@b.test>'],
    ['a@b.test (Name (nested) Here)', 'Name (nested) Here <a@b.test>'],
    ['Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>', 'Pete <pete@silly.test>'],
    ['A Group:Ed <e@d.test>,joe@w.test,John <j@o.test>;', 'A Group:[Ed <e@d.test> | joe@w.test | John <j@o.test>]'],
    ['Undisclosed recipients:;', 'Undisclosed recipients:[]'],
    ['list:a@b.test; c@d.test', 'list:[a@b.test] | c@d.test'],
    ['<@a.test,@b.test:joe@c.test>', 'joe@c.test'],
    ['"john smith"@b.test', 'john smith@b.test'],
    ['a . b @ c . test', 'a.b@c.test'],
    ['<a@b.test>', 'a@b.test'],
    ['<a@b.test', 'a@b.test'],
    ['a@b.test; c@d.test', 'a@b.test | c@d.test'],
    ['John a@b.test', 'John <a@b.test>'],
    ['=?utf-8?Q?J=C3=BCrgen?= <j@b.test>', 'Jürgen <j@b.test>'],
    ['J\xfcrgen <j@b.test>', 'Jürgen <j@b.test>'],
    ['mailto:a@b.test', 'mailto:a@b.test'],
    ['nobody', 'nobody'],
    [', ,,', ''],
    ['', ''],
    ['"unclosed <a@b.test>', '"unclosed <a@b.test>'],
    ['(unclosed', ''],
    ['x@[192.0.2.1]', 'x@[192.0.2.1]'],
  ])('%s', (value, expected) => {
    expect(brief(parseAddressList(value))).toBe(expected);
  });

  it('keeps raw names undecoded beside decoded ones', () => {
    expect(parseAddressList('=?utf-8?Q?=C3=A4?= <a@b.test>')[0]).toMatchObject({
      name: 'ä',
      rawName: '=?utf-8?Q?=C3=A4?=',
      local: 'a',
      domain: 'b.test',
      route: null,
    });
  });

  it('reads raw UTF-8 addresses (RFC 6532)', () => {
    expect(mailboxesOf(parseAddressList(byteString(new TextEncoder().encode('张三 <用户@例子.test>'))))[0]).toMatchObject({
      name: '张三',
      email: '用户@例子.test',
    });
  });

  it('is bounded and linear', () => {
    const started = performance.now();
    expect(mailboxesOf(parseAddressList('a@b.test,'.repeat(5000))).length).toBeLessThanOrEqual(ADDRESSES_MAX);
    for (const piece of ['(', '<', '"', '\\', 'a:', '<"', '"\\', 'x ', '@', '<a@b>(', '.']) parseAddressList(piece.repeat(60_000));
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('never throws, and its envelope is well-formed', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab@.,;:<>()"\\ \t=?[]\u00e4'), maxLength: 40 }), (value) => {
        const wire = envelopeWire(`From: ${value}\r\nTo: x${value}\r\n`);
        expect(balanced(wire)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

/** Parentheses close outside of strings, strings end, literals have their length. */
function balanced(wire: string): boolean {
  let depth = 0;
  for (let at = 0; at < wire.length; at++) {
    const literal = /^\{(\d+)\}\r\n/.exec(wire.slice(at, at + 12));
    if (literal) at += literal[0].length + Number(literal[1]) - 1;
    else if (wire[at] === '"') {
      for (at++; wire[at] !== '"'; at++) {
        if (at >= wire.length) return false;
        if (wire[at] === '\\') at++;
      }
    } else if (wire[at] === '(') depth++;
    else if (wire[at] === ')' && --depth < 0) return false;
  }
  return depth === 0;
}
