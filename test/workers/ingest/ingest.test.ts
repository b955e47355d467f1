/** `POST /ingest`: from a signed frame to a mailbox, once, whole, and with an answer for every recipient. */
import { env } from 'cloudflare:test';
import { beforeAll, describe, expect, test } from 'vitest';
import { indexMessage } from '../../../shared/mime/indexer.ts';
import type { IngestAnswer, IngestMessage } from '../../../shared/protocol.ts';
import { getOriginal } from '../../../workers/store/blobs.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import type { Account } from '../../../workers/store/mail/types.ts';
import { makeAccount, makeAlias, makeReceiver, signedCall, type TestReceiver } from '../../support/directory.ts';
import { digest, mailboxOf, rawMessage } from '../../support/mail.ts';

let receiver: TestReceiver;
let me: Account;
let you: Account;
let spool = 0;

beforeAll(async () => {
  me = await makeAccount(env, 'me@example.test');
  you = await makeAccount(env, 'you@example.test');
  await makeAlias(env, 'also-me@example.test', me.id);
  receiver = await makeReceiver(env);
});

async function message(raw: Uint8Array, rcptTo: string[], changes: Partial<IngestMessage> = {}): Promise<IngestMessage> {
  return {
    spoolId: `${(++spool).toString(16).padStart(12, '0')}-0123456789abcdef`,
    inline: raw.length,
    sha256: await digest(raw),
    envelope: { mailFrom: 'ann@example.org', rcptTo },
    receivedAt: Date.now(),
    remoteAddress: '192.0.2.1',
    helo: 'mx.example.org',
    verdicts: { spf: 'pass', dkim: 'none', dmarc: 'none', arc: 'none' },
    index: indexMessage(raw),
    ...changes,
  };
}

async function ingest(messages: IngestMessage[], payloads: Uint8Array[]): Promise<IngestAnswer> {
  const answer = await signedCall(env, receiver, { path: '/ingest', header: { messages }, payloads });
  expect(answer.status).toBe(200);
  return answer.json();
}

function statuses(answer: IngestAnswer): string[][] {
  return answer.messages.map(({ recipients }) => recipients.map(({ status }) => status));
}

async function inboxCount(account: Account): Promise<number> {
  const inbox = await mailboxOf(env, account, 'inbox');
  return (await openMail(env, account).mailboxes()).find(({ id }) => id === inbox)?.emails ?? -1;
}

test('a message to two accounts is stored once in each, octet for octet', async () => {
  const raw = rawMessage();
  const before = await Promise.all([inboxCount(me), inboxCount(you)]);
  expect(statuses(await ingest([await message(raw, ['me@example.test', 'you@example.test'])], [raw]))).toEqual([['stored', 'stored']]);
  expect(await Promise.all([inboxCount(me), inboxCount(you)])).toEqual(before.map((count) => count + 1));
  const original = await getOriginal(env, me.id, await digest(raw));
  expect(new Uint8Array(await new Response(original?.body).arrayBuffer())).toEqual(raw);
});

test('invariant 3: delivering the same entry again stores nothing twice and says so', async () => {
  const raw = rawMessage();
  const entry = await message(raw, ['me@example.test']);
  expect(statuses(await ingest([entry], [raw]))).toEqual([['stored']]);
  const before = await inboxCount(me);
  expect(statuses(await ingest([entry], [raw]))).toEqual([['duplicate']]);
  expect(await inboxCount(me)).toBe(before);
});

test('a message to two addresses of one account is stored once and both are answered', async () => {
  const raw = rawMessage();
  const before = await inboxCount(me);
  expect(statuses(await ingest([await message(raw, ['me@example.test', 'also-me@example.test'])], [raw]))).toEqual([['stored', 'stored']]);
  expect(await inboxCount(me)).toBe(before + 1);
});

test('invariant 3: an address that vanished goes to the postmaster of its domain', async () => {
  const raw = rawMessage();
  const before = await inboxCount(me);
  expect(statuses(await ingest([await message(raw, ['gone@example.test'])], [raw]))).toEqual([['stored']]);
  expect(await inboxCount(me)).toBe(before + 1);
});

test('a recipient of no domain of ours is refused and does not hold up the others', async () => {
  const raw = rawMessage();
  expect(statuses(await ingest([await message(raw, ['x@elsewhere.example', 'you@example.test'])], [raw]))).toEqual([['refused', 'stored']]);
});

test('invariant 2: octets with another digest are refused, the other message is stored', async () => {
  const [good, bad] = [rawMessage(), rawMessage()];
  const wrong = await message(bad, ['me@example.test'], { sha256: 'a'.repeat(64) });
  const answer = await ingest([wrong, await message(good, ['me@example.test'])], [bad, good]);
  expect(statuses(answer)).toEqual([['refused'], ['stored']]);
  expect(answer.messages[0]?.recipients[0]?.reason).toBe('digest mismatch');
  expect(await getOriginal(env, me.id, 'a'.repeat(64))).toBeNull();
});

test('a message that was to be put before waits until it is', async () => {
  const raw = rawMessage();
  const entry = await message(raw, ['you@example.test'], { inline: 0 });
  expect(statuses(await ingest([entry], []))).toEqual([['retry']]);
  const put = await signedCall(env, receiver, {
    method: 'PUT',
    path: `/blob/${you.id}/${entry.sha256}`,
    body: raw.slice(),
    headers: { 'content-length': String(raw.length) },
  });
  expect(put.status).toBe(201);
  expect(statuses(await ingest([entry], []))).toEqual([['stored']]);
});

test('invariant 3: over quota is stored all the same', async () => {
  const small = await makeAccount(env, 'small@example.test');
  await env.MAIL_0.prepare('UPDATE account SET quota = 10 WHERE id = ?1').bind(small.id).run();
  const raw = rawMessage();
  expect(statuses(await ingest([await message(raw, ['small@example.test'])], [raw]))).toEqual([['stored']]);
});

describe('an index that cannot be taken refuses its message and no other', () => {
  const cases: [string, (entry: IngestMessage) => unknown][] = [
    ['a structure without offsets', ({ index }) => ({ ...index, structure: {} })],
    ['offsets beyond the message', ({ index }) => ({ ...index, structure: { ...index.structure, end: 1e9 } })],
    ['a NUL in the subject', ({ index }) => ({ ...index, subject: 'a\0b' })],
    ['no index', () => undefined],
  ];
  test.each(cases)('%s', async (_name, spoil) => {
    const [good, bad] = [rawMessage(), rawMessage()];
    const entry = await message(bad, ['me@example.test', 'x@elsewhere.example']);
    const faulty = { ...entry, index: spoil(entry) } as IngestMessage;
    const answer = await ingest([faulty, await message(good, ['me@example.test'])], [bad, good]);
    expect(statuses(answer)).toEqual([['refused', 'refused'], ['stored']]);
    expect(answer.messages[0]?.recipients[0]?.reason).toContain('index');
  });
});

describe('malformed frames are refused whole', () => {
  const cases: [string, (entry: IngestMessage) => unknown][] = [
    ['no messages', () => ({ messages: [] })],
    ['a spool id of another form', (entry) => ({ messages: [{ ...entry, spoolId: '../x' }] })],
    ['a digest that is a path', (entry) => ({ messages: [{ ...entry, sha256: '../../1/x' }] })],
    ['more recipients than lines', (entry) => ({ messages: [{ ...entry, envelope: { mailFrom: '', rcptTo: [] } }] })],
    ['a payload that is too short', (entry) => ({ messages: [{ ...entry, inline: entry.inline + 1 }] })],
    ['33 messages', (entry) => ({ messages: Array(33).fill(entry) })],
    ['an array', () => []],
  ];
  test.each(cases)('%s', async (_name, change) => {
    const raw = rawMessage();
    const header = change(await message(raw, ['me@example.test']));
    const answer = await signedCall(env, receiver, { path: '/ingest', header, payloads: [raw] });
    expect(answer.status).toBe(400);
  });
});
