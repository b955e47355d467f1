/** Messages of 50 MB pass through the methods of JMAP in small pieces: a Worker has 128 MB for all its requests (RFC 8621 §4.6, §4.8, §4.9). */
import { beforeAll, expect, test } from 'vitest';
import { CORE, MAIL } from '../../../shared/jmap/capabilities.ts';
import { runRequest } from '../../../workers/jmap/dispatch.ts';
import { answerUpload } from '../../../workers/jmap/upload.ts';
import { ORIGIN } from '../../support/directory.ts';
import { type Client, makeClient } from './client.ts';
import { Source, Watched } from './counting-bucket.ts';

const MB = 1024 * 1024;
/** The largest value that may ever be put at once: a piece of an upload. */
const PIECE = 5 * MB;

let client: Client;
let inbox: string;
beforeAll(async () => {
  client = await makeClient();
  inbox = (await client.roles()).inbox ?? '';
});

/** Uploads a stream of that length without a length. */
async function upload(length: number, chunk?: (offset: number, octets: number) => Uint8Array): Promise<string> {
  const request = new Request(ORIGIN, { method: 'POST', body: new Source(length, chunk).stream });
  const answer = await answerUpload(new Watched().env, client.account, client.accountId, request);
  return ((await answer.json()) as { blobId: string }).blobId;
}

async function call(watched: Watched, name: string, args: Record<string, unknown>): Promise<Record<string, never>> {
  const methodCalls: [string, Record<string, unknown>, string][] = [[name, { accountId: client.accountId, ...args }, 'c']];
  const { methodResponses } = await runRequest(watched.env, client.account, { using: [CORE, MAIL], methodCalls, createdIds: null });
  const [answer] = methodResponses as [string, Record<string, never>][];
  expect(answer?.[0], JSON.stringify(answer?.[1])).toBe(name);
  return answer?.[1] ?? {};
}

const HEADER =
  'Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\nContent-Type: image/png\r\n\r\n';

/** A message of `length` octets, most of them one part. */
function largeMessage(offset: number, octets: number): Uint8Array {
  const chunk = new Uint8Array(octets).fill(0x78);
  for (let at = (76 - (offset % 76)) % 76; at < octets; at += 76) chunk[at] = 0x0a;
  if (offset === 0) chunk.set(new TextEncoder().encode(HEADER));
  return chunk;
}

test('an email is made with 45 MB of attachments that are never in memory, and they come back as they were', async () => {
  const attachment = await upload(45 * MB, (offset, octets) => new Uint8Array(octets).fill((offset / 65_536) % 251));
  const watched = new Watched();
  const create = { k: { mailboxIds: { [inbox]: true }, attachments: [{ blobId: attachment, type: 'image/png' }] } };
  const created: unknown = (await call(watched, 'Email/set', { create })).created;
  const { id, size, attachments } =
    (created as Record<string, { id: string; size: number; attachments: { blobId: string; size: number }[] }>).k ?? {};
  expect(size).toBeGreaterThan(60 * MB);
  expect(attachments).toMatchObject([{ size: 45 * MB }]);
  expect(watched.largestPut).toBeLessThan(MB);
  const blobId = attachments?.[0]?.blobId ?? '';
  expect(await client.email(id ?? '', { properties: ['attachments'] })).toMatchObject({ attachments: [{ blobId }] });
  const back = await client.fetch(`/jmap/download/${client.accountId}/${blobId}/x`);
  let octets = 0;
  for await (const chunk of back.body ?? []) {
    expect(chunk[0]).toBe(Math.floor(octets / 65_536) % 251);
    octets += chunk.length;
  }
  expect(octets).toBe(45 * MB);
}, 120_000);

test('a message of 50 MB is parsed and imported as it streams by', async () => {
  const blobId = await upload(50 * MB, largeMessage);
  const watched = new Watched();
  const properties = ['subject', 'size', 'attachments', 'preview', 'bodyValues'];
  const { parsed } = await call(watched, 'Email/parse', { blobIds: [blobId], properties, fetchTextBodyValues: true });
  expect(parsed).toMatchObject({ [blobId]: { subject: 'large', size: 50 * MB, preview: 'hello', bodyValues: { 1: { value: 'hello' } } } });
  const { created } = await call(watched, 'Email/import', { emails: { k: { blobId, mailboxIds: { [inbox]: true } } } });
  expect(created).toMatchObject({ k: { blobId, size: 50 * MB } });
  expect(watched.largestPut).toBe(0);
  // Twice through for the two methods, and one small range for the text.
  expect(watched.got).toBeLessThan(101 * MB);
}, 120_000);

test('a message enclosed in another is parsed and imported from there', async () => {
  const inner = `Subject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\ninside\r\n--i\r\nContent-Type: application/zip\r\n\r\nPNG\r\n--i--\r\n`;
  const encoded = btoa(inner).replace(/.{76}/g, '$&\r\n');
  const raw = (how: string, body: string) =>
    `Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\nx\r\n--o\r\nContent-Type: message/rfc822\r\n${how}\r\n${body}\r\n--o--\r\n`;
  for (const message of [raw('', inner), raw('Content-Transfer-Encoding: base64\r\n', encoded)]) {
    const { id } = await client.import(message, inbox);
    const { attachments } = await client.email(id, { properties: ['attachments'] });
    const [{ blobId }] = attachments as [{ blobId: string }];
    const { parsed } = await client.call('Email/parse', {
      blobIds: [blobId],
      properties: ['subject', 'bodyValues', 'attachments'],
      fetchAllBodyValues: true,
    });
    const email = (parsed as Record<string, { attachments: { blobId: string }[] }>)[blobId];
    expect(email).toMatchObject({ subject: 'inner', bodyValues: { 1: { value: 'inside' } }, attachments: [{ type: 'application/zip' }] });
    const part = await client.fetch(`/jmap/download/${client.accountId}/${email?.attachments[0]?.blobId}/x`);
    expect(new TextDecoder().decode(await part.arrayBuffer())).toBe('PNG');
    const { created } = await client.call('Email/import', { emails: { k: { blobId, mailboxIds: { [inbox]: true } } } });
    const { id: own, blobId: ownBlob } = (created as Record<string, { id: string; blobId: string }>).k ?? {};
    expect(await client.email(own ?? '', { properties: ['subject'] })).toMatchObject({ subject: 'inner' });
    expect(ownBlob).not.toBe(blobId);
  }
});

test('a message that would be too large is refused before it is stored', async () => {
  const watched = new Watched();
  const small = { ...watched.env, MESSAGE_SIZE_LIMIT: String(2 * MB) };
  const blobId = await upload(1.8 * MB);
  const args = { accountId: client.accountId, create: { k: { mailboxIds: { [inbox]: true }, attachments: [{ blobId }] } } };
  const request = { using: [CORE, MAIL], methodCalls: [['Email/set', args, 'c'] as [string, typeof args, string]], createdIds: null };
  const { methodResponses } = await runRequest(small, client.account, request);
  expect(methodResponses).toMatchObject([['Email/set', { created: null, notCreated: { k: { type: 'tooLarge' } } }, 'c']]);
  expect(watched.count('put')).toBe(0);
});

test('no piece of an upload is larger than the smallest the bucket takes', async () => {
  const watched = new Watched();
  const request = new Request(ORIGIN, { method: 'POST', body: new Source(11 * MB).stream });
  expect((await answerUpload(watched.env, client.account, client.accountId, request)).status).toBe(201);
  expect([watched.largestPut, watched.count('createMultipartUpload'), watched.count('delete')]).toEqual([PIECE, 1, 1]);
});
