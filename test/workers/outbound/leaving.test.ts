/** What leaves: everything but Bcc and what only a receiver may say, octet for octet, streamed. */
import { beforeAll, describe, expect, test } from 'vitest';
import { withoutFields } from '../../../workers/outbound/header.ts';
import { type LeavingMessage, leavingChunks, openLeaving } from '../../../workers/outbound/leaving.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import { digest } from '../../support/mail.ts';
import { latin1, makeWorld, octets, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

const FACTS = { id: '7-1', at: Date.UTC(2026, 10, 22, 10), envelope: { mailFrom: 'me@example.test', rcptTo: ['a@elsewhere.test'] } };
const DATED = 'Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <x@example.test>\r\n';

async function open(raw: Uint8Array, facts = FACTS): Promise<LeavingMessage | null> {
  const mail = openMail(world.env, world.account);
  const sha256 = await digest(raw);
  await mail.putBlob(sha256, raw, raw.length);
  return openLeaving(mail, sha256, facts);
}

async function textOf(message: LeavingMessage | null): Promise<string> {
  let text = '';
  if (message) for await (const chunk of leavingChunks(message)) text += latin1(chunk);
  expect(text.length).toBe(message?.size);
  return text;
}

describe('Bcc is cut', () => {
  const cut = (header: string) => latin1(withoutFields(octets(header), new Set(['bcc', 'resent-bcc'])));
  test.each([
    ['in the middle', 'To: a@b\r\nBcc: x@y\r\nSubject: s\r\n\r\n', 'To: a@b\r\nSubject: s\r\n\r\n'],
    ['as the first field', 'Bcc: x@y\r\nTo: a@b\r\n\r\n', 'To: a@b\r\n\r\n'],
    ['as the last field', 'To: a@b\r\nBcc: x@y\r\n\r\n', 'To: a@b\r\n\r\n'],
    ['as the last field without a line end', 'To: a@b\r\nBcc: x@y', 'To: a@b\r\n'],
    ['as the only field', 'Bcc: x@y\r\n\r\n', '\r\n'],
    ['folded', 'Bcc: x@y,\r\n z@y,\r\n\tw@y\r\nTo: a@b\r\n\r\n', 'To: a@b\r\n\r\n'],
    ['folded with a line of white space', 'Bcc: x@y,\r\n \r\n z@y\r\nTo: a@b\r\n\r\n', 'To: a@b\r\n\r\n'],
    ['several times', 'Bcc: x@y\r\nTo: a@b\r\nBcc: z@y\r\n\r\n', 'To: a@b\r\n\r\n'],
    ['in odd capitals', 'bCC: x@y\r\nBCC: z@y\r\nTo: a@b\r\n\r\n', 'To: a@b\r\n\r\n'],
    ['with white space before the colon', 'Bcc \t: x@y\r\nTo: a@b\r\n\r\n', 'To: a@b\r\n\r\n'],
    ['empty', 'Bcc:\r\nTo: a@b\r\n\r\n', 'To: a@b\r\n\r\n'],
    ['with bare line feeds', 'To: a@b\nBcc: x@y\n z@y\nSubject: s\n\n', 'To: a@b\nSubject: s\n\n'],
    ['of a redirected message', 'Resent-Bcc: x@y\r\nTo: a@b\r\n\r\n', 'To: a@b\r\n\r\n'],
    ['behind a line that is no field', 'nonsense\r\nBcc: x@y\r\nTo: a@b\r\n\r\n', 'nonsense\r\nTo: a@b\r\n\r\n'],
    ['behind thousands of fields', `${'X: y\r\n'.repeat(5000)}Bcc: x@y\r\n\r\n`, `${'X: y\r\n'.repeat(5000)}\r\n`],
  ])('%s', (_name, header, expected) => expect(cut(header)).toBe(expected));

  test('and nothing else', () => {
    const header = 'Subject: Bcc: x\r\n Bcc: folded\r\nX-Bcc: a\r\nBccs: b\r\nBcc\x80: c\r\nTo: \xe9@b\r\n\r\n';
    expect(cut(header)).toBe(header);
  });
});

describe('a message as it leaves', () => {
  test('keeps its body octet for octet, what looks like a Bcc in it too', async () => {
    const body = 'Bcc: this is text\r\n\x00\xff\xe9 and \r bare\n';
    expect(await textOf(await open(octets(`${DATED}Bcc: x@y\r\nFrom: me@example.test\r\n\r\n${body}`)))).toBe(
      `${DATED}From: me@example.test\r\n\r\n${body}`,
    );
  });

  test('loses the return path and verdicts that others claimed', async () => {
    const claims = 'Return-Path: <boss@example.test>\r\nAuthentication-Results: mail.example.test;\r\n dkim=pass\r\n';
    expect(await textOf(await open(octets(`${claims}${DATED}From: me@example.test\r\n\r\nx`)))).toBe(
      `${DATED}From: me@example.test\r\n\r\nx`,
    );
  });

  test('gets a Date and a Message-ID when it has none, the same ones each time', async () => {
    const raw = octets('From: me@example.test\r\n\r\nx');
    const [first, second] = [await textOf(await open(raw)), await textOf(await open(raw))];
    expect(first).toBe(second);
    expect(first).toMatch(
      /^Date: Sun, 22 Nov 2026 10:00:00 \+0000\r\nMessage-ID: <[\w.-]+@example\.test>\r\nFrom: me@example\.test\r\n\r\nx$/,
    );
  });

  test('gets a Message-ID at its author’s domain when it leaves from the null reverse-path', async () => {
    const facts = { ...FACTS, envelope: { ...FACTS.envelope, mailFrom: '' } };
    const text = await textOf(await open(octets('From: Me <me@other.test>\r\n\r\nx'), facts));
    expect(text).toMatch(/^Message-ID: <[\w.-]+@other\.test>\r$/m);
  });

  test('may have no body, and no empty line', async () => {
    expect(await textOf(await open(octets(`${DATED}From: me@example.test\r\n\r\n`)))).toBe(`${DATED}From: me@example.test\r\n\r\n`);
    expect(await textOf(await open(octets(`${DATED}From: me@example.test`)))).toBe(`${DATED}From: me@example.test`);
  });

  test('does not leave when its header is too long to be looked at', async () => {
    expect(await open(octets(`${DATED}${`X: ${'y'.repeat(500)}\r\n`.repeat(600)}Bcc: x@y\r\n\r\nbody`))).toBeNull();
  });

  test('streams when it is large', async () => {
    const raw = octets(`${DATED}Bcc: x@y\r\nFrom: me@example.test\r\n\r\n${'0123456789abcdef'.repeat(40_000)}`);
    const text = await textOf(await open(raw));
    expect(text.length).toBe(raw.length - 'Bcc: x@y\r\n'.length);
    expect(text.endsWith('0123456789abcdef')).toBe(true);
  });
});
