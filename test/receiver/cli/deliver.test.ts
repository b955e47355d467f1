import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { asSmtpData, senderOf } from '../../../receiver/cli/deliver.ts';
import { FakeAdmin } from './posthouse.ts';

interface Taken {
  from: string;
  to: string[];
  octets: Buffer;
}

const admin = new FakeAdmin();
const taken: Taken[] = [];
let open = 0;
let mostOpen = 0;

/** Refuses `nobody@`, and messages that say so. */
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  onConnect: (_session, done) => {
    mostOpen = Math.max(mostOpen, ++open);
    done();
  },
  onClose: () => {
    open--;
  },
  onRcptTo: ({ address }, _session, done) => {
    if (address.startsWith('nobody@')) return done(Object.assign(new Error('5.1.1 unknown here'), { responseCode: 550 }));
    done();
  },
  onData: (stream, session, done) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => {
      const octets = Buffer.concat(chunks);
      if (octets.includes('REFUSE ME')) return done(Object.assign(new Error('5.7.1 not this one'), { responseCode: 554 }));
      const { mailFrom, rcptTo } = session.envelope;
      taken.push({ from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address), octets });
      done();
    });
  },
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await admin.start({ smtp: (server.server.address() as AddressInfo).port });
});
afterAll(async () => {
  admin.stop();
  await new Promise<void>((resolve) => server.close(resolve));
});
beforeEach(() => {
  taken.length = 0;
  mostOpen = 0;
});

test('a message arrives byte for byte, with the sender it names', async () => {
  const message = Buffer.from('From: A <a@sender.test>\r\nSubject: caf\xe9\r\n\r\n.leading dot\r\n..two\r\n\xff\x00end\r\n', 'latin1');
  const { code, stdout } = await admin.run(['deliver', admin.file('one.eml', message), '--to', 'me@example.test']);
  expect(stdout).toMatch(/^1 delivered, 0 refused/);
  expect(code).toBe(0);
  expect(taken).toEqual([{ from: 'a@sender.test', to: ['me@example.test'], octets: message }]);
});

test('a folder is sent over several connections, every file once', async () => {
  const folder = new FakeAdmin();
  for (let i = 0; i < 40; i++) folder.file(`${i}.eml`, `From: a@sender.test\nX-Number: ${i}\n\nbody\n`);
  folder.file('.hidden', 'no message');
  const { stdout } = await admin.run(['deliver', folder.home, '--to', 'me@example.test', '--to', 'you@example.test', '--from', 'x@y.test']);
  folder.stop();
  expect(stdout).toMatch(/^40 delivered, 0 refused/);
  const numbers = taken.map(({ octets }) => Number(/X-Number: (\d+)\r\n/.exec(octets.toString())?.[1]));
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  expect(new Set(taken.map(({ from, to }) => `${from} ${to}`))).toEqual(new Set(['x@y.test me@example.test,you@example.test']));
  expect(mostOpen).toBe(4);
});

test('a refusal is told with the file and the reply, the rest is sent, and the exit code says so', async () => {
  const files = [admin.file('a.eml', 'Subject: REFUSE ME\n\n'), admin.file('b.eml', 'Subject: fine\n\n')];
  const { code, stdout, stderr } = await admin.run(['deliver', ...files, '--to', 'me@example.test', '--connections', '1']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^1 delivered, 1 refused/);
  expect(stderr).toMatch(/a\.eml: .*554 5\.7\.1 not this one/);
  expect(taken).toHaveLength(1);
});

test('an unknown recipient is a refusal, also beside a known one', async () => {
  const file = admin.file('c.eml', 'Subject: c\n\n');
  const alone = await admin.run(['deliver', file, '--to', 'nobody@example.test']);
  expect(alone).toMatchObject({ code: 1, stderr: expect.stringContaining('550 5.1.1 unknown here') });
  const beside = await admin.run(['deliver', file, '--to', 'me@example.test', '--to', 'nobody@example.test']);
  expect(beside).toMatchObject({ code: 1, stderr: expect.stringContaining('550 5.1.1 unknown here') });
});

test('nothing to send, nowhere to send it and nobody to send it to are said', async () => {
  const file = admin.file('d.eml', 'x');
  expect(await admin.run(['deliver', file])).toMatchObject({ code: 2, stderr: expect.stringContaining('--to ADDRESS is missing') });
  expect(await admin.run(['deliver', '/nonexistent', '--to', 'a@b.test'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is not there'),
  });
  const env = { POSTHOUSE_EDGE: admin.url, POSTHOUSE_ADMIN_TOKEN_FILE: file };
  expect(await admin.run(['deliver', file, '--to', 'a@b.test'], { env })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--smtp'),
  });
  const dead = await admin.run(['deliver', file, '--to', 'a@b.test', '--smtp', '127.0.0.1:1']);
  expect(dead).toMatchObject({ code: 1, stderr: expect.stringContaining('127.0.0.1:1') });
});

test('an mbox line goes, and bare CR and LF become CRLF', () => {
  const data = (text: string) => asSmtpData(Buffer.from(text, 'latin1')).toString('latin1');
  expect(data('From a@b.test Mon Jan 1\nSubject: x\n\nFrom here\n')).toBe('Subject: x\r\n\r\nFrom here\r\n');
  expect(data('a\rb\nc\r\nd\r\r\n')).toBe('a\r\nb\r\nc\r\nd\r\n\r\n');
  expect(data('')).toBe('');
});

test('the envelope sender is the one the message names, or none', () => {
  const sender = (header: string) => senderOf(Buffer.from(`${header}\r\n\r\nFrom: <body@b.test>`, 'latin1'));
  expect(sender('Return-Path: <r@b.test>\r\nFrom: <f@b.test>')).toBe('r@b.test');
  expect(sender('Return-Path: <>\r\nFrom: <f@b.test>')).toBe('');
  expect(sender('From: "A, B" <f@b.test>')).toBe('f@b.test');
  expect(sender('From: f@b.test')).toBe('f@b.test');
  expect(sender('From: <no address>')).toBe('');
  expect(sender('From: \xfcml@b.test')).toBe('');
  expect(sender('Subject: x')).toBe('');
});
