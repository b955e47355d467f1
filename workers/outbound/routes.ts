/**
 * `POST /submit`: a message that a mail client submitted through a receiver. It is checked, kept in Sent, and queued;
 * called again with the same id it answers as before, because its Sent copy and its row are found again.
 */
import { Hono } from 'hono';
import { Malformed } from '../../shared/fields.ts';
import type { SubmitAnswer, SubmitRequest } from '../../shared/protocol.ts';
import { readSubmitRequest } from '../../shared/submit-request.ts';
import { readUserCallByReceiver } from '../auth/caller.ts';
import { problem } from '../auth/problem.ts';
import type { Env } from '../env.ts';
import { Busy, CondemnedOriginal, openMail } from '../store/mail/index.ts';
import type { Account, MailStore } from '../store/mail/types.ts';
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

async function answerSubmit(env: Env, account: Account, request: SubmitRequest, payload: Uint8Array): Promise<Response> {
  const { id, envelope, sha256, index } = request;
  const refusal = await refuseSubmission(env, account.id, envelope, index.headers);
  if (refusal) return answer({ status: 'refused', reason: REASONS[refusal.reason], description: refusal.description });
  const store = openMail(env, account);
  if (!(await isStored(store, request, payload))) return problem(422, 'The message has another digest, or was not put before.');
  const now = Date.now();
  const copy = await store.addSent({ sha256, index, receivedAt: now });
  const identity = await identityFor(env, store, envelope.mailFrom);
  const submission = await submit(env, store, { key: id, identity, email: copy.email, thread: null, sha256, envelope, sendAt: now });
  return answer({ status: 'accepted', submission });
}

/** The original first (invariant 2): put from the payload, or found where `PUT /blob` left it. */
async function isStored(store: MailStore, { sha256, inline }: SubmitRequest, payload: Uint8Array): Promise<boolean> {
  if (inline > 0) return store.putBlob(sha256, payload, payload.length);
  const found = await store.getBlob(sha256, { offset: 0, length: 1 });
  await found?.body.cancel();
  return found !== null;
}

function answer(body: SubmitAnswer): Response {
  return Response.json(body);
}
