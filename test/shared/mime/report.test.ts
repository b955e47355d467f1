/** Reading DSNs (RFC 3464) and MDNs (RFC 8098), ours, other people's and nobody's; writing MDNs. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { composeBounce } from '../../../shared/mime/bounce.ts';
import { UnsafeHeader } from '../../../shared/mime/fields.ts';
import { composeMdn, type MdnComposition } from '../../../shared/mime/mdn.ts';
import { octetsOf, rawString } from '../../../shared/mime/octets.ts';
import { readDsn, readMdn, reportKind } from '../../../shared/mime/report.ts';
import { scanMessage } from '../../../shared/mime/scan.ts';

function octets(lines: string[]): Uint8Array {
  return octetsOf(lines.join('\r\n'));
}

const report = (type: string, parts: string[][]) =>
  octets([
    'From: mailer-daemon@elsewhere.test',
    'Subject: =?utf-8?Q?Re=C3=A7u?=',
    'In-Reply-To: <answered@example.test>',
    `Content-Type: multipart/report; report-type="${type}"; boundary=b`,
    '',
    ...parts.flatMap((part) => ['--b', ...part]),
    '--b--',
    '',
  ]);

const TEXT = ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable', '', 'Gr=C3=BC=C3=9Fe'];

describe('a delivery status notification', () => {
  const STATUS = [
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.elsewhere.test',
    'Arrival-Date: Sat, 21 Nov 2026 10:00:00 +0000',
    '',
    'Original-Recipient: rfc822;Friend@elsewhere.test',
    'Final-Recipient: RFC822; friend.two@inner.test',
    'Action: FAILED',
    'Status: 5.1.1 (no such user)',
    'Diagnostic-Code: smtp; 550 5.1.1',
    '   No such user',
    '',
    'Final-Recipient: rfc822; other@elsewhere.test',
    'Action: delivered',
    'Status: 2.0.0',
    'Diagnostic-Code: x-local; whatever',
  ];

  test('tells per recipient what became of it, and of which message', () => {
    const raw = report('delivery-status', [TEXT, STATUS, ['Content-Type: text/rfc822-headers', '', 'Message-ID: <sent@example.test>', '']]);
    const root = scanMessage(raw);
    expect(reportKind(root)).toBe('dsn');
    expect(readDsn(raw, root)).toEqual({
      messageIds: ['sent@example.test', 'answered@example.test'],
      recipients: [
        {
          addresses: ['Friend@elsewhere.test', 'friend.two@inner.test'],
          action: 'failed',
          status: '5.1.1',
          diagnostic: '550 5.1.1 No such user',
        },
        { addresses: ['other@elsewhere.test'], action: 'delivered', status: '2.0.0', diagnostic: '' },
      ],
    });
  });

  test('may bring the whole message, or nothing but what it answers', () => {
    const whole = report('delivery-status', [
      TEXT,
      STATUS,
      ['Content-Type: message/rfc822', '', 'Message-ID: <sent@example.test>', '', 'x'],
    ]);
    expect(readDsn(whole, scanMessage(whole))?.messageIds).toEqual(['sent@example.test', 'answered@example.test']);
    const bare = report('delivery-status', [TEXT, STATUS]);
    expect(readDsn(bare, scanMessage(bare))?.messageIds).toEqual(['answered@example.test']);
  });

  test('is read when its status part is encoded', () => {
    const encoded = ['Content-Type: message/delivery-status', 'Content-Transfer-Encoding: base64', '', btoa(STATUS.slice(2).join('\n'))];
    const raw = report('delivery-status', [TEXT, encoded]);
    expect(readDsn(raw, scanMessage(raw))?.recipients).toHaveLength(2);
  });

  test('of our own is read as it was written', () => {
    const raw = composeBounce({
      from: { email: 'postmaster@example.test' },
      to: { email: 'me@example.test' },
      reportingMta: 'example.test',
      recipients: [{ address: 'a@b.test', action: 'failed', status: '5.1.1', diagnostic: '550 5.1.1 no' }],
      original: octets(['Message-ID: <own@example.test>', '', 'body']),
      originalMessageId: 'own@example.test',
    });
    expect(readDsn(raw, scanMessage(raw))).toEqual({
      messageIds: ['own@example.test'],
      recipients: [{ addresses: ['a@b.test'], action: 'failed', status: '5.1.1', diagnostic: '550 5.1.1 no' }],
    });
  });
});

describe('a message disposition notification', () => {
  const MDN: MdnComposition = {
    from: { name: 'Mé', email: 'me@example.test' },
    to: [{ email: 'ann@elsewhere.test' }],
    subject: 'Reçu: Grüße',
    text: 'Gelesen, vielleicht.\nGrüße',
    reportingUA: 'joes-pc.example.com; Foomail 97.1',
    disposition: { actionMode: 'manual-action', sendingMode: 'mdn-sent-manually', type: 'displayed' },
    originalRecipient: 'rfc822;list@example.test',
    finalRecipient: 'rfc822; me@example.test',
    originalMessageId: 'sent@elsewhere.test',
    extensionFields: { 'X-Example': 'one' },
    original: null,
  };

  test('is composed as a report and read as it was written', () => {
    const raw = composeMdn(MDN);
    const text = rawString(raw);
    expect(text).toMatch(/^Content-Type: multipart\/report; report-type=disposition-notification;/m);
    expect(text).toMatch(/^Content-Type: message\/disposition-notification\r\nContent-Transfer-Encoding: 7bit\r\n\r\nReporting-UA: /m);
    expect(text).toMatch(/^Auto-Submitted: auto-replied\r$/m);
    expect(text).toMatch(/^In-Reply-To: <sent@elsewhere.test>\r$/m);
    expect(text).not.toMatch(/^Disposition-Notification-To:/im);
    expect(readMdn(raw, scanMessage(raw))).toEqual({
      subject: 'Reçu: Grüße',
      textBody: 'Gelesen, vielleicht.\nGrüße',
      hasOriginal: false,
      reportingUA: 'joes-pc.example.com; Foomail 97.1',
      disposition: MDN.disposition,
      mdnGateway: null,
      originalRecipient: 'rfc822;list@example.test',
      finalRecipient: 'rfc822; me@example.test',
      originalMessageId: '<sent@elsewhere.test>',
      error: null,
      extensionFields: { 'X-Example': 'one' },
    });
  });

  test('may bring the message, with eight bits and all', () => {
    const original = octets(['Subject: x', '', 'Gr\xfc\xdfe', '']);
    const raw = composeMdn({ ...MDN, original });
    const root = scanMessage(raw);
    expect(readMdn(raw, root)?.hasOriginal).toBe(true);
    expect(rawString(raw)).toContain('Gr\xfc\xdfe');
  });

  test('says in words what it cannot say in a header', () => {
    expect(() => composeMdn({ ...MDN, to: [{ email: 'a b@c' }] })).toThrow(UnsafeHeader);
    const text = rawString(composeMdn({ ...MDN, originalMessageId: 'größe@x', reportingUA: 'Ünï; \u{1f600}' }));
    expect(text).toMatch(/^Original-Message-ID: <gr\?\?e@x>\r$/m);
    expect(text).not.toMatch(/^In-Reply-To:/m);
  });

  test('of others: any case, modifiers, several errors, a gateway', () => {
    const fields = [
      'Content-Type: message/disposition-notification',
      '',
      'MDN-Gateway: dns; gate.test',
      'Final-Recipient: rfc822;x@y.test',
      'Disposition: Automatic-Action/MDN-Sent-Automatically; Deleted/error,x',
      'Error: one',
      'Error: two',
    ];
    const raw = report('Disposition-Notification', [TEXT, fields]);
    expect(readMdn(raw, scanMessage(raw))).toMatchObject({
      subject: 'Reçu',
      textBody: 'Grüße',
      mdnGateway: 'dns; gate.test',
      disposition: { actionMode: 'automatic-action', sendingMode: 'mdn-sent-automatically', type: 'deleted' },
      error: ['one', 'two'],
      extensionFields: null,
      originalMessageId: null,
    });
  });

  test.each<[string, string[]]>([
    ['no disposition', ['Final-Recipient: rfc822;x@y.test']],
    ['a disposition of no known type', ['Disposition: manual-action/MDN-sent-manually; denied']],
    ['a disposition without its modes', ['Disposition: displayed']],
    ['nothing', []],
  ])('with %s is none', (_name, lines) => {
    const raw = report('disposition-notification', [TEXT, ['Content-Type: message/disposition-notification', '', ...lines]]);
    expect(readMdn(raw, scanMessage(raw))).toBeNull();
  });

  test('is not what merely holds such a part', () => {
    const fields = ['Content-Type: message/disposition-notification', '', 'Disposition: manual-action/MDN-sent-manually; displayed'];
    const raw = report('feedback', [TEXT, fields]);
    expect(reportKind(scanMessage(raw))).toBeNull();
    expect(readMdn(raw, scanMessage(raw))).toBeNull();
  });
});

test('whatever comes, reading it ends with a report or without one', () => {
  const line = fc.oneof(
    fc.constantFrom(
      '',
      'Action: failed',
      'Final-Recipient: rfc822;',
      'Disposition: manual-action/MDN-sent-manually; displayed',
      '--b',
      ' ',
    ),
    fc.string({ unit: 'binary', maxLength: 60 }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom('delivery-status', 'disposition-notification'),
      fc.array(fc.array(line), { maxLength: 5 }),
      (type, parts) => {
        const raw = report(type, parts.length > 1 ? [parts[0] ?? [], [`Content-Type: message/${type}`, '', ...(parts[1] ?? [])]] : parts);
        const root = scanMessage(raw);
        readDsn(raw, root);
        readMdn(raw, root);
      },
    ),
    { numRuns: 300 },
  );
});
