/**
 * One Mailbox/set while it runs (RFC 8621 §2.5). `rows` is the model of what the mailboxes will be, so that
 * each record is checked against those before it; the store checks again when the batch is written.
 */
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import type { MailboxDraft } from '../../../shared/jmap/mailbox/changes.ts';
import type { MailboxFacts } from '../../../shared/jmap/mailbox/properties.ts';
import type { SetOutcome } from '../../../shared/jmap/set.ts';
import type { OperationResult } from '../../../shared/protocol.ts';
import type { AppliedOperation } from '../../store/mail/operations/applied.ts';
import type { JmapContext } from '../context.ts';

/** An operation and what to do with its result. */
export interface Step {
  operation: AppliedOperation;
  settle(result: OperationResult | undefined): void;
}

/** A record that may have to wait for others of the call: `attempt` puts it into the model, or says why it cannot be. */
export interface Attempt {
  attempt(): Step | SetError;
  refuse(error: SetError): void;
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

/** The name, when it is not as the client wrote it: it is normalised (RFC 8621 §2), and the client has to be told (RFC 8620 §5.3). */
export function normalisedName(given: Json, name: string): Json | null {
  return typeof given.name === 'string' && given.name !== name ? { name } : null;
}
