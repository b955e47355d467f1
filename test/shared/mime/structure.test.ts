import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { envelopeWire } from '../../../shared/mime/envelope.ts';
import { scanMessage } from '../../../shared/mime/scan.ts';
import { bodyStructureWire, numberedParts, partAt, type SectionKind, sectionRange } from '../../../shared/mime/structure.ts';
import { fixture, mail, structuredMail } from './support.ts';

/** The example of RFC 9051 §6.4.5.1, with bodies that say which part they are. */
const EXAMPLE = mail(
  [
    'Subject: root\nContent-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/plain\n\nis 1\n--m\nContent-Type: application/octet-stream\n\nis 2',
    '--m\nContent-Type: message/rfc822\n\nSubject: in three\nContent-Type: multipart/mixed; boundary=t\n\n--t\nContent-Type: text/plain\n\nis 3.1\n--t\n\nis 3.2\n--t--',
    '--m\nContent-Type: multipart/mixed; boundary=f\n\n--f\nContent-Type: image/gif\n\nis 4.1\n--f\nContent-Type: message/rfc822\n\nSubject: in four two',
    'Content-Type: multipart/mixed; boundary=g\n\n--g\nContent-Type: text/plain\n\nis 4.2.1\n--g\nContent-Type: multipart/alternative; boundary=h\n\n--h\n\nis 4.2.2.1\n--h\nContent-Type: text/richtext\n\nis 4.2.2.2\n--h--\n--g--\n--f--\n--m--\n',
  ].join('\n'),
);
const section = (bytes: Uint8Array, number: string, kind: SectionKind): string | null => {
  const range = sectionRange(scanMessage(bytes), number === '' ? [] : number.split('.').map(Number), kind);
  return range && new TextDecoder('latin1').decode(bytes.subarray(range.offset, range.offset + range.length));
};

describe('sections of RFC 9051 §6.4.5.1', () => {
  it.each(['1', '2', '3.1', '3.2', '4.1', '4.2.1', '4.2.2.1', '4.2.2.2'])('part %s is itself', (number) => {
    expect(section(EXAMPLE, number, 'body')).toBe(`is ${number}`);
  });

  it.each([
    ['', 'header', /^Subject: root\r\nContent-Type: .*\r\n\r\n$/],
    ['', 'text', /^--m\r\n[\s\S]*--m--\r\n$/],
    ['', 'body', /^Subject: root[\s\S]*--m--\r\n$/],
    ['3', 'header', /^Subject: in three\r\n[\s\S]*\r\n\r\n$/],
    ['3', 'text', /^--t\r\n[\s\S]*--t--$/],
    ['3', 'mime', /^Content-Type: message\/rfc822\r\n\r\n$/],
    ['3', 'body', /^Subject: in three[\s\S]*--t--$/],
    ['4.2', 'header', /^Subject: in four two\r\n/],
    ['4.2.2', 'mime', /^Content-Type: multipart\/alternative/],
    ['4', 'body', /^--f\r\n/],
  ] as const)('%s.%s', (number, kind, expected) => {
    expect(section(EXAMPLE, number, kind)).toMatch(expected);
  });

  it.each([
    ['5', 'body'],
    ['1.1', 'body'],
    ['1', 'header'],
    ['1', 'text'],
    ['4', 'header'],
    ['3.1.1', 'body'],
    ['0', 'body'],
    ['', 'mime'],
  ] as const)('%s.%s is not there', (number, kind) => {
    expect(section(EXAMPLE, number, kind)).toBeNull();
  });

  it('part 1 of a message that is no multipart is its body', () => {
    const bytes = mail('Subject: single\n\nthe body');
    expect(section(bytes, '1', 'body')).toBe('the body');
    expect(section(bytes, '1', 'mime')).toBe('Subject: single\r\n\r\n');
    expect(section(bytes, '1.1', 'body')).toBeNull();
    expect(section(bytes, '2', 'body')).toBeNull();
  });

  it('an enclosed message that is no multipart has one part', () => {
    const bytes = mail('Content-Type: message/rfc822\n\nSubject: inner\n\ninner body');
    expect(section(bytes, '1', 'header')).toBe('Subject: inner\r\n\r\n');
    expect(section(bytes, '1.1', 'body')).toBe('inner body');
  });

  it('numbers every part so that the number finds it', () => {
    fc.assert(
      fc.property(structuredMail, (bytes) => {
        const root = scanMessage(bytes);
        for (const [number, part] of numberedParts(root)) expect(partAt(root, number)).toBe(part);
      }),
    );
    expect(numberedParts(scanMessage(EXAMPLE)).map(([number]) => number)).toEqual([
      '1',
      '2',
      '3',
      '3.1',
      '3.2',
      '4',
      '4.1',
      '4.2',
      '4.2.1',
      '4.2.2',
      '4.2.2.1',
      '4.2.2.2',
    ]);
  });
});

describe('BODYSTRUCTURE', () => {
  const wire = (text: string, extensible = true) => bodyStructureWire(scanMessage(mail(text)), extensible);

  it('of plain text names its charset', () => {
    expect(wire('Subject: x\n\none\ntwo\n')).toBe('("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 2 NIL NIL NIL NIL)');
  });

  it('carries what the Content- fields say', () => {
    expect(
      wire(
        'Content-Type: IMAGE/png; name="a \\"b\\".png"\nContent-ID: <i@x>\nContent-Description: a picture\nContent-Transfer-Encoding: BASE64\nContent-MD5: Q==\nContent-Disposition: INLINE; filename=a.png\nContent-Language: en, fr\nContent-Location: http://x/\n\nQUJD\n',
      ),
    ).toBe(
      '("image" "png" ("name" "a \\"b\\".png") "<i@x>" "a picture" "base64" 6 "Q==" ("inline" ("filename" "a.png")) ("en" "fr") "http://x/")',
    );
  });

  it('joins what RFC 2231 lets a parameter be cut into', () => {
    const parametersOf = (field: string) =>
      /^\("application" "x" (NIL|\(.*?\)) NIL/.exec(wire(`Content-Type: application/x; ${field}\n\nx\n`))?.[1];
    expect(parametersOf('url*0=ftp://; a=1; url*1="cs.test/x y"')).toBe('("url" "ftp://cs.test/x y" "a" "1")');
    expect(parametersOf("title*0*=us-ascii'en'This%20is%20more%20; title*1*=%2Afun%2A%20; title*2=\"isn't it!\"")).toBe(
      `("title*" "us-ascii'en'This%20is%20more%20%2Afun%2A%20isn%27t%20it!")`,
    );
    expect(parametersOf("name*1=b; name*0*=utf-8''%C3%A9; x*1=alone")).toBe(`("name*" "utf-8''%C3%A9b" "x*1" "alone")`);
    expect(parametersOf('a*0="x y"; a*1*=%41; a*3=lost')).toBe(`("a*" "''x%20y%41" "a*3" "lost")`);
  });

  it('of a multipart lists parts, subtype and, when extensible, parameters', () => {
    const text = 'Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: text/html; charset=utf-8\n\ny\n--b--\n';
    expect(wire(text, false)).toBe(
      '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0)("text" "html" ("charset" "utf-8") NIL NIL "7bit" 1 0) "mixed")',
    );
    expect(wire(text)).toMatch(/ "mixed" \("boundary" "b"\) NIL NIL NIL\)$/);
  });

  it('of an enclosed message holds its envelope, structure and lines', () => {
    expect(wire('Content-Type: message/rfc822\n\nFrom: a@b\nSubject: i\n\nx\n', false)).toBe(
      '("message" "rfc822" NIL NIL NIL "7bit" 28 (NIL "i" ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1) 4)',
    );
  });

  it('calls an enclosure it cannot open octets, for which no envelope is due', () => {
    expect(bodyStructureWire(scanMessage(fixture('encoded-enclosure')), false)).toBe(
      '(("application" "octet-stream" NIL NIL NIL "base64" 28) "mixed")',
    );
  });

  it('sends 8-bit values as literals', () => {
    expect(bodyStructureWire(scanMessage(fixture('eight-bit-headers')), false)).toContain(
      '("name" {7}\r\n\xe9t\xe9.txt "charset" "us-ascii")',
    );
  });
});

describe('ENVELOPE', () => {
  it('defaults Sender and Reply-To to From and leaves values undecoded', () => {
    expect(
      envelopeWire(
        'Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nSubject: =?utf-8?Q?a?=\r\n  b\r\nFrom: "J. Doe" <j@d.test>\r\nTo: g: a@b;\r\nIn-Reply-To: <x@y>\r\nMessage-ID: <z@y>\r\n',
      ),
    ).toBe(
      '("Fri, 21 Nov 1997 09:55:06 -0600" "=?utf-8?Q?a?= b" (("J. Doe" NIL "j" "d.test")) (("J. Doe" NIL "j" "d.test")) (("J. Doe" NIL "j" "d.test")) ((NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL)) NIL NIL "<x@y>" "<z@y>")',
    );
  });

  it('of repeated fields takes the last text and all addresses', () => {
    expect(envelopeWire('Subject: 1\nSubject: 2\nTo: a@b\nTo: c@d\n')).toBe(
      '(NIL "2" NIL NIL NIL ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL)',
    );
  });

  it('names the missing half of an address', () => {
    expect(envelopeWire('From: <foo>\nTo: <>\nSubject:\n')).toContain('(NIL NIL "foo" "MISSING_DOMAIN")');
    expect(envelopeWire('To: <>\nSubject:\n')).toBe('(NIL "" NIL NIL NIL ((NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN")) NIL NIL NIL NIL)');
  });

  it('sends raw 8-bit and over-long values as literals', () => {
    expect(envelopeWire('Subject: \xe4\n')).toContain('{1}\r\n\xe4');
    expect(envelopeWire(`Subject: ${'x'.repeat(2000)}\n`)).toContain('{2000}\r\nxxx');
  });
});
