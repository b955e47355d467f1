/** What a message being written becomes: recipients, subject, threading fields, the calls that save and send it. */
import { describe, expect, test } from 'vitest';
import type { EmailDetail } from '../../workers/webmail/jmap/types.ts';
import { parseRecipients } from '../../workers/webmail/writing/addresses.ts';
import { afterSendCalls, type Draft, emailObject, saveCalls, sendCalls } from '../../workers/webmail/writing/draft.ts';
import { beginReply, prefixed, quote, referencesFor } from '../../workers/webmail/writing/reply.ts';

const me = { name: 'Mei', email: 'me@example.test' };
const anna = { name: 'Anna', email: 'anna@example.org' };
const priya = { name: null, email: 'priya@example.org' };
const words = { attribution: 'Anna wrote:', forwarded: 'Forwarded message', headerLines: ['From: Anna'] };

function message(part: Partial<EmailDetail>): EmailDetail {
  const email = {
    from: [anna],
    to: [me],
    cc: null,
    bcc: null,
    replyTo: null,
    subject: 'Hello',
    messageId: ['3@example.org'],
    inReplyTo: null,
    references: null,
    attachments: [],
    ...part,
  };
  return email as unknown as EmailDetail;
}

const draft: Draft = {
  identityId: 'I1',
  from: me,
  to: [anna],
  cc: [],
  bcc: [priya],
  subject: 'Hello',
  body: 'text',
  attachments: [{ key: 1, name: 'a.txt', type: 'text/plain', size: 3, blobId: 'G1', failed: false }],
  inReplyTo: ['3@example.org'],
  references: ['1@example.org', '3@example.org'],
  answers: { id: 'M3', keyword: '$answered' },
  savedId: 'M9',
};

describe('recipients as typed', () => {
  test('may be names with commas, several separators, and what is no address is given back', () => {
    expect(parseRecipients('"Doe, Jane" <jane@example.org>; bob@example.org\uff0cnonsense\nwang@例子.cn')).toEqual({
      addresses: [
        { name: 'Doe, Jane', email: 'jane@example.org' },
        { name: null, email: 'bob@example.org' },
        { name: null, email: 'wang@例子.cn' },
      ],
      rest: ['nonsense'],
    });
  });

  test('never hide a second address in the name', () => {
    expect(parseRecipients('"bank@example.com" <evil@example.org>').addresses).toEqual([
      { name: 'bank@example.com', email: 'evil@example.org' },
    ]);
    expect(parseRecipients('a@example.org b@example.org').rest).toHaveLength(1);
  });
});

describe('a reply', () => {
  test('goes to Reply-To when there is one, and names its parent', () => {
    const begun = beginReply('reply', message({ replyTo: [priya], references: ['1@example.org'] }), 'hi', [me], words);
    expect(begun.to).toEqual([priya]);
    expect(begun.inReplyTo).toEqual(['3@example.org']);
    expect(begun.references).toEqual(['1@example.org', '3@example.org']);
    expect(begun.body).toBe('\n\nAnna wrote:\n> hi\n');
  });

  test('to all leaves oneself out and no one in twice', () => {
    const begun = beginReply(
      'replyAll',
      message({ to: [me, priya], cc: [anna, { name: null, email: 'ME@example.test' }] }),
      '',
      [me],
      words,
    );
    expect([begun.to, begun.cc]).toEqual([[anna], [priya]]);
  });

  test('to a message of one’s own goes to its recipients', () => {
    expect(beginReply('reply', message({ from: [me], to: [anna] }), '', [me], words).to).toEqual([anna]);
  });

  test('takes References from a single In-Reply-To when the parent has none (RFC 5322 §3.6.4)', () => {
    expect(referencesFor(message({ inReplyTo: ['2@example.org'] }))).toEqual(['2@example.org', '3@example.org']);
    expect(referencesFor(message({ inReplyTo: ['1@x', '2@x'] }))).toEqual(['3@example.org']);
    expect(referencesFor(message({ messageId: null }))).toBeNull();
  });

  test('keeps the first and the latest of an endless chain', () => {
    const chain = Array.from({ length: 100 }, (_, index) => `${index}@x`);
    const references = referencesFor(message({ references: chain })) ?? [];
    expect([references[0], references.at(-1), references.length]).toEqual(['0@x', '3@example.org', 30]);
  });

  test('does not pile up prefixes', () => {
    expect(prefixed('Re: ', 'RE: Aw: 回复\uff1aHello')).toBe('Re: Hello');
    expect(prefixed('Fwd: ', 'Fw: Hello')).toBe('Fwd: Hello');
  });

  test('quotes quotes without a space between the marks (RFC 3676 §4.5)', () => {
    expect(quote('a\n> b\n\nc\n')).toBe('> a\n>> b\n>\n> c');
  });
});

describe('a forward', () => {
  test('takes the attachments along and answers no one', () => {
    const part = { partId: '2', blobId: 'G2', size: 1, name: 'x', type: 'text/plain', disposition: 'attachment', cid: null };
    const begun = beginReply('forward', message({ attachments: [part] }), 'hi', [me], words);
    expect(begun).toMatchObject({ to: [], subject: 'Fwd: Hello', inReplyTo: null, attachments: [part] });
    expect(begun.body).toContain('From: Anna\n\nhi');
  });
});

describe('a draft', () => {
  test('is saved by making the new one and destroying the old one in one call', () => {
    const [call] = saveCalls(draft, 'Fdrafts');
    expect(call?.[1]).toMatchObject({ create: { draft: { mailboxIds: { Fdrafts: true } } }, destroy: ['M9'] });
    expect(saveCalls({ ...draft, savedId: null }, 'Fdrafts')[0]?.[1]).not.toHaveProperty('destroy');
  });

  test('carries Bcc, threading fields and attachments', () => {
    expect(emailObject(draft, 'F')).toMatchObject({
      bcc: [priya],
      inReplyTo: ['3@example.org'],
      references: ['1@example.org', '3@example.org'],
      keywords: { $draft: true, $seen: true },
      bodyValues: { text: { value: 'text' } },
      attachments: [{ blobId: 'G1', name: 'a.txt', type: 'text/plain', disposition: 'attachment' }],
    });
    expect(emailObject(draft, 'F')).not.toHaveProperty('cc');
  });

  test('is sent and moved to Sent in one request, and the older draft goes only afterwards', () => {
    const [made, submitted] = sendCalls(draft, 'Fdrafts', 'Fsent');
    expect(made?.[1]).not.toHaveProperty('destroy');
    expect(submitted?.[1]).toEqual({
      create: { submission: { identityId: 'I1', emailId: '#draft' } },
      onSuccessUpdateEmail: { '#submission': { 'mailboxIds/Fdrafts': null, 'mailboxIds/Fsent': true, 'keywords/$draft': null } },
    });
    expect(afterSendCalls(draft)[0]?.[1]).toEqual({ update: { M3: { 'keywords/$answered': true } }, destroy: ['M9'] });
    expect(afterSendCalls({ ...draft, answers: null, savedId: null })).toEqual([]);
  });
});
