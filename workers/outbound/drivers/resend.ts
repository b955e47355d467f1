/**
 * The `resend` relay: one `POST /emails` of the JSON that resend-email.ts makes. Idempotency keys make a repeated attempt
 * no second message; they are kept for a day, attempts go on for two, but an accepted message is not tried again.
 * Mail to more people than one call takes goes in several, each showing its own share of To and Cc.
 */

import { streamOf } from '../../../shared/octet-stream.ts';
import { toHex } from '../../../shared/signing.ts';
import { readBounded } from '../../auth/body.ts';
import type { LeavingMessage } from '../leaving.ts';
import { type RelayDriver, type RelayVerdict, replyLine } from '../relay.ts';
import { emailJson } from './resend-email.ts';

/** Recipients Resend takes in one call. */
export const RESEND_RECIPIENTS_MAX = 50;
/** Resend's own limit for a message, attachments in base64 included. */
const MESSAGE_MAX = 40 * 1024 * 1024;
/** Messages up to this are sent in one piece with their length; larger ones stream, so that no Worker has to hold them. */
const BUFFERED_MAX = 2 * 1024 * 1024;
/** Octets of an answer that are read; Resend's are a few hundred. */
const ANSWER_MAX = 64 * 1024;
/** Resend answers 403 to a call without one. */
const USER_AGENT = 'posthouse';
/** A relay that says nothing for this long, and this much longer for each MiB it takes, is tried later. */
const PATIENCE_MS = 30_000;
const PATIENCE_PER_MIB_MS = 1_000;
/** Errors that are ours or the moment's, not the message's: a wrong key must not bounce people's mail. */
const PASSING_ERRORS: ReadonlySet<unknown> = new Set([
  'missing_api_key',
  'invalid_api_key',
  'restricted_api_key',
  'suspended_api_key',
  'not_found',
  'method_not_allowed',
  'rate_limit_exceeded',
  'daily_quota_exceeded',
  'monthly_quota_exceeded',
  'concurrent_idempotent_requests',
  // Another text under the same key: the key is forgotten after a day.
  'invalid_idempotent_request',
  'application_error',
  'internal_server_error',
]);
const PASSING_STATUS: ReadonlySet<number> = new Set([401, 404, 405, 408, 425, 429]);

/** One `POST /emails`. Throws when the relay cannot be reached or is silent. */
export const sendToResend: RelayDriver<{ kind: 'resend'; apiUrl: string; apiKey: string }> = async (message, { apiUrl, apiKey }) => {
  if (message.size > MESSAGE_MAX) return { status: 'refused', reply: `552 5.3.4 the relay takes messages up to ${MESSAGE_MAX} octets` };
  const answer = await fetch(`${apiUrl}/emails`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      'idempotency-key': await idempotencyKey(message),
      'user-agent': USER_AGENT,
    },
    body: message.size > BUFFERED_MAX ? streamOf(emailJson(message)) : await whole(emailJson(message)),
    // The key goes to nobody else.
    redirect: 'manual',
    signal: AbortSignal.timeout(PATIENCE_MS + (message.size / 2 ** 20) * PATIENCE_PER_MIB_MS),
  });
  return readVerdict(answer);
};

/** The same submission to the same recipients has the same key. */
async function idempotencyKey({ id, at, envelope }: LeavingMessage): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(envelope.rcptTo)));
  return `posthouse/${at}/${id}/${toHex(new Uint8Array(digest)).slice(0, 32)}`;
}

async function whole(chunks: AsyncIterable<Uint8Array<ArrayBuffer>>): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return new Blob(parts);
}

async function readVerdict(answer: Response): Promise<RelayVerdict> {
  const body = await readAnswer(answer);
  if (answer.ok) return { status: 'sent', reply: replyLine(`250 2.0.0 relayed as ${body.id ?? 'a message without a name'}`) };
  const reason = `${answer.status} ${body.name ?? ''}: ${body.message ?? 'no reason given'}`;
  const isPassing = answer.status < 400 || answer.status >= 500 || PASSING_STATUS.has(answer.status) || PASSING_ERRORS.has(body.name);
  return isPassing
    ? { status: 'later', reply: replyLine(`451 4.4.0 the relay answered ${reason}`) }
    : { status: 'refused', reply: replyLine(`554 5.0.0 the relay refused: ${reason}`) };
}

/** What the answer says as far as it is JSON; the status alone decides when it is not. */
async function readAnswer(answer: Response): Promise<{ id?: string; name?: string; message?: string }> {
  try {
    const octets = await readBounded(answer.body, ANSWER_MAX);
    const json = JSON.parse(new TextDecoder().decode(octets ?? new Uint8Array())) as Record<string, unknown> | null;
    const said = (name: string) => (typeof json?.[name] === 'string' ? json[name] : undefined);
    return { id: said('id'), name: said('name'), message: said('message') };
  } catch {
    return {};
  }
}
