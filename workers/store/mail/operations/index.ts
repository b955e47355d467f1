/** The table of operations: one vocabulary for IMAP and JMAP (invariant 1). An operation is applied whole or not at all. */
import type { OperationResult } from '../../../../shared/protocol.ts';
import type { AppliedOperation } from './applied.ts';
import type { OperationContext } from './context.ts';
import { updateEmails } from './emails.ts';
import { createMailbox, destroyMailbox, updateMailbox, updateMailboxes } from './mailboxes.ts';
import { append, importEmail } from './messages.ts';
import { setMetadata } from './metadata.ts';
import { copy, destroyEmails, expunge, move } from './placements.ts';
import { store } from './store.ts';

type Operations = {
  [Op in AppliedOperation['op']]: (context: OperationContext, operation: Extract<AppliedOperation, { op: Op }>) => OperationResult;
};

const OPERATIONS: Operations = {
  store,
  copy,
  move,
  expunge,
  append,
  import: importEmail,
  updateEmails,
  destroyEmails,
  createMailbox,
  updateMailbox,
  updateMailboxes,
  destroyMailbox,
  setMetadata,
};

/** Applies one operation to the ledger. */
export function operate(context: OperationContext, operation: AppliedOperation): OperationResult {
  const apply = OPERATIONS[operation.op] as (context: OperationContext, operation: AppliedOperation) => OperationResult;
  return apply(context, operation);
}
