import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import { composeBounce } from '../../../shared/mime/bounce.ts';
import { type Composition, composeMessage, makeMessageId } from '../../../shared/mime/compose.ts';
import { addressField, rawField, textField, UnsafeHeader } from '../../../shared/mime/fields.ts';
import { scanMessage } from '../../../shared/mime/scan.ts';
import { shape } from './support.ts';

const FROM = [{ name: 'Me', email: 'me@example.test' }];
const compose = (rest: Partial<Composition>) => composeMessage({ from: FROM, ...rest });
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const picture = { name: 'p.png', type: 'image/png', disposition: 'inline' as const, cid: 'p@x', content: Uint8Array.of(1, 2, 3) };
const file = { name: '报告.pdf', type: 'application/pdf', disposition: 'attachment' as const, content: Uint8Array.of(0, 255, 10, 13) };

/** What every SMTP server asks of a message (RFC 5321 §4.5.3.1.6, RFC 5322 §2.1.1). */
function expectSendable(bytes: Uint8Array): void {
  const text = new TextDecoder('latin1').decode(bytes);
  expect(text.endsWith('\r\n')).toBe(true);
  expect(/(^|[^\r])\n|\r(?!\n)|\0/.test(text)).toBe(false);
  expect(bytes.every((octet) => octet < 0x80)).toBe(true);
  expect(text.split('\r\n').every((line) => line.length <= 998)).toBe(true);
}

describe('composed messages', () => {
  it.each<[string, Partial<Composition>, string]>([
    ['text alone', { text: 'x' }, 'text/plain'],
    ['nothing', {}, 'text/plain'],
    ['HTML alone', { html: 'x' }, 'text/html'],
    ['both', { text: 'x', html: 'x' }, 'multipart/alternative(text/plain text/html)'],
    ['an attachment', { text: 'x', attachments: [file] }, 'multipart/mixed(text/plain application/pdf)'],
    ['an embedded picture', { html: 'x', attachments: [picture] }, 'multipart/related(text/html image/png)'],
    ['an inline picture without HTML', { text: 'x', attachments: [picture] }, 'multipart/mixed(text/plain image/png)'],
    [
      'everything',
      { text: 'x', html: 'x', attachments: [picture, file] },
      'multipart/mixed(multipart/alternative(text/plain multipart/related(text/html image/png)) application/pdf)',
    ],
  ])('%s has no more levels than it needs', (_, rest, expected) => {
    const bytes = compose(rest);
    expectSendable(bytes);
    expect(shape(scanMessage(bytes))).toBe(expected);
  });

  it('are read by postal-mime as they were meant', async () => {
    const html = `<p>Grüße 你好 ${'lang '.repeat(300)}</p>`;
    const bytes = compose({
      to: [{ name: 'Müller, Jürgen "JM"', email: 'j@münchen.test' }, { email: 'plain@example.test' }],
      cc: [{ name: '张三', email: 'z@example.test' }],
      subject: '关于：会议纪要 — und noch viel mehr Text, damit gefaltet wird 🎉',
      inReplyTo: ['a@b'],
      references: ['r@b', 'a@b'],
      date: Date.UTC(2026, 10, 22, 5, 0, 0),
      zone: 480,
      text: '第一行\n.\nFrom here\n trailing \n',
      html,
      attachments: [picture, file],
      headers: { 'X-Mailer': 'Posthouse' },
    });
    expectSendable(bytes);
    const parsed = await PostalMime.parse(bytes);
    expect(parsed.subject).toBe('关于：会议纪要 — und noch viel mehr Text, damit gefaltet wird 🎉');
    expect(parsed.to).toEqual([
      { name: 'Müller, Jürgen "JM"', address: 'j@xn--mnchen-3ya.test' },
      { name: '', address: 'plain@example.test' },
    ]);
    expect(parsed.cc?.[0]).toEqual({ name: '张三', address: 'z@example.test' });
    expect([parsed.inReplyTo, parsed.references, parsed.date]).toEqual(['<a@b>', '<r@b> <a@b>', '2026-11-22T05:00:00.000Z']);
    expect(parsed.text?.replaceAll('\r\n', '\n')).toMatch(/^第一行\n\.\nFrom here\n trailing \n/);
    expect(parsed.html?.trim()).toBe(html);
    expect(parsed.attachments.map(({ filename, contentId, mimeType }) => [filename, contentId, mimeType])).toEqual([
      ['p.png', '<p@x>', 'image/png'],
      ['报告.pdf', undefined, 'application/pdf'],
    ]);
    expect(new Uint8Array(parsed.attachments[1]?.content as ArrayBuffer)).toEqual(file.content);
  });

  it('keep header lines below 78 where words allow it', () => {
    const bytes = compose({
      subject: 'word '.repeat(60),
      to: Array.from({ length: 20 }, (_, i) => ({ name: `Person ${i}`, email: `p${i}@example.test` })),
      text: 'x',
    });
    expect(
      Math.max(
        ...textOf(bytes)
          .split('\r\n')
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(78);
  });

  it('any subject, name and text survive', async () => {
    const words = fc
      .string({ unit: 'grapheme', maxLength: 80 })
      .filter((text) => !/[\r\n\0]|=\?/.test(text) && text === text.trim().replace(/\s+/g, ' '));
    await fc.assert(
      fc.asyncProperty(words, words, fc.string({ unit: 'grapheme', maxLength: 300 }), async (subject, name, text) => {
        const bytes = compose({ subject, from: [{ name, email: 'a@b.test' }], text });
        expectSendable(bytes);
        const parsed = await PostalMime.parse(bytes);
        expect(parsed.subject ?? '').toBe(subject);
        expect(parsed.from?.name ?? '').toBe(name);
      }),
    );
  });

  it('enclose a message unencoded, its line ends mended', () => {
    const bytes = compose({
      text: 'see',
      attachments: [
        { name: null, type: 'message/rfc822', disposition: 'attachment', content: new TextEncoder().encode('Subject: in\n\nbare\rcr\n') },
      ],
    });
    expectSendable(bytes);
    expect(shape(scanMessage(bytes))).toBe('multipart/mixed(text/plain message/rfc822(text/plain))');
  });

  it('have ids nobody can guess', () => {
    expect(makeMessageId('me@Exämple.test')).toMatch(/^[0-9a-f]{32}@xn--exmple-cua.test$/);
    expect(makeMessageId('me@x.test')).not.toBe(makeMessageId('me@x.test'));
  });
});

describe('nothing gets into the header but what was meant', () => {
  it.each<[string, () => unknown]>([
    ['a line break in a subject', () => compose({ subject: 'x\r\nBcc: victim@example.test' })],
    ['a bare line feed in a name', () => compose({ from: [{ name: 'x\nBcc: y', email: 'a@b.test' }] })],
    ['a line break in an address', () => compose({ to: [{ email: 'a@b.test\r\nBcc: c@d.test' }] })],
    ['two addresses in one', () => compose({ to: [{ email: 'a@b.test, c@d.test' }] })],
    ['angle brackets in an address', () => compose({ to: [{ email: 'a><c@d.test' }] })],
    ['NUL', () => textField('Subject', 'a\0b')],
    ['a break in a field name', () => textField('X\r\nBcc', 'x')],
    ['a colon in a field name', () => textField('X:', 'x')],
    ['a break in a file name', () => compose({ attachments: [{ ...file, name: 'a\r\nX: y' }] })],
    ['a break in a media type', () => compose({ attachments: [{ ...file, type: 'a/b\r\nX: y' }] })],
    ['a break in a Content-ID', () => compose({ html: '', attachments: [{ ...picture, cid: 'a\r\nX: y' }] })],
    ['a space in a Message-ID', () => compose({ messageId: 'a b@c' })],
    ['a raw field that begins another', () => rawField('X-A', 'one\r\nX-B: two')],
    ['a raw field with an empty line', () => rawField('X-A', 'one\r\n \r\n\r\nbody')],
    ['a raw field with a bare CR', () => rawField('X-A', 'one\rtwo')],
  ])('%s is refused', (_, make) => {
    expect(make).toThrow(UnsafeHeader);
  });

  it('a folded raw field and a group pass', () => {
    expect(rawField('X-A', ' one\r\n\ttwo').value).toBe('one\r\n\ttwo');
    expect(
      addressField('To', [
        { name: 'My Group', addresses: [{ email: 'a@b.test' }] },
        { name: null, addresses: [{ email: 'c@d.test' }] },
      ]).value,
    ).toBe('My Group: a@b.test;, c@d.test');
  });
});

describe('a delivery report', () => {
  const original = new TextEncoder().encode('From: me@example.test\r\nSubject: caf\xe9\r\nMessage-ID: <o@x>\r\n\r\nsecret body\r\n');
  const report = composeBounce({
    from: { name: 'Mail Delivery', email: 'mailer-daemon@example.test' },
    to: { email: 'me@example.test' },
    reportingMta: 'mx.example.test',
    recipients: [
      {
        address: 'gone@example.org',
        action: 'failed',
        status: '5.1.1',
        diagnostic: '550 5.1.1 no such user\r\nX-Evil: yes',
        remoteMta: 'mx.example.org',
      },
    ],
    original,
    originalMessageId: 'o@x',
    arrivedAt: 0,
  });

  it('is a multipart/report of explanation, status and the original header', () => {
    expect(shape(scanMessage(report))).toBe('multipart/report(text/plain message/delivery-status text/rfc822-headers)');
    const text = textOf(report);
    expect(text).toContain('report-type=delivery-status');
    expect(text).toContain('Auto-Submitted: auto-replied');
    expect(text).toContain('In-Reply-To: <o@x>');
    expect(text).not.toContain('secret body');
  });

  it('says for each recipient what happened, in one line each', () => {
    expect(textOf(report)).toContain(
      'Reporting-MTA: dns; mx.example.test\r\nArrival-Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n\r\nFinal-Recipient: rfc822; gone@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.example.org\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user X-Evil: yes\r\n',
    );
  });
});
