/** Rows for messages whose originals are in the bucket (invariant 2), and what RFC 8621 §4.6 tells of them. */
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { encodeBlobId, encodeId } from '../../../shared/jmap/ids.ts';
import type { MessageIndex } from '../../../shared/mime/index-types.ts';
import type { OperationResult } from '../../../shared/protocol.ts';
import type { AppliedOperation } from '../../store/mail/operations/applied.ts';
import type { EmailRow } from '../../store/mail/types.ts';
import type { JmapContext } from '../context.ts';
import { operationError } from '../operations.ts';

/** Messages of one batch: their indexes are in memory together, half a megabyte each at worst. */
export const KEPT_TOGETHER = 32;

/** A message to keep, under the creation id of the client. */
export interface Keeping {
  key: string;
  sha256: string;
  index: MessageIndex;
  mailboxes: number[];
  keywords: string[];
  /** Epoch milliseconds. */
  receivedAt: number;
  /** What the answer says beyond id, blobId, threadId and size. */
  more?: (row: EmailRow) => Promise<Json>;
}

export interface Kept {
  created: Map<string, Json>;
  notCreated: Map<string, SetError>;
}

/** Keeps messages, one batch for all rows. */
export async function keepMessages(context: JmapContext, messages: readonly Keeping[], ifInState: string | null): Promise<Kept> {
  const kept: Kept = { created: new Map(), notCreated: new Map() };
  if (messages.length === 0) return kept;
  const operations = messages.map(({ mailboxes, sha256, index, keywords, receivedAt }): AppliedOperation => {
    return { op: 'import', mailboxes, sha256, index, keywords, receivedAt };
  });
  const put = new Set(messages.map(({ sha256 }) => sha256));
  const results = await context.mail.apply(
    operations,
    ifInState === null ? { put } : { put, ifInState: { type: 'Email', state: ifInState } },
  );
  context.wrote();
  const made: { message: Keeping; id: number }[] = [];
  messages.forEach((message, index) => {
    const id = newId(results[index]);
    if (typeof id === 'number') made.push({ message, id });
    else kept.notCreated.set(message.key, id);
  });
  await describe(context, made, kept);
  return kept;
}

function newId(result: OperationResult | undefined): number | SetError {
  const error = operationError(result);
  if (error?.type === 'notFound') return { type: 'invalidProperties', properties: ['mailboxIds'] };
  return error ?? (result?.ok ? (result.id ?? { type: 'serverFail' }) : { type: 'serverFail' });
}

async function describe(context: JmapContext, made: readonly { message: Keeping; id: number }[], kept: Kept): Promise<void> {
  const rows = made.length === 0 ? [] : await context.emails(made.map(({ id }) => id));
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const { message, id } of made) {
    const row = byId.get(id);
    if (!row) {
      kept.notCreated.set(message.key, { type: 'serverFail' });
      continue;
    }
    const wireId = encodeId('Email', id);
    context.createdIds.set(message.key, wireId);
    const more = (await message.more?.(row)) ?? {};
    const blobId = encodeBlobId({ sha256: row.sha256 });
    kept.created.set(message.key, { ...more, id: wireId, blobId, threadId: encodeId('Thread', row.thread), size: row.size });
  }
}

/** Entries in groups of `KEPT_TOGETHER`. */
export function* inBatches<Entry>(entries: Iterable<Entry>): Generator<Entry[]> {
  let batch: Entry[] = [];
  for (const entry of entries) {
    batch.push(entry);
    if (batch.length < KEPT_TOGETHER) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
