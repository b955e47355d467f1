/** Annotations (RFC 5464 §4.3): all entries of one change or none, within what an account may keep. */
import { METADATA_ENTRIES_MAX, METADATA_OCTETS_MAX } from '../../../../shared/metadata.ts';
import type { OperationResult } from '../../../../shared/protocol.ts';
import type { AppliedOperation } from './applied.ts';
import { failure, type OperationContext } from './context.ts';

type SetMetadata = Extract<AppliedOperation, { op: 'setMetadata' }>;

export function setMetadata({ ledger, metadata }: OperationContext, { mailbox, entries }: SetMetadata): OperationResult {
  if (mailbox !== 0 && !ledger.mailbox(mailbox)) return failure('notFound', 'mailbox');
  const after = new Map(metadata);
  for (const [entry, value] of entries) {
    if (value === null) after.delete(`${mailbox} ${entry}`);
    else after.set(`${mailbox} ${entry}`, entry.length + value.length);
  }
  const octets = [...after.values()].reduce((sum, length) => sum + length, 0);
  const grows = octets > [...metadata.values()].reduce((sum, length) => sum + length, 0);
  if (grows && (after.size > METADATA_ENTRIES_MAX || octets > METADATA_OCTETS_MAX)) return failure('tooLarge', 'annotations');
  for (const [entry, value] of entries) ledger.setMetadata(mailbox, entry, value);
  metadata.clear();
  for (const [key, length] of after) metadata.set(key, length);
  return { ok: true };
}
