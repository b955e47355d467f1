/** `POST /bridge/commit`: a mirror's writes, with the messages it appends in the payload. */
import { Malformed } from '../../shared/fields.ts';
import { readCommitRequest } from '../../shared/operations.ts';
import type { CommitRequest } from '../../shared/protocol.ts';
import { problem } from '../auth/problem.ts';
import { openMail } from '../store/mail/index.ts';
import type { Account } from '../store/mail/types.ts';
import type { BridgeContext } from './routes.ts';

export async function answerCommit(
  c: BridgeContext,
  account: Account,
  frame: { header: unknown; payload: Uint8Array } | null,
): Promise<Response> {
  if (!frame) return problem(400, 'A commit is a frame.');
  let request: CommitRequest;
  try {
    request = readCommitRequest(frame.header, 'request');
  } catch (error) {
    if (error instanceof Malformed) return problem(400, error.message);
    throw error;
  }
  const put = await putInline(c, account, request, frame.payload);
  if (put instanceof Response) return put;
  return c.json(await openMail(c.env, account).commit(request, put));
}

/** Puts the appended messages that came along; the digests that are in R2 now. */
async function putInline(c: BridgeContext, account: Account, request: CommitRequest, payload: Uint8Array): Promise<Set<string> | Response> {
  const mail = openMail(c.env, account);
  const put = new Set<string>();
  let offset = 0;
  for (const operation of request.operations) {
    if (operation.op !== 'append' || operation.inline === 0) continue;
    const octets = payload.subarray(offset, offset + operation.inline);
    offset += operation.inline;
    if (octets.length !== operation.index.size) return problem(400, 'An appended message is not as long as its index says.');
    if (!(await mail.putBlob(operation.sha256, octets, octets.length))) return problem(422, 'An appended message has another digest.');
    put.add(operation.sha256);
  }
  return offset === payload.length ? put : problem(400, 'The payload is not as long as the header says.');
}
