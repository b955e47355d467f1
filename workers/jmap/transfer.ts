/**
 * Blob upload and download (RFC 8620 §6.1, §6.2). An upload is an original like any other until the sweep
 * finds that nothing points to it. A download is always an attachment in a sandbox: whatever a sender put
 * into a part must not run on our origin.
 */
import { requestProblem } from '../../shared/jmap/errors.ts';
import { decodeId, encodeBlobId } from '../../shared/jmap/ids.ts';
import type { Env } from '../env.ts';
import { openMail } from '../store/mail/index.ts';
import type { Account } from '../store/mail/types.ts';
import { jsonResponse, problemResponse } from './api.ts';
import { openBlob } from './blobs.ts';
import { readBounded } from './body.ts';
import { sha256Hex } from './email/keeping.ts';
import { messageSizeMax } from './session.ts';

/** Media types a download may carry: none of them is run or rendered as a document by a browser. */
const SHOWN_TYPES: ReadonlySet<string> = new Set([
  'text/plain',
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/bmp',
  'audio/mpeg',
  'audio/ogg',
  'audio/mp4',
  'video/mp4',
  'video/webm',
  'application/pdf',
  'application/zip',
  'application/octet-stream',
  'message/rfc822',
]);
const OPAQUE = 'application/octet-stream';

/** Stores an uploaded body and answers with its blob id. */
export async function answerUpload(env: Env, account: Account, accountId: string, request: Request): Promise<Response> {
  if (decodeId('Account', accountId) !== account.id) return notFound();
  const octets = await readBounded(request, messageSizeMax(env));
  if (octets === null) return problemResponse({ ...requestProblem('limit', 'The upload is too large.', 'maxSizeUpload'), status: 413 });
  const sha256 = await sha256Hex(octets);
  if (!(await openMail(env, account).putBlob(sha256, octets, octets.length))) throw new Error('the bucket refused the digest');
  const type = mediaType(request.headers.get('content-type')) ?? OPAQUE;
  return jsonResponse({ accountId, blobId: encodeBlobId({ sha256 }), type, size: octets.length }, 201);
}

/** Streams a blob. `accept` is the media type the client wants to be told. */
export async function answerDownload(
  env: Env,
  account: Account,
  wanted: { accountId: string; blobId: string; name: string; accept: string | undefined },
): Promise<Response> {
  const blob = decodeId('Account', wanted.accountId) === account.id ? await openBlob(openMail(env, account), wanted.blobId) : null;
  if (blob === null) return notFound();
  const type = mediaType(wanted.accept) ?? OPAQUE;
  const headers = new Headers({
    'content-type': SHOWN_TYPES.has(type) ? type : OPAQUE,
    'content-disposition': `attachment; filename*=utf-8''${fileName(wanted.name)}`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'private, immutable, max-age=31536000',
  });
  if (blob.size !== null) headers.set('content-length', String(blob.size));
  return new Response(blob.body, { headers });
}

function mediaType(value: string | null | undefined): string | null {
  const type = value?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return /^[a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127}$/.test(type) ? type : null;
}

/** Characters of a file name kept. */
const FILE_NAME_MAX = 120;

/** The name as RFC 8187 §3.2 encodes it, without what could mislead in a folder. */
function fileName(name: string): string {
  const clean = name
    .replace(/[\p{Cc}\p{Cf}/\\]/gu, '_')
    .slice(-FILE_NAME_MAX)
    .toWellFormed();
  return encodeURIComponent(clean === '' ? 'download' : clean).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
}

function notFound(): Response {
  return problemResponse({ type: 'about:blank', status: 404, detail: 'There is no such blob in this account.' });
}
