/** `POST /bridge/commit`: a mirror's writes, with the messages it appends in the payload. */
import { Malformed } from '../../shared/fields.ts';
import { readCommitRequest } from '../../shared/operations.ts';
import type { CommitRequest } from '../../shared/protocol.ts';
import { problem } from '../auth/problem.ts';
import { openMail } from '../store/mail/index.ts';
import type { Account, MailStore } from '../store/mail/types.ts';
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
  const messages = inlineMessages(request, frame.payload);
  if (typeof messages === 'string') return problem(400, messages);
  const mail = openMail(c.env, account);
  try {
    return c.json(await mail.commit(request, putAll(mail, messages)));
  } catch (error) {
    if (error instanceof WrongDigest) return problem(422, error.message);
    throw error;
  }
}

interface InlineMessage {
  sha256: string;
  octets: Uint8Array;
}

/** The appended messages that came along; or what is wrong with them. */
function inlineMessages({ operations }: CommitRequest, payload: Uint8Array): InlineMessage[] | string {
  const messages: InlineMessage[] = [];
  let offset = 0;
  for (const operation of operations) {
    if (operation.op !== 'append' || operation.inline === 0) continue;
    const octets = payload.subarray(offset, offset + operation.inline);
    offset += operation.inline;
    if (octets.length !== operation.index.size) return 'An appended message is not as long as its index says.';
    messages.push({ sha256: operation.sha256, octets });
  }
  return offset === payload.length ? messages : 'The payload is not as long as the header says.';
}

class WrongDigest extends Error {}

/** Puts them all at once; the digests that are in R2 then. */
function putAll(mail: MailStore, messages: readonly InlineMessage[]): Promise<Set<string>> {
  const puts = messages.map(async ({ sha256, octets }) => {
    if (await mail.putBlob(sha256, octets, octets.length)) return sha256;
    throw new WrongDigest('An appended message has another digest.');
  });
  return Promise.all(puts).then((digests) => new Set(digests));
}
