/**
 * One Mailbox/set while it runs (RFC 8621 §2.5). `rows` is the model of what the mailboxes will be, so that
 * each record is checked against those before it; the store checks again when the batch is written.
 */
import type { MailboxDraft } from '../../../shared/jmap/mailbox/changes.ts';
import type { MailboxFacts } from '../../../shared/jmap/mailbox/properties.ts';
import type { SetOutcome } from '../../../shared/jmap/set.ts';
import type { Operation, OperationResult } from '../../../shared/protocol.ts';
import type { JmapContext } from '../context.ts';

/** An operation and what to do with its result. */
export interface Step {
  operation: Operation;
  settle(result: OperationResult | undefined): void;
}

export interface MailboxWork {
  context: JmapContext;
  outcome: SetOutcome;
  rows: MailboxFacts[];
  removeEmails: boolean;
  /** Guards the first batch; what follows is this call's own doing. */
  ifInState: string | null;
}

/** Applies steps in one batch and settles each. */
export async function runSteps(work: MailboxWork, steps: readonly Step[]): Promise<void> {
  if (steps.length === 0) return;
  const { context, ifInState } = work;
  const operations = steps.map((step) => step.operation);
  const results = await context.mail.apply(operations, ifInState === null ? {} : { ifInState: { type: 'Mailbox', state: ifInState } });
  work.ifInState = null;
  context.wrote();
  steps.forEach((step, index) => {
    step.settle(results[index]);
  });
}

/** A draft as columns of the store. */
export function modelOf(draft: MailboxDraft, parent: number | null) {
  return { parent, name: draft.name, role: draft.role, sortOrder: draft.sortOrder, subscribed: draft.isSubscribed };
}
