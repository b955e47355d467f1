/**
 * Blob upload (RFC 8620 §6.1): the body goes to the bucket as it comes, is counted while it comes, and is an original like
 * any other until the sweep finds that nothing points to it.
 */
import { requestProblem } from '../../shared/jmap/errors.ts';
import { decodeId, encodeBlobId } from '../../shared/jmap/ids.ts';
import type { Env } from '../env.ts';
import { depositUpload } from '../store/deposit.ts';
import type { Account } from '../store/mail/types.ts';
import { uploadAdmission } from './admission.ts';
import { jsonResponse, problemResponse } from './api.ts';
import { blobNotFound, mediaType, OPAQUE } from './download.ts';
import { messageSizeMax } from './session.ts';

/** Stores an uploaded body and answers with its blob id. */
export async function answerUpload(env: Env, account: Account, accountId: string, request: Request): Promise<Response> {
  if (decodeId('Account', accountId) !== account.id) return refused(request, blobNotFound());
  if (Number(request.headers.get('content-length') ?? '0') > messageSizeMax(env)) return refused(request, tooLarge());
  const leave = uploadAdmission.enter(account.id);
  if (leave === null) return refused(request, tooMany());
  try {
    return await deposit(env, account, accountId, request);
  } finally {
    leave();
  }
}

async function deposit(env: Env, account: Account, accountId: string, request: Request): Promise<Response> {
  const body = request.body ?? new Blob([]).stream();
  const made = await depositUpload(env, account, body, messageSizeMax(env));
  if (made === 'tooLarge') return tooLarge();
  if (made === 'busy') return later();
  const type = mediaType(request.headers.get('content-type')) ?? OPAQUE;
  return jsonResponse({ accountId, blobId: encodeBlobId(made), type, size: made.size }, 201);
}

async function refused(request: Request, answer: Response): Promise<Response> {
  await request.body?.cancel();
  return answer;
}

function tooLarge(): Response {
  return problemResponse({ ...requestProblem('limit', 'The upload is too large.', 'maxSizeUpload'), status: 413 });
}

function tooMany(): Response {
  return problemResponse({ ...requestProblem('limit', 'Too many uploads at a time.', 'maxConcurrentUpload'), status: 429 });
}

function later(): Response {
  const answer = problemResponse({
    type: 'about:blank',
    status: 503,
    detail: 'The same octets are just being deleted: upload them again.',
  });
  answer.headers.set('retry-after', '60');
  return answer;
}
