/**
 * Messages into the edge's store, with what has to happen before them in the same commit, all or none (RFC 3502 §6.3.11, RFC 8508):
 * prepared, large ones put first, then committed; what the edge swept away between put and commit is put once more.
 */
import type { Operation, OperationResult } from '../../shared/protocol.ts';
import type { AppendMessage } from '../imap/session.ts';
import { type PreparedAppend, prepareAppends, putBlob } from './append.ts';
import type { Write } from './commits.ts';
import type { Mirror } from './mirror.ts';
import type { Originals } from './originals.ts';

/** The results of `before` and then of each message. Throws `Refusal`. */
export async function storeMessages(
  mirror: Mirror,
  originals: Originals,
  mailbox: number,
  messages: AppendMessage[],
  before: Operation[] = [],
): Promise<OperationResult[]> {
  const refuse = (error: unknown): never => mirror.refuse(error);
  const prepared = await prepareAppends(mirror, mailbox, messages).catch(refuse);
  const writes: Write[] = [...before.map((operation) => ({ operation, payload: null })), ...prepared];
  let results = await mirror.commits.submitTogether(writes).catch(refuse);
  if (results.some((result) => !result.ok && result.error === 'blobNotFound')) {
    await putAgain(mirror, prepared).catch(refuse);
    results = await mirror.commits.submitTogether(writes).catch(refuse);
  }
  prepared.forEach(({ operation, payload }, index) => {
    if (payload && results[before.length + index]?.ok) void originals.remember(mirror.account, operation.sha256, payload);
  });
  return results;
}

async function putAgain(mirror: Mirror, prepared: PreparedAppend[]): Promise<void> {
  for (const { operation, body } of prepared) await putBlob(mirror, operation.sha256, body, operation.index.size);
}
