/** `GET|PUT /blob/<account>/<sha256>`: originals, read by octet range (RFC 9110 §14) and deposited with their digest checked. */
import { problem } from '../auth/problem.ts';
import { getOriginal, isDigest, originalSize, putOriginal } from '../store/blobs.ts';
import type { BridgeContext } from './routes.ts';

/** Unless the deployment says otherwise (DESIGN.md, "Settings by environment"). */
const MESSAGE_SIZE_LIMIT = 64 * 1024 * 1024;

/** The original or one range of it. Several ranges, or none we understand, give the whole (RFC 9110 §14.2). */
export async function getBlob(c: BridgeContext, account: number, sha256: string): Promise<Response> {
  const match = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(c.req.header('range') ?? '');
  const range = match ? rangeOf(Number(match[1]), match[2] === '' ? Number.MAX_SAFE_INTEGER : Number(match[2])) : undefined;
  const headers = { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes', 'cache-control': 'private, no-store' };
  if (range && range.length > 0) {
    const size = await originalSize(c.env, account, sha256);
    if (size === null) return problem(404, 'No such original.');
    if (range.offset >= size) return problem(416, 'The range begins behind the end.', { 'content-range': `bytes */${size}` });
    const length = Math.min(range.length, size - range.offset);
    const part = await getOriginal(c.env, account, sha256, { offset: range.offset, length });
    const contentRange = `bytes ${range.offset}-${range.offset + length - 1}/${size}`;
    return part
      ? new Response(part.body, { status: 206, headers: { ...headers, 'content-range': contentRange, 'content-length': String(length) } })
      : problem(404, 'No such original.');
  }
  const whole = await getOriginal(c.env, account, sha256);
  return whole
    ? new Response(whole.body, { headers: { ...headers, 'content-length': String(whole.size) } })
    : problem(404, 'No such original.');
}

function rangeOf(first: number, last: number): { offset: number; length: number } {
  return { offset: first, length: Math.max(0, last - first + 1) };
}

/** Deposits an original. `only`: the account of the caller's token; null for a receiver, which may deposit for any. */
export async function putBlob(c: BridgeContext, accountText: string, sha256: string, only: number | null): Promise<Response> {
  const account = /^[1-9]\d{0,6}$/.test(accountText) ? Number(accountText) : 0;
  if (account === 0 || !isDigest(sha256)) return problem(404, 'No such place for an original.');
  if (only !== null && only !== account) return problem(403, "The token is another account's.");
  const length = c.req.header('content-length') ?? '';
  if (!/^\d{1,12}$/.test(length)) return problem(411, 'Content-Length is required.');
  if (Number(length) > Number(c.env.MESSAGE_SIZE_LIMIT ?? MESSAGE_SIZE_LIMIT)) return problem(413, 'The message is too large.');
  const body = c.req.raw.body ?? new Uint8Array();
  const put = await putOriginal(c.env, account, sha256, body, Number(length));
  return put ? c.json({ sha256 }, 201) : problem(422, 'The octets have another digest or length.');
}
