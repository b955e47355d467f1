/** POST /jmap/api: HTTP in, Request out (RFC 8620 §3.1, §3.6.1). What is refused here is refused as a whole. */
import { REQUEST_SIZE_MAX } from '../../shared/jmap/capabilities.ts';
import type { Json, Problem } from '../../shared/jmap/errors.ts';
import { requestProblem } from '../../shared/jmap/errors.ts';
import { parseIJson, readRequest } from '../../shared/jmap/request.ts';
import type { Env } from '../env.ts';
import type { Account } from '../store/mail/types.ts';
import { requestAdmission } from './admission.ts';
import { readBounded } from './body.ts';
import { runRequest } from './dispatch.ts';
import { SUPPORTED } from './session.ts';

/** Answers one API request of an authenticated caller, unless too many of this account are being answered. */
export async function answerApiRequest(env: Env, account: Account, request: Request): Promise<Response> {
  const leave = requestAdmission.enter(account.id);
  if (leave === null) {
    await request.body?.cancel();
    return problemResponse(requestProblem('limit', 'Too many requests at a time.', 'maxConcurrentRequests'));
  }
  try {
    return await answerAdmitted(env, account, request);
  } finally {
    leave();
  }
}

async function answerAdmitted(env: Env, account: Account, request: Request): Promise<Response> {
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? ''))
    return problemResponse(requestProblem('notJSON', 'The content type must be application/json.'));
  const octets = await readBounded(request, REQUEST_SIZE_MAX);
  if (octets === null) return problemResponse(requestProblem('limit', 'The request is too large.', 'maxSizeRequest'));
  const parsed = parseOctets(octets);
  if ('problem' in parsed) return problemResponse(parsed.problem);
  const jmapRequest = readRequest(parsed.value, SUPPORTED);
  if ('problem' in jmapRequest) return problemResponse(jmapRequest.problem);
  return jsonResponse(await runRequest(env, account, jmapRequest));
}

/** A problem document as the HTTP answer. */
export function problemResponse(problem: Problem): Response {
  return Response.json(problem, {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  });
}

/** JSON that no cache keeps. */
export function jsonResponse(body: Json, status = 200): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-cache, no-store, must-revalidate' } });
}

function parseOctets(octets: Uint8Array): { value: unknown } | { problem: Problem } {
  try {
    return parseIJson(new TextDecoder('utf-8', { fatal: true }).decode(octets));
  } catch {
    return { problem: requestProblem('notJSON', 'The request is not UTF-8.') };
  }
}
