/** Bodies are read by range from the offsets in the index and decoded alone (RFC 8621 §4.2): a large message costs what is shown of it. */

import { env } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { CORE, MAIL } from '../../../shared/jmap/capabilities.ts';
import type { EmailBodyValue } from '../../../shared/jmap/email/body-value.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import type { Invocation } from '../../../shared/jmap/request.ts';
import { app } from '../../../workers/app.ts';
import { ORIGIN } from '../../support/directory.ts';
import { deliverRaw } from '../../support/mail.ts';
import { type Client, makeClient } from './client.ts';
import { Watched } from './counting-bucket.ts';

const MB = 1024 * 1024;
const KB = 1024;
const ATTACHMENT = 50 * MB;
const LINE = 'Grüße aus Köln, und so weiter und so fort.\r\n';
/** Together shorter than what is ever read of a part. */
const LINES = 10_000;

let client: Client;
let large: string;
beforeAll(async () => {
  client = await makeClient();
  large = `M${await deliverRaw(env, client.account, largeMessage())}`;
}, 60_000);

/** A text of half a megabyte in quoted-printable, and 50 MB attached as text. */
function largeMessage(): Uint8Array {
  const hex = (octet: number) => `=${octet.toString(16).toUpperCase()}`;
  const encoded = LINE.replace(/[ßüö]/g, (char) => [...new TextEncoder().encode(char)].map(hex).join(''));
  const head = [
    'Subject: large',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    encoded.repeat(LINES),
    '--b',
    'X-Mine: yes',
    'Content-Type: text/csv; name=big.csv',
    'Content-Disposition: attachment',
    '',
    '',
  ].join('\r\n');
  const tail = new TextEncoder().encode('\r\n--b--\r\n');
  const message = new Uint8Array(head.length + ATTACHMENT + tail.length).fill(0x61);
  for (let at = head.length + 99; at < head.length + ATTACHMENT; at += 100) message[at] = 0x0a;
  message.set(new TextEncoder().encode(head));
  message.set(tail, head.length + ATTACHMENT);
  return message;
}

/** What Email/get answers of the large message, and how many octets of originals it took. */
async function read(args: Json): Promise<{ email: Json; got: number; reads: number }> {
  const watched = new Watched();
  const methodCalls = [['Email/get', { accountId: client.accountId, ids: [large], ...args }, 'c']];
  const headers = { authorization: client.authorization, 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify({ using: [CORE, MAIL], methodCalls }) };
  const answer = await app.request(`${ORIGIN}/jmap/api`, init, watched.env);
  const { methodResponses } = (await answer.json()) as { methodResponses: Invocation[] };
  const list = methodResponses[0]?.[1].list as Json[] | undefined;
  return { email: list?.[0] ?? {}, got: watched.got, reads: watched.count('get') };
}

const values = ({ bodyValues }: Json) => bodyValues as Record<string, EmailBodyValue>;

test('the structure, the sizes and the preview of 50 MB cost no read', async () => {
  const { email, reads } = await read({ properties: ['bodyStructure', 'textBody', 'attachments', 'size', 'preview', 'subject'] });
  expect(reads).toBe(0);
  expect(email).toMatchObject({ subject: 'large', attachments: [{ name: 'big.csv', size: ATTACHMENT }] });
});

test('a text part is read alone, and whole when it is below what we read of one', async () => {
  const { email, got } = await read({ properties: ['bodyValues'], fetchTextBodyValues: true });
  expect(values(email)['1']).toEqual({
    value: LINE.repeat(LINES).replaceAll('\r\n', '\n'),
    isEncodingProblem: false,
    isTruncated: false,
  });
  expect(got).toBeLessThan(LINE.length * LINES * 1.5);
});

test('of a value with a limit little more is read than is shown', async () => {
  const { email, got, reads } = await read({ properties: ['bodyValues'], fetchTextBodyValues: true, maxBodyValueBytes: 100 });
  expect(values(email)['1']).toMatchObject({ isTruncated: true, isEncodingProblem: false });
  expect(values(email)['1']?.value).toBe(LINE.replace('\r\n', '\n').repeat(3).slice(0, values(email)['1']?.value.length));
  expect([reads, got <= 20 * KB]).toEqual([1, true]);
});

test('of a 50 MB part no more is read than our own bound, and a limit counts there too', async () => {
  const all = { properties: ['bodyValues'], fetchAllBodyValues: true };
  const whole = await read(all);
  expect(values(whole.email)['2']).toMatchObject({ isTruncated: true });
  expect(values(whole.email)['2']?.value.length).toBeGreaterThan(MB - 100 * KB);
  expect(whole.got).toBeLessThan(2 * MB);
  const cut = await read({ ...all, maxBodyValueBytes: 1000 });
  expect(values(cut.email)['2']?.value).toHaveLength(1000);
  expect(cut.got).toBeLessThan(50 * KB);
});

test('the header fields of a part are read alone', async () => {
  const { email, got } = await read({ properties: ['attachments'], bodyProperties: ['headers', 'header:X-Mine'] });
  expect(email.attachments).toEqual([
    {
      headers: [
        { name: 'X-Mine', value: ' yes' },
        { name: 'Content-Type', value: ' text/csv; name=big.csv' },
        { name: 'Content-Disposition', value: ' attachment' },
      ],
      'header:X-Mine': ' yes',
    },
  ]);
  expect(got).toBeLessThan(KB);
});

test('what decodes to less than it is long is read on, until the limit is filled', async () => {
  const base64 = btoa('é\0'.repeat(30_000));
  const soft = `${base64.replace(/.{4}/g, '$&\r\n\r\n\r\n\r\n\r\n\r\n')}\r\n`.repeat(3);
  const head = 'Subject: x\r\nContent-Type: text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64\r\n\r\n';
  const id = `M${await deliverRaw(env, client.account, new TextEncoder().encode(head + soft))}`;
  const email = await client.email(id, { properties: ['bodyValues'], fetchTextBodyValues: true, maxBodyValueBytes: 20_000 });
  expect(values(email)['1']).toEqual({ value: 'é'.repeat(10_000), isEncodingProblem: false, isTruncated: true });
});
