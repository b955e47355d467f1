/** The `resend` relay: what JSON a message becomes, and what an answer means. Resend itself is stood in for. */
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { sendToResend } from '../../../workers/outbound/drivers/resend.ts';
import { type LeavingMessage, openLeaving } from '../../../workers/outbound/leaving.ts';
import { sendThroughRelay } from '../../../workers/outbound/relay.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import { digest } from '../../support/mail.ts';
import { makeWorld, octets, type World } from './world.ts';

const RESEND = { kind: 'resend' as const, apiUrl: 'https://resend.test/v1', apiKey: 're_secret' };
const FRIEND = 'friend@elsewhere.test';

interface Email {
  from: string;
  to: string[];
  cc?: string[];
  bcc?: string[];
  subject: string;
  text?: string;
  html?: string;
  reply_to?: string[];
  headers: Record<string, string>;
  attachments?: { filename: string; content: string; content_type: string; content_id?: string }[];
}

interface Call {
  url: string;
  init: RequestInit;
  email: Email;
}

let world: World;
let calls: Call[] = [];
beforeAll(async () => {
  world = await makeWorld();
});
afterEach(() => {
  vi.unstubAllGlobals();
  calls = [];
});

/** Lets Resend answer so. */
function resendAnswers(...answers: (() => Response | Promise<Response>)[]): void {
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const email = JSON.parse(await new Response(init.body).text()) as Email;
    calls.push({ url, init, email });
    return (answers[calls.length - 1] ?? answers.at(-1))?.();
  });
}

const accepts = () => Response.json({ id: 'abc-123' });

async function leaving(raw: string | Uint8Array, rcptTo: string[] = [FRIEND]): Promise<LeavingMessage> {
  const payload = typeof raw === 'string' ? octets(raw) : raw;
  const mail = openMail(world.env, world.account);
  const sha256 = await digest(payload);
  await mail.putBlob(sha256, payload, payload.length);
  const message = await openLeaving(mail, sha256, { id: '7-1', at: 1_800_000_000_000, envelope: { mailFrom: 'me@example.test', rcptTo } });
  if (!message) throw new Error('no message');
  return message;
}

/** What Resend is told of a message. */
async function emailOf(raw: string | Uint8Array, rcptTo?: string[]): Promise<Email> {
  resendAnswers(accepts);
  const verdict = await sendToResend(await leaving(raw, rcptTo), RESEND, world.env);
  expect(verdict).toEqual({ status: 'sent', reply: '250 2.0.0 relayed as abc-123' });
  return calls.at(-1)?.email as Email;
}

const HEAD = 'From: Me <me@example.test>\r\nTo: friend@elsewhere.test\r\nSubject: s\r\nMIME-Version: 1.0\r\n';
const part = (header: string, body: string) => `--b\r\n${header}\r\n\r\n${body}\r\n`;
const multipart = (subtype: string, ...parts: string[]) =>
  `${HEAD}Content-Type: multipart/${subtype}; boundary=b\r\n\r\n${parts.join('')}--b--\r\n`;
const bytesOf = (content: string) => Uint8Array.from(atob(content), (char) => char.charCodeAt(0));

describe('the bodies', () => {
  test('a plain message is its text, whatever its charset and encoding', async () => {
    expect(await emailOf(`${HEAD}\r\nHello\r\n`)).toMatchObject({ text: 'Hello\r\n' });
    const latin = await emailOf(`${HEAD}Content-Type: text/plain; charset=iso-8859-1\r\n\r\nd\xe9j\xe0`);
    expect(latin.text).toBe('déjà');
    const quoted = `${HEAD}Content-Type: text/plain; charset=gbk\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C4=E3=BA=C3=\r\n!`;
    expect((await emailOf(quoted)).text).toBe('你好!');
    const base64 = `${HEAD}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n5L2g5aW9\r\n`;
    expect((await emailOf(base64)).text).toBe('你好');
    expect(latin).not.toHaveProperty('html');
    expect(latin).not.toHaveProperty('attachments');
  });

  test('an HTML message is its HTML alone, and an empty one a line', async () => {
    const html = await emailOf(`${HEAD}Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hello</p>`);
    expect(html).toMatchObject({ html: '<p>Hello</p>' });
    expect(html).not.toHaveProperty('text');
    expect((await emailOf(`${HEAD}\r\n`)).text).toBe('\n');
    expect((await emailOf(`${HEAD}Content-Type: text/html\r\n\r\n \r\n`)).text).toBe('\n');
  });

  test('of alternatives both go', async () => {
    const raw = multipart('alternative', part('Content-Type: text/plain', 'Hello'), part('Content-Type: text/html', '<p>Hello</p>'));
    expect(await emailOf(raw)).toMatchObject({ text: 'Hello', html: '<p>Hello</p>' });
  });

  test('texts around an attachment are one text', async () => {
    const file = part('Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf', '%PDF');
    const email = await emailOf(
      multipart('mixed', part('Content-Type: text/plain', 'Before'), file, part('Content-Type: text/plain', 'After')),
    );
    expect(email.text).toBe('Before\nAfter');
    expect(email.attachments?.map(({ filename }) => filename)).toEqual(['a.pdf']);
  });

  test('plain text beside HTML is shown with it', async () => {
    const email = await emailOf(
      multipart('mixed', part('Content-Type: text/html', '<p>Hello</p>'), part('Content-Type: text/plain', 'a < b')),
    );
    expect(email.html).toContain('<p>Hello</p>');
    expect(email.html).toContain('a &lt; b');
  });

  test('a text too long to be one is attached', async () => {
    const email = await emailOf(`${HEAD}Content-Type: text/plain; charset=iso-8859-1\r\n\r\n${'\xe9'.repeat(2_200_000)}`);
    expect(email.text).toBe('\n');
    expect(email.attachments?.[0]).toMatchObject({ filename: 'part-1', content_type: 'text/plain; charset=iso-8859-1' });
    expect(bytesOf(email.attachments?.[0]?.content ?? '').length).toBe(2_200_000);
  });
});

describe('attachments', () => {
  test('keep their octets whatever their encoding', async () => {
    const file = (encoding: string, body: string) =>
      part(`Content-Type: application/octet-stream; name=${encoding}\r\nContent-Transfer-Encoding: ${encoding}`, body);
    const raw = multipart(
      'mixed',
      file('base64', 'AAEC\r\n/v8='),
      file('quoted-printable', '=00=FF=\r\na b'),
      file('8bit', '\xe9\xff\x00\r\nz'),
    );
    const contents = (await emailOf(raw)).attachments?.map(({ content }) => [...bytesOf(content)]);
    expect(contents).toEqual([
      [0, 1, 2, 254, 255],
      [0, 255, 97, 32, 98],
      [0xe9, 0xff, 0, 13, 10, 122],
    ]);
  });

  test('inline images keep their Content-ID, so that the HTML finds them', async () => {
    const image = part('Content-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: base64', 'iVBORw0=');
    const email = await emailOf(multipart('related', part('Content-Type: text/html', '<img src="cid:logo@x">'), image));
    expect(email.html).toContain('cid:logo@x');
    expect(email.attachments).toEqual([{ filename: 'part-1', content_type: 'image/png', content_id: 'logo@x', content: 'iVBORw0=' }]);
  });

  test('a Content-ID that Resend would refuse is left out, never null', async () => {
    const image = part(`Content-Type: image/png\r\nContent-ID: <${'x'.repeat(128)}>`, 'x');
    expect((await emailOf(multipart('mixed', image))).attachments?.[0]).not.toHaveProperty('content_id');
  });

  test('an enclosed message is one file, with all that is in it', async () => {
    const inner = 'Subject: inner\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\ntext\r\n--c--';
    const email = await emailOf(multipart('mixed', part('Content-Type: text/plain', 'See'), part('Content-Type: message/rfc822', inner)));
    expect(email.text).toBe('See');
    expect(email.attachments?.map(({ filename, content_type, content }) => [filename, content_type, atob(content)])).toEqual([
      ['message-1.eml', 'message/rfc822', inner],
    ]);
  });

  test('names are decoded, cannot break anything, and are made where there is none', async () => {
    const names = [
      "filename*=utf-8''%E5%90%88%E5%90%8C.pdf",
      'filename="=?utf-8?B?5ZCI5ZCMLnBkZg==?="',
      'filename="a\\"b\\\\c"',
      "filename*=utf-8''a%0D%0Ab%00",
      'x=y',
    ];
    const raw = multipart(
      'mixed',
      ...names.map((name) => part(`Content-Type: application/pdf\r\nContent-Disposition: attachment; ${name}`, 'x')),
    );
    expect((await emailOf(raw)).attachments?.map(({ filename }) => filename)).toEqual(['合同.pdf', '合同.pdf', 'a"b\\c', 'a b', 'part-5']);
  });

  test('an invitation keeps its method, an empty file is not empty', async () => {
    const invitation = part('Content-Type: text/calendar; charset=utf-8; method=REQUEST', 'BEGIN:VCALENDAR');
    const empty = part('Content-Type: application/pdf; name=empty.pdf', '');
    const { attachments } = await emailOf(multipart('mixed', part('Content-Type: text/plain', 'x'), invitation, empty));
    expect(attachments?.[0]?.content_type).toBe('text/calendar; charset=utf-8; method=REQUEST');
    expect(atob(attachments?.[1]?.content ?? '')).toBe('\n');
  });

  test('a large message streams, and every octet of it arrives', async () => {
    const line = `${'A'.repeat(76)}\r\n`;
    const file = part('Content-Type: application/zip; name=large.zip\r\nContent-Transfer-Encoding: base64', line.repeat(80_000));
    const email = await emailOf(multipart('mixed', part('Content-Type: text/plain', 'See'), file));
    expect(email.text).toBe('See');
    expect(email.attachments?.[0]?.content).toBe('A'.repeat(76 * 80_000));
    expect(calls[0]?.init.body).toBeInstanceOf(ReadableStream);
  });
});

describe('the header', () => {
  test('names and subject are decoded, controls taken out', async () => {
    const raw =
      'From: =?utf-8?B?5byg5LiJ?= <me@example.test>\r\nTo: "Doe, John" <Friend@elsewhere.test>\r\n' +
      'Reply-To: List <list@example.test>, other@example.test\r\nSubject: =?utf-8?Q?caf=C3=A9=0D=0ABcc:_x?=\r\n and =?iso-8859-1?Q?=E9?=\r\n\r\nx';
    expect(await emailOf(raw)).toMatchObject({
      from: '张三 <me@example.test>',
      to: ['"Doe, John" <friend@elsewhere.test>'],
      reply_to: ['List <list@example.test>', 'other@example.test'],
      subject: 'café Bcc: x and é',
    });
    expect((await emailOf('From: me@example.test\r\nSubject: d\xc3\xa9j\xc3\xa0 vu\r\n\r\nx')).subject).toBe('déjà vu');
  });

  test('what threads it and people’s own fields go along, on one line each', async () => {
    const raw =
      `${HEAD}Message-ID: <m@x>\r\nIn-Reply-To: <p@x>\r\nReferences: <a@x>\r\n <b@x>\r\n\t<p@x>\r\nX-Mailer: Mine\r\n` +
      'List-Unsubscribe: <https://x.test>\r\nX-Raw: d\xc3\xa9j\xc3\xa0\r\nX-Word: =?utf-8?Q?=C3=A9?=\r\n__proto__: x\r\n\r\nx';
    const { headers } = await emailOf(raw);
    expect(headers).toMatchObject({
      'Message-ID': '<m@x>',
      'In-Reply-To': '<p@x>',
      References: '<a@x> <b@x> <p@x>',
      'X-Mailer': 'Mine',
      'List-Unsubscribe': '<https://x.test>',
      'X-Word': '=?utf-8?Q?=C3=A9?=',
    });
    expect(headers['X-Raw']).toMatch(/^=\?utf-8\?/i);
    expect(JSON.stringify(headers)).not.toMatch(/[^\x20-\x7e]/);
  });

  test('what the JSON says itself and what is the transport’s stays out', async () => {
    const names =
      'Received Return-Path DKIM-Signature ARC-Seal Authentication-Results Resent-From Resend-Idempotency-Key Sender Date Content-Language'.split(
        ' ',
      );
    const { headers } = await emailOf(`${HEAD}${names.map((name) => `${name}: x\r\n`).join('')}Bcc: hidden@elsewhere.test\r\n\r\nx`);
    expect(Object.keys(headers)).toEqual(['Message-ID']);
  });

  test('thousands of fields do not all go along', async () => {
    const many = Array.from({ length: 1500 }, (_, index) => `X-${index}: y\r\n`).join('');
    expect(Object.keys((await emailOf(`${HEAD}${many}\r\nx`)).headers).length).toBeLessThanOrEqual(100);
  });
});

describe('recipients', () => {
  const to = (lines: string) => `From: Me <me@example.test>\r\n${lines}\r\nSubject: s\r\n\r\nx`;
  test('are those of the envelope, each in the field that names it, the rest hidden', async () => {
    const raw = to('To: One <one@x.test>, not-sent@x.test\r\nCc: Friends: two@x.test, THREE@X.test;\r\nBcc: four@x.test');
    expect(await emailOf(raw, ['one@x.test', 'two@x.test', 'three@x.test', 'four@x.test'])).toMatchObject({
      to: ['One <one@x.test>'],
      cc: ['two@x.test', 'three@x.test'],
      bcc: ['four@x.test'],
    });
  });

  test('a single hidden one is `to`, because nobody else sees it', async () => {
    const email = await emailOf(to('To: here@example.test'), ['four@x.test']);
    expect(email).toMatchObject({ to: ['four@x.test'] });
    expect(email).not.toHaveProperty('bcc');
  });

  test('hidden ones never see each other: then `to` is the sender', async () => {
    expect(await emailOf(to('To: undisclosed-recipients:;'), ['four@x.test', 'five@x.test'])).toMatchObject({
      to: ['Me <me@example.test>'],
      bcc: ['four@x.test', 'five@x.test'],
    });
  });

  test('with only Cc one of them is `to`', async () => {
    const email = await emailOf(to('Cc: two@x.test, three@x.test'), ['two@x.test', 'three@x.test', 'four@x.test']);
    expect(email).toMatchObject({ to: ['two@x.test'], cc: ['three@x.test'], bcc: ['four@x.test'] });
  });

  test('international domains go in their ASCII form, odd local parts quoted', async () => {
    const email = await emailOf(to('To: J\xc3\xbcrgen <j@m\xc3\xbcller.test>, x@y.test'), ['j@müller.test', '"a b"@y.test', 'x@y.test']);
    expect(email.to).toEqual(['Jürgen <j@xn--mller-kva.test>', 'x@y.test']);
    expect(email.bcc).toEqual(['"a b"@y.test']);
  });

  test('more than fifty go in several calls, each with its own verdict and its own key', async () => {
    const many = Array.from({ length: 70 }, (_, index) => `r${index}@x.test`);
    const raw = to(`To: ${many.slice(0, 60).join(',\r\n ')}`);
    resendAnswers(accepts, () => Response.json({ name: 'validation_error', message: 'no' }, { status: 422 }));
    const verdicts = await sendThroughRelay(await leaving(raw, many), RESEND, world.env);
    expect(calls.map(({ email }) => [email.to.length, email.bcc?.length])).toEqual([
      [50, undefined],
      [10, 10],
    ]);
    expect(many.map((recipient) => verdicts.get(recipient)?.status)).toEqual([...Array(50).fill('sent'), ...Array(20).fill('refused')]);
    const keys = calls.map(({ init }) => new Headers(init.headers).get('idempotency-key'));
    expect(new Set(keys).size).toBe(2);
  });
});

test('a call carries the key, a name of ours and the same idempotency key each time', async () => {
  const raw = `${HEAD}\r\nx`;
  await emailOf(raw);
  await emailOf(raw);
  const [first, second] = calls.map(({ init }) => new Headers(init.headers));
  expect(calls[0]?.url).toBe('https://resend.test/v1/emails');
  expect(first?.get('authorization')).toBe('Bearer re_secret');
  expect(first?.get('user-agent')).toBe('posthouse');
  expect(first?.get('idempotency-key')).toBe(second?.get('idempotency-key'));
  expect(first?.get('idempotency-key')?.length).toBeLessThanOrEqual(256);
  expect(calls[0]?.email).toEqual(calls[1]?.email);
});

describe('a verdict', () => {
  const refusal = (status: number, name: string) => () => Response.json({ statusCode: status, name, message: 'because\r\nso' }, { status });
  const verdictOn = async (answer: () => Response | Promise<Response>) => {
    resendAnswers(answer);
    return (await sendThroughRelay(await leaving(`${HEAD}\r\nx`), RESEND, world.env)).get(FRIEND);
  };

  test.each([
    ['an id', accepts, 'sent', '250 2.0.0 relayed as abc-123'],
    ['success without JSON', () => new Response('OK'), 'sent', '250 2.0.0'],
    ['success with null', () => new Response('null'), 'sent', '250 2.0.0'],
    ['400 validation_error', refusal(400, 'validation_error'), 'refused', '554 5.0.0 the relay refused: 400 validation_error: because so'],
    ['422 validation_error', refusal(422, 'validation_error'), 'refused', '554 5.0.0'],
    ['422 invalid_from_address', refusal(422, 'invalid_from_address'), 'refused', '554 5.0.0'],
    ['422 invalid_attachment', refusal(422, 'invalid_attachment'), 'refused', '554 5.0.0'],
    ['403 validation_error, a domain that is not verified', refusal(403, 'validation_error'), 'refused', '554 5.0.0'],
    ['451 security_error', refusal(451, 'security_error'), 'refused', '554 5.0.0'],
    ['413', () => new Response('too large', { status: 413 }), 'refused', '554 5.0.0'],
    ['401 missing_api_key', refusal(401, 'missing_api_key'), 'later', '451 4.4.0'],
    ['403 invalid_api_key', refusal(403, 'invalid_api_key'), 'later', '451 4.4.0'],
    ['401 restricted_api_key', refusal(401, 'restricted_api_key'), 'later', '451 4.4.0'],
    ['404, a wrong address of the relay', refusal(404, 'not_found'), 'later', '451 4.4.0'],
    ['409 concurrent_idempotent_requests', refusal(409, 'concurrent_idempotent_requests'), 'later', '451 4.4.0'],
    ['409 invalid_idempotent_request', refusal(409, 'invalid_idempotent_request'), 'later', '451 4.4.0'],
    ['429 rate_limit_exceeded', refusal(429, 'rate_limit_exceeded'), 'later', '451 4.4.0'],
    ['429 daily_quota_exceeded', refusal(429, 'daily_quota_exceeded'), 'later', '451 4.4.0'],
    ['429 monthly_quota_exceeded', refusal(429, 'monthly_quota_exceeded'), 'later', '451 4.4.0'],
    ['500 application_error', refusal(500, 'application_error'), 'later', '451 4.4.0'],
    ['503 in HTML', () => new Response('<h1>down</h1>', { status: 503 }), 'later', '451 4.4.0'],
    ['a redirection', () => new Response(null, { status: 302, headers: { location: 'https://elsewhere.test' } }), 'later', '451 4.4.0'],
    ['an endless answer', () => new Response('x'.repeat(200_000), { status: 500 }), 'later', '451 4.4.0'],
    ['a broken connection', () => Promise.reject(new TypeError('fetch failed')), 'later', '451 4.4.0'],
    ['silence', () => Promise.reject(new DOMException('The operation timed out', 'TimeoutError')), 'later', '451 4.4.0'],
  ])('on %s', async (_name, answer, status, reply) => {
    const verdict = await verdictOn(answer);
    expect(verdict?.status).toBe(status);
    expect(verdict?.reply).toContain(reply);
    expect(verdict?.reply).not.toMatch(/[\r\n]/);
    expect(verdict?.reply.length).toBeLessThanOrEqual(500);
  });

  test('is asked for once, with a time limit and without following redirections', async () => {
    await verdictOn(accepts);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.init.signal).toBeInstanceOf(AbortSignal);
    expect(calls[0]?.init.redirect).toBe('manual');
  });

  test('on a message larger than Resend takes is given without a call', async () => {
    resendAnswers(accepts);
    const message = { ...(await leaving(`${HEAD}\r\nx`)), size: 40 * 1024 * 1024 + 1 };
    expect(await sendToResend(message, RESEND, world.env)).toMatchObject({
      status: 'refused',
      reply: expect.stringMatching(/^552 5\.3\.4 /),
    });
    expect(calls).toEqual([]);
  });
});
