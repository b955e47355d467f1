/**
 * `POST /submit`: a message that a mail client submitted through a receiver. It is checked, kept in Sent, and queued;
 * called again with the same id it answers as before: its row is found, or else its Sent copy. The header that is checked
 * is the message's own, not the index that came with it.
 */
import { Hono } from 'hono';
import { Malformed } from '../../shared/fields.ts';
import type { SubmitAnswer, SubmitRequest } from '../../shared/protocol.ts';
import { readSubmitRequest } from '../../shared/submit-request.ts';
import { readUserCallByReceiver } from '../auth/caller.ts';
import { problem } from '../auth/problem.ts';
import type { Env } from '../env.ts';
import { findSubmission } from '../store/mail/claims.ts';
import { Busy, CondemnedOriginal, openMail } from '../store/mail/index.ts';
import type { Account } from '../store/mail/types.ts';
import { headerIn, messageIdOf, readHeader } from './header.ts';
import { identityFor } from './identities.ts';
import { type Refusal, refuseSubmission, submit } from './submission.ts';

/** JMAP's words for a refusal in those of the contract. */
const REASONS: Record<Refusal['reason'], Extract<SubmitAnswer, { status: 'refused' }>['reason']> = {
  forbiddenFrom: 'forbiddenFrom',
  forbiddenMailFrom: 'forbiddenFrom',
  invalidEmail: 'forbiddenFrom',
  noRecipients: 'noRecipients',
  tooManyRecipients: 'tooLarge',
  invalidRecipients: 'unknownRecipient',
};

export const submitRoutes = new Hono<{ Bindings: Env }>().post('/submit', async (c) => {
  const call = await readUserCallByReceiver(c);
  if (call instanceof Response) return call;
  if (!call.frame) return problem(400, 'A submission is a frame.');
  let request: SubmitRequest;
  try {
    request = readSubmitRequest(call.frame.header, 'request');
  } catch (error) {
    if (error instanceof Malformed) return problem(400, error.message);
    throw error;
  }
  const { payload } = call.frame;
  if (payload.length !== request.inline || (request.inline > 0 && request.inline !== request.index.size)) {
    return problem(400, 'The payload is not as long as the header says.');
  }
  try {
    return await answerSubmit(c.env, call.caller.account, request, payload);
  } catch (error) {
    if (error instanceof Busy || error instanceof CondemnedOriginal) return problem(503, error.message, { 'retry-after': '1' });
    throw error;
  }
});

/** 29 queries at most, those that find the caller included, and one R2 call (cost.test.ts): a large original was put before. */
async function answerSubmit(env: Env, account: Account, request: SubmitRequest, payload: Uint8Array): Promise<Response> {
  const { id, envelope, sha256, index } = request;
  const first = await findSubmission(env, account, id);
  if (first !== null) return answer({ status: 'accepted', submission: first });
  const store = openMail(env, account);
  const original =
    request.inline > 0 ? { header: headerIn(payload, payload.length), size: payload.length } : await readHeader(store, sha256);
  if (original?.size !== index.size) return problem(422, 'The message was not put before, or has another length.');
  const refusal = await refuseSubmission(env, account.id, envelope, original.header);
  if (refusal) return answer({ status: 'refused', reason: REASONS[refusal.reason], description: refusal.description });
  // The original first (invariant 2).
  if (request.inline > 0 && !(await store.putBlob(sha256, payload, payload.length))) return problem(422, 'The message has another digest.');
  const sendAt = Date.now();
  const { email } = await store.addSent({ sha256, index, receivedAt: sendAt });
  const [copy] = await store.emails([email]);
  const identity = await identityFor(env, store, envelope.mailFrom);
  const thread = copy?.thread ?? null;
  const messageId = messageIdOf(original.header);
  const submission = await submit(env, store, { key: id, identity, email, thread, sha256, envelope, messageId, sendAt });
  return answer({ status: 'accepted', submission });
}

function answer(body: SubmitAnswer): Response {
  return Response.json(body);
}
