import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyLists, bodyTree, hasAttachment } from '../../../shared/mime/bodylists.ts';
import { htmlToText, titlesIn } from '../../../shared/mime/htmlText.ts';
import { indexMessage, KEPT_HEADERS_MAX, MessageIndexer, STRUCTURE_MAX } from '../../../shared/mime/indexer.ts';
import { scanMessage } from '../../../shared/mime/scan.ts';
import { cutAt, fixture, mail, shape, structuredMail } from './support.ts';

describe('the index of a message', () => {
  it('holds what a listing shows', () => {
    const index = indexMessage(
      mail(
        'From: =?utf-8?Q?J=C3=BCrgen?= <j@example.test>\nTo: a@b.test\nSubject: =?utf-8?B?5aSp5rCU?=\n  report\nDate: Fri, 21 Nov 1997 09:55:06 -0600\nMessage-ID: <m@x>\nIn-Reply-To: <p@x>\nReferences: <r@x> <p@x>\nX-Other: y\n\nHello   there,\n\nworld\n',
      ),
    );
    expect(index).toMatchObject({
      subject: '天气 report',
      preview: 'Hello there, world',
      sentAt: 880127706000,
      messageId: ['m@x'],
      inReplyTo: ['p@x'],
      references: ['r@x', 'p@x'],
      hasAttachment: false,
      headersComplete: true,
      search: { from: 'jurgen j example test', to: 'a b test', subject: '天气 气 report', body: 'hello there world' },
    });
    expect(index.headers).not.toContain('X-Other');
  });

  it('prefers plain text for the preview and indexes the HTML as text too', () => {
    const index = indexMessage(
      mail(
        'Content-Type: multipart/alternative; boundary=b\n\n--b\n\nplain words\n--b\nContent-Type: text/html\n\n<style>x</style><p>only&nbsp;here</p>\n--b--\n',
      ),
    );
    expect([index.preview, index.search.body]).toEqual(['plain words', 'plain words only here']);
  });

  it('finds what is shown when something is pointed at, and previews it not', () => {
    const html =
      '<p title="Tip &amp; more">One</p><abbr\ntitle=\'as it is\'>two</abbr><a data-title="no" titles="no">three</a><i title=bare>';
    const index = indexMessage(mail(`Content-Type: text/html\n\n${html}\n`));
    expect([index.preview, index.search.body]).toEqual(['One twothree', 'one twothree tip more as it is']);
  });

  it('knows attachments by their names, enclosed messages by their subjects', () => {
    const index = indexMessage(
      mail(
        'Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: application/pdf; name="=?utf-8?Q?Gr=C3=BC=C3=9Fe?=.pdf"\n\nx\n--b\nContent-Type: message/rfc822\n\nSubject: inner matters\n\ndeep\n--b--\n',
      ),
    );
    expect(index.search.attachments).toBe('grusse pdf inner matters');
    expect(index.search.body).toBe('x deep');
    expect(index.hasAttachment).toBe(true);
  });

  it('reads text that a broken multipart hides', () => {
    expect(indexMessage(fixture('broken-boundary')).preview).toContain('Readable all the same.');
    expect(indexMessage(fixture('no-boundary-parameter')).preview).toContain('Still readable.');
    expect(indexMessage(fixture('no-headers')).preview).toMatch(/^This is a note/);
    expect(indexMessage(fixture('nested-200')).search.body).toContain('at the bottom');
    expect(indexMessage(fixture('enclosed-200')).search.body).toContain('bottom');
  });

  it('reads unknown charsets and raw 8-bit', () => {
    expect(indexMessage(fixture('unknown-charset'))).toMatchObject({
      subject: '=?x-martian?Q?gr=FCn?= and grün',
      preview: 'Grüße vom Mars',
    });
    expect(indexMessage(fixture('eight-bit-headers'))).toMatchObject({
      subject: 'Café',
      preview: 'Café',
      search: { from: 'jurgen j example test', to: '张三 三 z example test' },
    });
  });

  it('is bounded: headers, structure, text', () => {
    const wide = mail(
      `${`List-X: ${'y'.repeat(990)}\n`.repeat(40)}Content-Type: multipart/mixed; boundary=b\n\n${`--b\nContent-Type: x/y; a="${'z'.repeat(900)}"\n\n`.repeat(990)}--b--\n`,
    );
    const index = indexMessage(wide);
    expect(index.headers.length).toBeLessThanOrEqual(KEPT_HEADERS_MAX);
    expect(index.headersComplete).toBe(false);
    expect(JSON.stringify(index.structure).length).toBeLessThanOrEqual(STRUCTURE_MAX);
    const long = indexMessage(mail(`Subject: ${'天'.repeat(5000)}\n\n${'天气预报很好。'.repeat(200_000)}`));
    expect(new TextEncoder().encode(long.search.body).length).toBeLessThanOrEqual(64 * 1024);
    expect(long.subject.length).toBe(1000);
    expect(long.preview.length).toBe(256);
  });

  it('collapses a structure that does not fit into one text part', () => {
    const parts = `--b\nContent-Type: x/y; a="${'z'.repeat(200)}"; b="${'"'.repeat(0)}${'w'.repeat(40)}"\n\n`.repeat(900);
    const bytes = mail(`Content-Type: multipart/mixed; boundary=b\n\n${parts}--b--\n`);
    expect(JSON.stringify(scanMessage(bytes)).length).toBeGreaterThan(STRUCTURE_MAX);
    expect(indexMessage(bytes).structure).toMatchObject({ type: 'text', subtype: 'plain', end: bytes.length });
  });

  it('does not depend on chunks, never throws, and holds neither NUL nor half characters', () => {
    fc.assert(
      fc.property(structuredMail, fc.array(fc.nat(), { maxLength: 10 }), (bytes, places) => {
        const indexer = new MessageIndexer();
        for (const chunk of cutAt(bytes, places)) indexer.write(chunk);
        const index = indexer.finish();
        expect(index).toEqual(indexMessage(bytes));
        const json = JSON.stringify(index);
        expect(json).not.toMatch(/\\u0000|\\ud[89a-f]/);
      }),
      { numRuns: 500 },
    );
    expect(indexMessage(fixture('nul-and-bare-cr'))).toMatchObject({ subject: 'a€bc', preview: 'one twothree four five' });
  });

  it('random octets are a message too', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => indexMessage(bytes).size === bytes.length));
  });
});

describe('body lists of RFC 8621 §4.1.4', () => {
  it('sort the RFC’s own example', () => {
    const leaf = (type: string, extra = '') => `Content-Type: ${type}${extra}\n\nx\n`;
    const multi = (subtype: string, name: string, parts: string[]) =>
      `Content-Type: multipart/${subtype}; boundary=${name}\n\n${parts.map((part) => `--${name}\n${part}`).join('')}--${name}--\n`;
    const inline = (letter: string, type: string) => leaf(type, `\nContent-Disposition: inline\nContent-Description: ${letter}`);
    const attached = (letter: string, type: string) => leaf(type, `\nContent-Disposition: attachment\nContent-Description: ${letter}`);
    const text = multi('mixed', 'one', [
      inline('A', 'text/plain'),
      multi('mixed', 'two', [
        multi('alternative', 'three', [
          multi('mixed', 'four', [inline('B', 'text/plain'), inline('C', 'image/jpeg'), inline('D', 'text/plain')]),
          multi('related', 'five', [inline('E', 'text/html'), inline('F', 'image/jpeg')]),
        ]),
        attached('G', 'image/jpeg'),
        attached('H', 'application/x-excel'),
        leaf('message/rfc822', '\nContent-Description: J'),
      ]),
      inline('K', 'text/plain'),
    ]);
    const root = scanMessage(mail(text));
    expect(shape(root)).toContain(
      'multipart/alternative(multipart/mixed(text/plain image/jpeg text/plain) multipart/related(text/html image/jpeg))',
    );
    const lists = bodyLists(bodyTree(root));
    const letters = (items: typeof lists.textBody) => items.map(({ part }) => part.description).join('');
    expect([letters(lists.textBody), letters(lists.htmlBody), letters(lists.attachments)]).toEqual(['ABCDK', 'AEK', 'CFGHJ']);
  });

  it('do not call an embedded picture an attachment', () => {
    const related = (disposition: string) =>
      scanMessage(
        mail(
          `Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\nx\n--b\nContent-Type: image/png\n${disposition}\nx\n--b--\n`,
        ),
      );
    expect(hasAttachment(bodyTree(related('Content-Disposition: inline\n')))).toBe(false);
    expect(hasAttachment(bodyTree(related('Content-Disposition: attachment\n')))).toBe(true);
  });
});

describe('HTML as text', () => {
  it.each([
    ['<p>One<p>Two', 'One\n\nTwo'],
    ['a<br>b<BR/>c', 'a\nb\nc'],
    ['<table><tr><td>1<td>2<tr><td>3</table>', '1 2\n3'],
    ['<head><title>t</title></head><script>alert("<p>")</script>x<style>p{}</style>', 'x'],
    ['a<!-- <b>hidden</b> -->b', 'ab'],
    ['&lt;b&gt; &amp;amp; &euro;&#8364;&#x20AC; &nosuch; &eacute', '<b> &amp; €€€ &nosuch; é'],
    ['<a href="x>y">link</a>', 'link'],
    ['1 < 2 and 3 <4', '1 < 2 and 3 <4'],
    ['&#0;&#x110000;&#150;', '\ufffd\ufffd–'],
    ['<script>never closed', ''],
    ['<p title="never closed>text', 'text'],
    ['  white \n\n space&nbsp; ', 'white space'],
    ['&zwnj;&#8203;preheader', 'preheader'],
  ])('%s', (html, text) => {
    expect(htmlToText(html)).toBe(text);
  });

  it('takes time in proportion to the length', () => {
    const started = performance.now();
    for (const piece of ['<', '<!--', '<a "', "<a '", '<script>', '</', '&', '&#', '<p ', '< ', '<a b="', '<!', '<a title="', ' title ='])
      for (const read of [htmlToText, titlesIn]) read(`<a${piece.repeat(100_000)}`);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
