/**
 * One push: a POST to the client's endpoint (RFC 8620 §7.2, RFC 8030 §5), encrypted when the client gave keys (RFC 8291)
 * and signed (RFC 8292). The endpoint is a stranger: no redirect is followed, its answer is not read, and it has ten seconds.
 */
import { fromBase64Url } from '../../../shared/web-push/base64url.ts';
import { encryptPush, topicOf } from '../../../shared/web-push/encryption.ts';
import { readEndpoint } from '../../../shared/web-push/endpoint.ts';
import { vapidAuthorization } from '../../../shared/web-push/vapid.ts';
import type { Env } from '../../env.ts';
import type { PushOutcome, Recipient } from './queue.ts';
import { serverKey } from './server-key.ts';
import type { TypeStates } from './state-change.ts';

const TIMEOUT_MS = 10_000;
/** How long a push service keeps a push for a device that is off: a week, after which the client asks anyway. */
const CHANGE_TTL_S = 7 * 86_400;
/** Whoever subscribes is there. */
const VERIFICATION_TTL_S = 3600;

/** What is sent, and how urgently (RFC 8030 §5.2–5.4). */
export interface Push {
  body: string;
  headers: Record<string, string>;
}

/** The PushVerification (RFC 8620 §7.2.2). */
export function verificationPush(id: string, code: string): Push {
  const body = JSON.stringify({ '@type': 'PushVerification', pushSubscriptionId: id, verificationCode: code });
  return { body, headers: { ttl: String(VERIFICATION_TTL_S), urgency: 'high' } };
}

/**
 * A StateChange. A push of the same types replaces one that the push service still holds: it says all that the older one
 * did. New mail is told at once, the rest when the device is awake.
 */
export async function changePush(body: string, changed: TypeStates): Promise<Push> {
  const topic = await topicOf(Object.keys(changed).sort().join());
  return { body, headers: { ttl: String(CHANGE_TTL_S), urgency: changed.EmailDelivery === undefined ? 'normal' : 'high', topic } };
}

/** Sends it. `contact`: whom a push service may write to about us. Never throws. */
export async function post(env: Env, recipient: Recipient, contact: string, push: Push): Promise<PushOutcome> {
  const key = await serverKey(env);
  const endpoint = readEndpoint(recipient.url, env.LOOPBACK_PUSH !== undefined);
  // RFC 9749 §5: what was subscribed with another key is over.
  if ('refused' in endpoint || recipient.serverKey !== key.publicKey) return { kind: 'gone' };
  try {
    const authorization = await vapidAuthorization(key, endpoint.origin, contact, Date.now());
    const { body, coding } = await sealed(push.body, recipient);
    const init: RequestInit = {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...push.headers, ...coding, authorization },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    };
    const answer =
      endpoint.isLoopback && env.LOOPBACK_PUSH ? await env.LOOPBACK_PUSH.fetch(endpoint.url, init) : await fetch(endpoint.url, init);
    await answer.body?.cancel();
    return outcomeOf(answer.status, answer.headers.get('retry-after'), Date.now());
  } catch {
    return { kind: 'later', slower: false, retryAfter: null };
  }
}

async function sealed(text: string, { keys }: Recipient): Promise<{ body: BodyInit; coding: Record<string, string> }> {
  if (keys === null) return { body: text, coding: {} };
  const [p256dh, auth] = [fromBase64Url(keys.p256dh), fromBase64Url(keys.auth)];
  if (!p256dh || !auth) throw new Error('stored keys are none');
  return { body: await encryptPush(text, { p256dh, auth }), coding: { 'content-encoding': 'aes128gcm' } };
}

/** What the endpoint's status means (RFC 8030 §5, §7.3, §8.4). `now` in epoch milliseconds. */
export function outcomeOf(status: number, retryAfter: string | null, now: number): PushOutcome {
  if (status >= 200 && status < 300) return { kind: 'sent' };
  if (status === 404 || status === 410) return { kind: 'gone' };
  if (status === 429 || status === 408 || status >= 500)
    return { kind: 'later', slower: status === 429, retryAfter: readRetryAfter(retryAfter, now) };
  return { kind: 'refused' };
}

/** Milliseconds; null when it says nothing (RFC 9110 §10.2.3). */
function readRetryAfter(text: string | null, now: number): number | null {
  if (text === null) return null;
  const wait = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(wait) ? null : Math.max(0, wait);
}
