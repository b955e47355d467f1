/**
 * Push endpoints on this machine (RFC 8620 §7.2), for people who try push with the embedded default: the Worker hands what
 * goes to loopback to this service, and refuses such endpoints where it is not there. A certificate that nobody
 * signed is fine here, and nothing but loopback is reached.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isLoopback } from '../network.ts';

/** Milliseconds an endpoint may take; the Worker gives up no later. */
const TIMEOUT_MS = 10_000;

/** Posts what the Worker posts; 403 for any other place, 502 when nobody answers. No redirect is followed, no answer read. */
export async function loopbackPush(request: Request): Promise<Response> {
  const url = new URL(request.url);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!isLoopback(host)) return new Response(null, { status: 403 });
  const body = Buffer.from(await request.arrayBuffer());
  const headers = Object.fromEntries([...request.headers].filter(([name]) => !DROPPED.test(name)));
  const options = { method: 'POST', headers: { ...headers, 'content-length': body.length }, timeout: TIMEOUT_MS };
  return new Promise((resolve) => {
    const call = url.protocol === 'https:' ? httpsRequest(url, { ...options, rejectUnauthorized: false }) : httpRequest(url, options);
    call.once('response', (answer) => {
      const retryAfter = answer.headers['retry-after'];
      resolve(
        new Response(null, { status: answer.statusCode ?? 502, headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter } }),
      );
      answer.destroy();
    });
    call.once('timeout', () => call.destroy(new Error('no answer in time')));
    call.once('error', () => resolve(new Response(null, { status: 502 })));
    call.end(body);
  });
}

/** Of this hop, or Miniflare's own. */
const DROPPED = /^(host|connection|content-length|transfer-encoding|cf-.*|mf-.*)$/;
