import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEPTH_MAX, MessageScanner, PARTS_MAX, scanMessage } from '../../../shared/mime/scan.ts';
import { decodeTransfer } from '../../../shared/mime/transfer.ts';
import { cutAt, everyPart, fixture, mail, shape, structuredMail, textOf } from './support.ts';

describe('the structural scan reads what RFC 2046 describes', () => {
  it('finds the parts of a multipart between preamble and epilogue', () => {
    const bytes = mail(
      'Content-Type: multipart/mixed; boundary="b"\n\npre\n--b\n\none\ntwo\n--b\nContent-Type: text/html\n\n<p>\n\n--b--\nepi\n',
    );
    const root = scanMessage(bytes);
    expect(shape(root)).toBe('multipart/mixed(text/plain text/html)');
    expect(root.children?.map((part) => [textOf(bytes, part), part.lines])).toEqual([
      ['one\r\ntwo', 1],
      ['<p>\r\n', 1],
    ]);
    expect(root.end).toBe(bytes.length);
    expect(root.children?.map((part) => new TextDecoder().decode(bytes.subarray(part.headerStart, part.bodyStart)))).toEqual([
      '\r\n',
      'Content-Type: text/html\r\n\r\n',
    ]);
  });

  it('takes LF alone for a line end, and white space after a boundary for padding', () => {
    const bytes = fixture('bare-lf');
    const root = scanMessage(bytes);
    expect(root.children?.map((part) => textOf(bytes, part))).toEqual(['one\ntwo', '<b>three</b>\n']);
  });

  it('lets a boundary be the prefix of another', () => {
    const bytes = fixture('prefix-boundaries');
    const root = scanMessage(bytes);
    expect(shape(root)).toBe('multipart/mixed(multipart/mixed(text/plain text/plain) text/plain)');
    expect(root.children?.[0]?.children?.map((part) => textOf(bytes, part))).toEqual([
      'inner one',
      'inner two\r\n--=_b-20\r\nstill inner two',
    ]);
  });

  it('ends inner parts at a delimiter of an outer multipart', () => {
    const bytes = fixture('unclosed');
    const root = scanMessage(bytes);
    expect(shape(root)).toBe('multipart/mixed(multipart/alternative(text/plain text/html) application/pdf)');
    expect(textOf(bytes, root.children?.[0]?.children?.[1] ?? root)).toBe('<p>html</p>');
    expect(root.children?.[1]?.decodedSize).toBe('%PDF-1.4\n'.length);
  });

  it('reads parts of a digest as messages unless they say otherwise', () => {
    const root = scanMessage(fixture('digest'));
    expect(shape(root)).toBe('multipart/digest(message/rfc822(text/plain) text/plain message/rfc822(multipart/mixed(text/plain)))');
    expect(root.children?.[0]?.children?.[0]?.headers).toBe('From: a@example.test\r\nSubject: first\r\n');
  });

  it('does not open an encoded enclosure', () => {
    const [part] = scanMessage(fixture('encoded-enclosure')).children ?? [];
    expect(part).toMatchObject({ type: 'message', subtype: 'rfc822', encoding: 'base64', decodedSize: 21 });
    expect(part?.children).toBeUndefined();
  });

  it.each([
    ['--b', true],
    ['--b \t ', true],
    ['--b;junk', true],
    ['--bc', false],
    ['--b-', false],
    [' --b', false],
    ['-- b', false],
    [`--b${' '.repeat(900)}`, true],
    [`--b${' '.repeat(1100)}`, false],
  ])('says whether %j is a delimiter for boundary b', (line, isDelimiter) => {
    const root = scanMessage(mail(`Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n${line}\n\ntwo\n--b--\n`));
    expect(root.children?.length).toBe(isDelimiter ? 2 : 1);
  });

  it('prefers a whole line that is an outer delimiter to one that begins like an inner one', () => {
    const inner = 'Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n';
    const root = scanMessage(mail(`Content-Type: multipart/mixed; boundary="a b"\n\n--a b\n${inner}--a b\n\ntwo\n--a b--\n`));
    expect(shape(root)).toBe('multipart/mixed(multipart/mixed(text/plain) text/plain)');
  });

  it('does not count the line break before a delimiter into a decoded size, but the last one of a message', () => {
    const part = 'Content-Transfer-Encoding: quoted-printable\n\na=3Db\n';
    const root = scanMessage(mail(`Content-Type: multipart/mixed; boundary=b\n\n--b\n${part}--b\n${part}`));
    expect(root.children?.map(({ decodedSize }) => decodedSize)).toEqual([3, 5]);
  });

  it('joins a boundary that RFC 2231 cut in two', () => {
    const root = scanMessage(mail('Content-Type: multipart/mixed; boundary*0="a"; boundary*1="b"\n\n--ab\n\nx\n--ab--\n'));
    expect(shape(root)).toBe('multipart/mixed(text/plain)');
  });
});

describe('what the scan cannot understand is one text part', () => {
  it.each(['broken-boundary', 'no-boundary-parameter', 'no-headers', 'no-body', 'only-blank-line'])('%s', (name) => {
    const bytes = fixture(name);
    const root = scanMessage(bytes);
    expect(shape(root)).toBe('text/plain');
    expect(root.end).toBe(bytes.length);
  });

  it('gives a message without header its whole text as body', () => {
    const bytes = fixture('no-headers');
    expect(textOf(bytes, scanMessage(bytes))).toMatch(/^This is a note/);
  });

  it('knows an empty message', () => {
    expect(scanMessage(new Uint8Array(0))).toMatchObject({
      type: 'text',
      subtype: 'plain',
      headerStart: 0,
      bodyStart: 0,
      end: 0,
      lines: 0,
    });
  });

  it.each([
    ['text', 'text/plain'],
    ['/', 'text/plain'],
    ['IMAGE/PNG (comment); x=y', 'image/png'],
    ['multipart/mixed; boundary=""', 'text/plain'],
    ['a/b/c', 'a/b'],
  ])('reads Content-Type %j as %s', (value, expected) => {
    expect(shape(scanMessage(mail(`Content-Type: ${value}\n\nbody\n`)))).toBe(expected);
  });
});

describe('the scan is bounded', () => {
  it.each(['nested-200', 'enclosed-200'])('stops at its depth limit in %s, and the rest stays readable', (name) => {
    const parts = everyPart(scanMessage(fixture(name)));
    expect(parts.length).toBe(DEPTH_MAX);
    const bytes = fixture(name);
    expect(textOf(bytes, parts.at(-1) ?? scanMessage(bytes))).toContain('At the bottom.');
  });

  it('stops at its part limit; the last part holds the rest', () => {
    const bytes = mail(`Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(PARTS_MAX + 50)}--b--\n`);
    const root = scanMessage(bytes);
    expect(everyPart(root).length).toBe(PARTS_MAX);
    expect(textOf(bytes, root.children?.at(-1) ?? root)).toMatch(/^x\r\n--b/);
  });

  it('looks at a bounded number of header octets', () => {
    const root = scanMessage(mail(`${'X-Padding: y\n'.repeat(40_000)}Content-Type: text/html\n\nbody\n`));
    expect(shape(root)).toBe('text/plain');
    expect(root.lines).toBe(1);
  });
});

describe('whatever the message', () => {
  it('offsets are ordered, nested and inside, lines and decoded sizes are those of the octets', () => {
    fc.assert(
      fc.property(structuredMail, (bytes) => {
        const root = scanMessage(bytes);
        expect(root.end).toBe(bytes.length);
        for (const part of everyPart(root)) {
          expect(part.headerStart <= part.bodyStart && part.bodyStart <= part.end).toBe(true);
          const body = bytes.subarray(part.bodyStart, part.end);
          expect(part.lines).toBe(body.filter((octet) => octet === 10).length);
          let from = part.bodyStart;
          for (const child of part.children ?? []) {
            expect(child.headerStart >= from && child.end <= part.end).toBe(true);
            from = child.end;
          }
          if (part.decodedSize !== undefined) expect(part.decodedSize).toBe(decodeTransfer(body, part.encoding).length);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('where the chunks are cut makes no difference', () => {
    fc.assert(
      fc.property(structuredMail, fc.array(fc.nat(), { maxLength: 30 }), (bytes, places) => {
        const scanner = new MessageScanner();
        for (const chunk of cutAt(bytes, places)) scanner.write(chunk);
        expect(scanner.finish()).toEqual(scanMessage(bytes));
      }),
      { numRuns: 1500 },
    );
  });

  it('one octet at a time makes no difference', () => {
    for (const name of ['unclosed', 'digest', 'bare-lf', 'nul-and-bare-cr', 'prefix-boundaries', 'no-headers']) {
      const bytes = fixture(name);
      const scanner = new MessageScanner();
      for (const octet of bytes) scanner.write(Uint8Array.of(octet));
      expect(scanner.finish()).toEqual(scanMessage(bytes));
    }
  });
});
