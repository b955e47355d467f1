/** Who gets a vacation reply and who does not (RFC 5230 §4.5, §4.6; RFC 3834 §2), from envelope and header alone. */
import { describe, expect, test } from 'vitest';
import { parseHeaderBlock } from '../../shared/mime/headers.ts';
import { answeringAddress, isDoubtful } from '../../shared/vacation.ts';

const ME = 'me@example.test';
const ANN = 'ann@elsewhere.test';

function answering(lines: string[], mailFrom = ANN, ownAddresses = [ME, 'alias@example.test']): string | null {
  const block = lines.some((line) => /^to:/i.test(line)) ? lines : [`To: ${ME}`, ...lines];
  return answeringAddress({ mailFrom, ownAddresses, fields: parseHeaderBlock(block.map((line) => `${line}\r\n`).join('')) });
}

describe('a person who wrote to this person is answered, from the address written to', () => {
  test.each<[string, string[], string]>([
    ['in To', [`To: Me <${ME}>`], ME],
    ['in Cc, beside others', ['To: x@y.test', 'Cc: a@b.test, Alias <Alias@Example.Test>'], 'alias@example.test'],
    ['with a detail', ['To: me+news@example.test'], 'me+news@example.test'],
    ['in a group', [`To: team: a@b.test, ${ME};`], ME],
    ['in Resent-To', ['To: x@y.test', `Resent-To: ${ME}`], ME],
    ['with Auto-Submitted: no', ['Auto-Submitted: no'], ME],
    ['with Auto-Submitted: No; with a comment', ['Auto-Submitted: No (by hand)'], ME],
    ['with a Precedence that is none of a list', ['Precedence: first-class'], ME],
    ['from a postmaster, who is a person', ['From: postmaster@elsewhere.test'], ME],
  ])('%s', (_name, lines, expected) => {
    expect(answering(lines)).toBe(expected);
  });
});

describe('no reply', () => {
  test.each<[string, string[]]>([
    ['when not written to: Bcc or a list', ['To: others@elsewhere.test']],
    ['to Auto-Submitted: auto-generated', ['Auto-Submitted: auto-generated']],
    ['to Auto-Submitted: auto-replied; with parameters', ['auto-submitted: AUTO-REPLIED; owner-email="x@y"']],
    ['to an empty Auto-Submitted', ['Auto-Submitted:']],
    ['to Auto-Submitted: no, repeated as auto-replied', ['Auto-Submitted: no', 'Auto-Submitted: auto-replied']],
    ['to Auto-Submitted: nothing', ['Auto-Submitted: nothing']],
    ...['Id', 'Help', 'Subscribe', 'Unsubscribe', 'Post', 'Owner', 'Archive'].map((name): [string, string[]] => [
      `to a list by List-${name}`,
      [`List-${name}: <x>`],
    ]),
    ...['bulk', 'Junk', 'list'].map((word): [string, string[]] => [`to Precedence: ${word}`, [`Precedence: ${word}`]]),
    ['when Exchange asks for none', ['X-Auto-Response-Suppress: DR, OOF, AutoReply']],
    ['to what a filter called spam', ['X-Spam-Flag: YES']],
    ['to a report', ['Content-Type: multipart/report; report-type=delivery-status; boundary=x']],
    ['to a From that is a program', ['From: Shop <no-reply@shop.test>']],
  ])('%s', (_name, lines) => {
    expect(answering(lines)).toBeNull();
  });

  test.each([
    ['the null reverse-path', ''],
    ['no address', 'nonsense'],
    ['myself', ME],
    ['myself with a detail', 'me+x@example.test'],
    ['another address of mine', 'ALIAS@example.test'],
    ...[
      'mailer-daemon',
      'MAILER-DAEMON',
      'listserv',
      'majordomo',
      'noreply',
      'no-reply',
      'no_reply',
      'do-not-reply',
      'donotreply',
      'noreply+abc',
      'news-noreply',
      'owner-list',
      'list-owner',
      'list-request',
      'list-bounces',
      'list-bounces+me=example.test',
      'bounce-123',
      'bounces+me=example.test',
      'bounces',
      'root',
    ].map((local) => [`the program ${local}`, `${local}@elsewhere.test`]),
  ])('to %s', (_name, mailFrom) => {
    expect(answering([], mailFrom)).toBeNull();
  });

  test.each(['norepl', 'bouncer', 'roots', 'ownership', 'request', 'nobodyknows', 'daemons'])('but %s is a person', (local) => {
    expect(answering([], `${local}@elsewhere.test`)).toBe(ME);
  });
});

test('a sender that may be forged is doubtful: no backscatter', () => {
  const verdicts = { spf: 'none', dkim: 'none', dmarc: 'none' } as const;
  expect(isDoubtful(verdicts)).toBe(false);
  expect(isDoubtful({ ...verdicts, dmarc: 'fail' })).toBe(true);
  expect(isDoubtful({ ...verdicts, spf: 'fail' })).toBe(true);
  expect(isDoubtful({ ...verdicts, spf: 'fail', dkim: 'pass' })).toBe(false);
  expect(isDoubtful({ ...verdicts, spf: 'fail', dmarc: 'pass' })).toBe(false);
});

test('a hostile header takes no time', () => {
  const started = performance.now();
  const lines = ['Auto-Submitted:', 'Precedence:', 'From:'].map((name) => `${name} ${' no-reply-'.repeat(20_000)}`);
  answering([...lines, `To: ${'a,'.repeat(60_000)}`], `${'a-'.repeat(30)}@elsewhere.test`);
  expect(performance.now() - started).toBeLessThan(1000);
});
