/**
 * Blob download (RFC 8620 §6.2), whole or by octet range (RFC 9110 §14). A download is always an attachment in a sandbox,
 * and never has a type that a page of ours could run: whatever a sender put into a part must not act on our origin.
 */
import { decodeId } from '../../shared/jmap/ids.ts';
import type { Env } from '../env.ts';
import { openMail } from '../store/mail/index.ts';
import type { Account } from '../store/mail/types.ts';
import { problemResponse } from './api.ts';
import type { BlobRange, OpenBlob } from './blobs.ts';
import { openBlob } from './blobs.ts';

export const OPAQUE = 'application/octet-stream';

/** What browsers run, style with or render as a document with scripts in it; a client that asks for it gets octets. */
const RUN_BY_BROWSERS = /^(text\/(html|css|xml|xsl|vbscript|jscript)|[a-z]+\/(x-)?(java|ecma|live)script.*|.*[/+]xml|.*\/wasm)$/;

export interface WantedBlob {
  accountId: string;
  blobId: string;
  name: string;
  /** The media type the client wants to be told. */
  accept: string | undefined;
}

/** Streams a blob, or the range of it that the request asks for; HEAD gets the fields alone. */
export async function answerDownload(env: Env, account: Account, wanted: WantedBlob, request: Request): Promise<Response> {
  if (decodeId('Account', wanted.accountId) !== account.id) return blobNotFound();
  const range = request.method === 'GET' ? readRange(request.headers.get('range')) : null;
  const blob = await openBlob(openMail(env, account), wanted.blobId, range ?? undefined);
  if (blob === null) return blobNotFound();
  const headers = headersOf(wanted, blob);
  if (request.method === 'HEAD') {
    await blob.body.cancel();
    return new Response(null, { headers });
  }
  // How long a decoded part is shows only when all of it has been decoded: then the range is passed over, as §14.2 allows.
  if (range === null || blob.total === null || blob.length === null) return new Response(blob.body, { headers });
  if (blob.length === 0) return unsatisfiable(blob);
  headers.set('content-range', `bytes ${range.offset}-${range.offset + blob.length - 1}/${blob.total}`);
  return new Response(blob.body, { status: 206, headers });
}

/** One range with a beginning; several, or one counted from the end, give the whole (RFC 9110 §14.2). */
function readRange(header: string | null): BlobRange | null {
  const match = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(header ?? '');
  if (!match) return null;
  const offset = Number(match[1]);
  const last = match[2] === '' ? Number.MAX_SAFE_INTEGER - 1 : Number(match[2]);
  return last < offset ? null : { offset, length: last - offset + 1 };
}

function headersOf({ name, accept }: WantedBlob, blob: OpenBlob): Headers {
  const type = mediaType(accept) ?? OPAQUE;
  const headers = new Headers({
    'content-type': RUN_BY_BROWSERS.test(type) ? OPAQUE : type,
    'content-disposition': `attachment; ${fileName(name)}`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'private, immutable, max-age=31536000',
  });
  if (blob.length !== null) headers.set('content-length', String(blob.length));
  if (blob.total !== null) headers.set('accept-ranges', 'bytes');
  return headers;
}

async function unsatisfiable(blob: OpenBlob): Promise<Response> {
  await blob.body.cancel();
  const answer = problemResponse({ type: 'about:blank', status: 416, detail: 'The range begins behind the end.' });
  answer.headers.set('content-range', `bytes */${blob.total}`);
  return answer;
}

/** A media type without its parameters, lower case; null when it is none. */
export function mediaType(value: string | null | undefined): string | null {
  const type = value?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return /^[a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127}$/.test(type) ? type : null;
}

/** Characters of a file name kept: what file systems take. */
const FILE_NAME_MAX = 255;

/** The name as RFC 8187 §3.2 encodes it, without what could mislead in a folder; a plain one in plain letters too (RFC 6266 §4.3). */
function fileName(name: string): string {
  const clean =
    name
      .replace(/[\p{Cc}\p{Cf}/\\]/gu, '_')
      .slice(-FILE_NAME_MAX)
      .toWellFormed() || 'download';
  const encoded = encodeURIComponent(clean).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
  const plain = /^[\x20-\x7e]+$/.test(clean) && !/["%]/.test(clean) ? `filename="${clean}"; ` : '';
  return `${plain}filename*=utf-8''${encoded}`;
}

/** The answer for a blob that this account does not have. */
export function blobNotFound(): Response {
  return problemResponse({ type: 'about:blank', status: 404, detail: 'There is no such blob in this account.' });
}
