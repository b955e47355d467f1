/** Putting a message that is in memory into the account: its original first, then the row (invariant 2). */
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { encodeBlobId, encodeId } from '../../../shared/jmap/ids.ts';
import { indexMessage } from '../../../shared/mime/indexer.ts';
import type { OperationResult } from '../../../shared/protocol.ts';
import { toHex } from '../../../shared/signing.ts';
import type { AppliedOperation } from '../../store/mail/types.ts';
import type { JmapContext } from '../context.ts';
import { operationError } from '../operations.ts';

/** A message to keep, under the creation id of the client. */
export interface Keeping {
  key: string;
  octets: Uint8Array;
  mailboxes: number[];
  keywords: string[];
  /** Epoch milliseconds. */
  receivedAt: number;
}

export interface Kept {
  created: Map<string, Json>;
  notCreated: Map<string, SetError>;
}

/** Lower-case hex SHA-256. */
export async function sha256Hex(octets: Uint8Array): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', octets as Uint8Array<ArrayBuffer>)));
}

/** Keeps messages, one batch for all rows. `created` says what RFC 8621 §4.6 asks: id, blobId, threadId, size. */
export async function keepMessages(context: JmapContext, messages: readonly Keeping[], ifInState: string | null): Promise<Kept> {
  const kept: Kept = { created: new Map(), notCreated: new Map() };
  if (messages.length === 0) return kept;
  const operations: AppliedOperation[] = [];
  for (const { octets, mailboxes, keywords, receivedAt } of messages) {
    const sha256 = await sha256Hex(octets);
    if (!(await context.mail.putBlob(sha256, octets, octets.length))) throw new Error('the bucket refused the digest');
    operations.push({ op: 'import', mailboxes, sha256, index: indexMessage(octets), keywords, receivedAt });
  }
  const results = await context.mail.apply(operations, ifInState === null ? {} : { ifInState: { type: 'Email', state: ifInState } });
  context.wrote();
  const made: { key: string; id: number }[] = [];
  messages.forEach(({ key }, index) => {
    const id = newId(results[index]);
    if (typeof id === 'number') made.push({ key, id });
    else kept.notCreated.set(key, id);
  });
  await describe(context, made, kept);
  return kept;
}

function newId(result: OperationResult | undefined): number | SetError {
  const error = operationError(result);
  if (error?.type === 'notFound') return { type: 'invalidProperties', properties: ['mailboxIds'] };
  return error ?? (result?.ok ? (result.id ?? { type: 'serverFail' }) : { type: 'serverFail' });
}

async function describe(context: JmapContext, made: readonly { key: string; id: number }[], kept: Kept): Promise<void> {
  const rows = made.length === 0 ? [] : await context.emails(made.map(({ id }) => id));
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const { key, id } of made) {
    const row = byId.get(id);
    if (!row) {
      kept.notCreated.set(key, { type: 'serverFail' });
      continue;
    }
    const wireId = encodeId('Email', id);
    context.createdIds.set(key, wireId);
    const blobId = encodeBlobId({ sha256: row.sha256 });
    kept.created.set(key, { id: wireId, blobId, threadId: encodeId('Thread', row.thread), size: row.size });
  }
}
