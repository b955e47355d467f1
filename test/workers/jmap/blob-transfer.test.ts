/** Upload and download (RFC 8620 §6.1, §6.2). */
import { env } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { CONCURRENT_REQUESTS_MAX, CONCURRENT_UPLOADS_MAX } from '../../../shared/jmap/capabilities.ts';
import { Admission, requestAdmission, uploadAdmission } from '../../../workers/jmap/admission.ts';
import { answerDownload } from '../../../workers/jmap/download.ts';
import { answerUpload } from '../../../workers/jmap/upload.ts';
import { condemnUnused, deleteCondemned } from '../../../workers/store/condemned.ts';
import { PIECE_OCTETS } from '../../../workers/store/deposit.ts';
import { noteUpload, trimUploads, UPLOAD_LIFE_MS, UPLOADS_MAX } from '../../../workers/store/uploads.ts';
import { ORIGIN } from '../../support/directory.ts';
import { type Client, makeClient } from './client.ts';
import { Source, Watched } from './counting-bucket.ts';

let client: Client;
beforeAll(async () => {
  client = await makeClient();
});

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MB = 1024 * 1024;

const path = () => `/jmap/upload/${client.accountId}/`;
const download = (blobId: string, init: RequestInit = {}, name = 'x', accept = '') =>
  client.fetch(`/jmap/download/${client.accountId}/${blobId}/${name}?accept=${encodeURIComponent(accept)}`, init);

/** Uploads a stream to a watched bucket, as a client without Content-Length does. */
function uploadTo(watched: Watched, body: ReadableStream): Promise<Response> {
  const request = new Request(ORIGIN, { method: 'POST', body, headers: { 'content-type': 'image/png' } });
  return answerUpload(watched.env, client.account, client.accountId, request);
}

test('an upload is answered with the account, the blob, its type and its size', async () => {
  const answer = await client.fetch(path(), { method: 'POST', body: 'hello', headers: { 'content-type': 'Text/Plain; charset=utf-8' } });
  expect(answer.status).toBe(201);
  const made = (await answer.json()) as { blobId: string };
  expect(made).toEqual({ accountId: client.accountId, blobId: expect.stringMatching(/^G[0-9a-f]{64}$/), type: 'text/plain', size: 5 });
  expect(await (await download(made.blobId)).text()).toBe('hello');
  const untyped = await client.fetch(path(), { method: 'POST', body: new Uint8Array() });
  expect(await untyped.json()).toMatchObject({ type: 'application/octet-stream', size: 0 });
});

test('50 MB without a length pass in pieces, nothing of them is left behind, and the octets come back by range', async () => {
  const watched = new Watched();
  const source = new Source(50 * MB + 1, (offset, octets) => new Uint8Array(octets).fill((offset / 65_536) % 251));
  let most = 0;
  const body = source.stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        most = Math.max(most, source.made - watched.put);
        controller.enqueue(chunk);
      },
    }),
  );
  const answer = await uploadTo(watched, body);
  expect(answer.status).toBe(201);
  const { blobId, size } = (await answer.json()) as { blobId: string; size: number };
  expect(size).toBe(50 * MB + 1);
  expect(watched.largestPut).toBe(PIECE_OCTETS);
  expect(most).toBeLessThanOrEqual(PIECE_OCTETS + 4 * 65_536);
  expect(await env.ORIGINALS.list({ prefix: 'spool/' })).toMatchObject({ objects: [] });
  const range = await download(blobId, { headers: { range: `bytes=${40 * MB}-${40 * MB + 2}` } });
  expect([range.status, range.headers.get('content-range')]).toEqual([206, `bytes ${40 * MB}-${40 * MB + 2}/${50 * MB + 1}`]);
  expect([...new Uint8Array(await range.arrayBuffer())]).toEqual(Array(3).fill((40 * 16) % 251));
}, 60_000);

test('an upload beyond the limit is refused while it comes, and leaves nothing', async () => {
  const watched = new Watched();
  const small = { ...watched.env, MESSAGE_SIZE_LIMIT: String(6 * MB) };
  const source = new Source(60 * MB);
  const request = new Request(ORIGIN, { method: 'POST', body: source.stream });
  const answer = await answerUpload(small, client.account, client.accountId, request);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([413, 'application/problem+json']);
  expect(await answer.json()).toMatchObject({ type: 'urn:ietf:params:jmap:error:limit', limit: 'maxSizeUpload' });
  expect(source.made).toBeLessThan(7 * MB);
  const named = new Request(ORIGIN, { method: 'POST', body: 'x', headers: { 'content-length': String(7 * MB) } });
  expect((await answerUpload(small, client.account, client.accountId, named)).status).toBe(413);
  expect(watched.count('put')).toBe(0);
  expect(await env.ORIGINALS.list({ prefix: 'spool/' })).toMatchObject({ objects: [] });
});

test('more uploads or requests at a time than announced are refused, with the name of the limit', async () => {
  const uploads = Array.from({ length: CONCURRENT_UPLOADS_MAX }, () => uploadAdmission.enter(client.account.id));
  const upload = await client.fetch(path(), { method: 'POST', body: 'x' });
  expect([upload.status, await upload.json()]).toMatchObject([429, { limit: 'maxConcurrentUpload' }]);
  for (const leave of uploads) leave?.();
  expect((await client.fetch(path(), { method: 'POST', body: 'x' })).status).toBe(201);
  const requests = Array.from({ length: CONCURRENT_REQUESTS_MAX }, () => requestAdmission.enter(client.account.id));
  const request = await client.post('{"using":[],"methodCalls":[]}');
  expect([request.status, await request.json()]).toMatchObject([
    400,
    { type: expect.stringMatching(/:limit$/), limit: 'maxConcurrentRequests' },
  ]);
  for (const leave of requests) leave?.();
  expect((await client.post('{"using":[],"methodCalls":[]}')).status).toBe(200);
});

test('a place that was never left is free again after its time, and accounts have places of their own', () => {
  const admission = new Admission(1, 1000);
  expect(admission.enter(1, 0)).not.toBeNull();
  expect(admission.enter(1, 999)).toBeNull();
  expect(admission.enter(2, 999)).not.toBeNull();
  expect(admission.enter(1, 1000)).not.toBeNull();
});

test.each([
  ['image/png', 'image/png'],
  ['APPLICATION/PDF; x=y', 'application/pdf'],
  ['application/vnd.oasis.opendocument.text', 'application/vnd.oasis.opendocument.text'],
  ['text/calendar', 'text/calendar'],
  ['text/html', 'application/octet-stream'],
  ['application/xhtml+xml', 'application/octet-stream'],
  ['image/svg+xml', 'application/octet-stream'],
  ['text/javascript', 'application/octet-stream'],
  ['application/x-javascript', 'application/octet-stream'],
  ['text/javascript1.5', 'application/octet-stream'],
  ['text/css', 'application/octet-stream'],
  ['application/wasm', 'application/octet-stream'],
  ['nonsense', 'application/octet-stream'],
])('a download that asks for %s is told %s, and is an attachment of that name', async (asked, told) => {
  const blobId = await client.upload('x');
  const answer = await download(blobId, {}, encodeURIComponent("Ü'b.pdf"), asked);
  expect(answer.headers.get('content-type')).toBe(told);
  expect(answer.headers.get('content-disposition')).toBe("attachment; filename*=utf-8''%C3%9C%27b.pdf");
  expect(answer.headers.get('cache-control')).toBe('private, immutable, max-age=31536000');
});

test.each([
  ['report 1.pdf', `filename="report 1.pdf"; filename*=utf-8''report%201.pdf`],
  [`${'x'.repeat(240)}.txt`, `filename="${'x'.repeat(240)}.txt"; filename*=utf-8''${'x'.repeat(240)}.txt`],
  ['a"b', "filename*=utf-8''a%22b"],
  ['100%', "filename*=utf-8''100%25"],
])('the file name %s is told in plain letters too, when it has no others', async (name, told) => {
  const answer = await download(await client.upload('x'), {}, encodeURIComponent(name), 'text/plain');
  expect(answer.headers.get('content-disposition')).toBe(`attachment; ${told}`);
});

test.each([
  ['bytes=0-1', 206, 'ab', 'bytes 0-1/6'],
  ['bytes=4-', 206, 'ef', 'bytes 4-5/6'],
  ['bytes=4-99', 206, 'ef', 'bytes 4-5/6'],
  ['bytes=6-', 416, null, 'bytes */6'],
  ['bytes=-2', 200, 'abcdef', null],
  ['bytes=0-0,2-2', 200, 'abcdef', null],
  ['bytes=3-1', 200, 'abcdef', null],
  ['lines=1-2', 200, 'abcdef', null],
])('the range %s of a blob is answered %d', async (range, status, text, contentRange) => {
  const answer = await download(await client.upload('abcdef'), { headers: { range } });
  expect([answer.status, answer.headers.get('content-range')]).toEqual([status, contentRange]);
  if (text !== null) expect([await answer.text(), answer.headers.get('content-length')]).toEqual([text, String(text.length)]);
});

test('HEAD tells what GET would, without the octets', async () => {
  const answer = await download(await client.upload('abcdef'), { method: 'HEAD' }, 'x', 'text/plain');
  expect([answer.status, answer.headers.get('content-type'), answer.headers.get('content-length')]).toEqual([200, 'text/plain', '6']);
  expect(await answer.text()).toBe('');
});

test('what is not there, or is of another account, is a problem document with 404', async () => {
  const blobId = await client.upload('secret');
  const other = await makeClient();
  const paths = [
    [client, `/jmap/download/${client.accountId}/G${'0'.repeat(64)}/x`],
    [client, `/jmap/download/${client.accountId}/nonsense/x`],
    [client, `/jmap/download/${other.accountId}/${blobId}/x`],
    [other, `/jmap/download/${client.accountId}/${blobId}/x`],
    [other, `/jmap/download/${other.accountId}/${blobId}/x`],
    [client, '/jmap/nowhere'],
  ] as const;
  for (const [who, where] of paths) {
    const answer = await who.fetch(where);
    expect([where, answer.status, answer.headers.get('content-type')]).toEqual([where, 404, 'application/problem+json']);
  }
  expect((await other.fetch(path(), { method: 'POST', body: 'x' })).status).toBe(404);
});

test('the part of a message is decoded on its way, from one range of the original', async () => {
  const roles = await client.roles();
  const body = 'QUJD\r\n'.repeat(200_000);
  const raw = `Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n${body}\r\n--b\r\n\r\nq=\r\n--b--\r\n`;
  const { id } = await client.import(raw, roles.inbox ?? '');
  const { attachments } = await client.email(id, { properties: ['attachments'], bodyProperties: ['blobId', 'size'] });
  const [part] = attachments as { blobId: string; size: number }[];
  const watched = new Watched();
  const wanted = { accountId: client.accountId, blobId: part?.blobId ?? '', name: 'x', accept: undefined };
  const answer = await answerDownload(watched.env, client.account, wanted, new Request(ORIGIN));
  const octets = new Uint8Array(await answer.arrayBuffer());
  expect([octets.length, part?.size, answer.headers.get('content-length')]).toEqual([600_000, 600_000, null]);
  expect(octets.every((octet, index) => octet === 0x41 + (index % 3))).toBe(true);
  expect(watched.calls).toEqual(['get']);
  expect(watched.got).toBeLessThanOrEqual(body.length);
});

async function exists(blobId: string): Promise<boolean> {
  const answer = await download(blobId, { method: 'HEAD' });
  return answer.status === 200;
}

test('an upload that nothing uses is deleted after its time, and one that is uploaded again lives on', async () => {
  const now = Date.now();
  const [unused, renewed, used] = [
    await client.upload('unused'),
    await client.upload('renewed'),
    await client.upload('Subject: used\r\n\r\n'),
  ];
  await client.call('Email/import', { emails: { k: { blobId: used, mailboxIds: { [(await client.roles()).inbox ?? '']: true } } } });
  await deleteCondemned(env, now + HOUR);
  expect([await exists(unused), await exists(renewed)]).toEqual([true, true]);
  await noteUpload(env, client.account, renewed.slice(1), now + DAY);
  await deleteCondemned(env, now + UPLOAD_LIFE_MS + HOUR);
  expect([await exists(unused), await exists(renewed), await exists(used)]).toEqual([false, true, true]);
});

test('of more unused uploads than an account may have the oldest go first', async () => {
  const { account } = await makeClient();
  const digest = (index: number) => index.toString(16).padStart(64, '0');
  const now = Date.now();
  for (let index = 0; index < UPLOADS_MAX + 2; index++) await noteUpload(env, account, digest(index), now + index);
  await trimUploads(env, account, now);
  const { results } = await env.MAIL_0.prepare('SELECT sha256 FROM condemned WHERE account = ?1 AND at <= ?2 ORDER BY sha256')
    .bind(account.id, now)
    .run<{ sha256: string }>();
  expect(results.map(({ sha256 }) => sha256)).toEqual([digest(0), digest(1)]);
});

test('octets that are being deleted at this moment are not taken for uploaded', async () => {
  const blobId = await client.upload('going');
  await env.MAIL_0.prepare('UPDATE condemned SET deleting = 1 WHERE sha256 = ?1').bind(blobId.slice(1)).run();
  const answer = await client.fetch(path(), { method: 'POST', body: 'going' });
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '60']);
});

test('what a broken-off upload left in the spool is swept after an hour', async () => {
  await env.ORIGINALS.put('spool/1/left', 'x');
  const left = async () => (await env.ORIGINALS.list({ prefix: 'spool/' })).objects.length;
  await condemnUnused(env, Date.now());
  expect(await left()).toBe(1);
  await condemnUnused(env, Date.now() + 2 * HOUR);
  expect(await left()).toBe(0);
});
