import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteString, octetsOf } from '../../../shared/mime/octets.ts';
import {
  base64,
  decodeTransfer,
  encodeBase64,
  encodeQuotedPrintable,
  octetCounter,
  transferDecoder,
} from '../../../shared/mime/transfer.ts';
import { cutAt } from './support.ts';

const decoded = (text: string, encoding: string) => byteString(decodeTransfer(octetsOf(text), encoding));

describe('transfer encodings are undone', () => {
  it.each([
    ['base64', 'QUJD', 'ABC'],
    ['base64', 'QU\r\n JD\r\n', 'ABC'],
    ['base64', 'QQ==QkM=', 'ABC'],
    ['base64', 'QUI', 'AB'],
    ['base64', '*Q-U_J!D', 'ABC'],
    ['base64', '====', ''],
    ['quoted-printable', 'a=3Db=e4', 'a=b\xe4'],
    ['quoted-printable', 'soft=\r\nbreak=  \r\n!', 'softbreak!'],
    ['quoted-printable', 'trailing  \t\r\nspace ', 'trailing\r\nspace'],
    ['quoted-printable', 'broken = and =x and =4', 'broken = and =x and =4'],
    ['quoted-printable', 'unix=\nend=', 'unixend'],
    ['quoted-printable', '==41', '=A'],
    ['7bit', 'a=41 ', 'a=41 '],
    ['x-unknown', 'QUJD', 'QUJD'],
  ])('%s %j', (encoding, text, expected) => {
    expect(decoded(text, encoding)).toBe(expected);
  });

  it('a stream gives the same as the whole, and the counter its length', () => {
    const text = fc
      .array(fc.constantFrom('=', '41', '\r\n', '\n', '\r', ' ', '\t', 'x', 'QUJD', '==', '\xe4'), { maxLength: 40 })
      .map((parts) => octetsOf(parts.join('')));
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 8 }), fc.constantFrom('base64', 'quoted-printable'), (bytes, places, encoding) => {
        const decoder = transferDecoder(encoding);
        const counter = octetCounter(encoding);
        let out = '';
        for (const chunk of cutAt(bytes, places)) {
          out += byteString(decoder.write(chunk));
          counter?.write(chunk);
        }
        out += byteString(decoder.finish());
        expect(out).toBe(byteString(decodeTransfer(bytes, encoding)));
        expect(counter?.octets()).toBe(out.length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('transfer encodings are applied', () => {
  it('any octets survive base64 in lines of 76', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const lines = byteString(encodeBase64(bytes)).split('\r\n');
        expect(lines.every((line, index) => (index < lines.length - 1 ? line.length === 76 : line.length <= 76))).toBe(true);
        expect(decodeTransfer(octetsOf(lines.join('\r\n')), 'base64')).toEqual(bytes);
        expect(base64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
      }),
    );
  });

  it('any text survives quoted-printable in lines of 76', () => {
    const text = fc.array(fc.constantFrom('\r\n', ' ', '\t', 'From ', '.', 'ä', 'x'.repeat(40), '=', 'word ', '\n', '\r'), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(text, (pieces) => {
        const octets = new TextEncoder().encode(pieces.join(''));
        const encoded = encodeQuotedPrintable(octets);
        expect(encoded.split('\r\n').every((line) => line.length <= 76 && !/^(\.|From )|[ \t]$/.test(line))).toBe(true);
        expect(decodeTransfer(octetsOf(encoded), 'quoted-printable')).toEqual(octets);
      }),
      { numRuns: 1000 },
    );
  });
});
