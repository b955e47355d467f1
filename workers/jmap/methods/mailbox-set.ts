/**
 * Mailbox/set (RFC 8621 §2.5): creations first, then updates and destructions in one batch, then the creations that those made
 * room for: what counts is that the final state is valid (RFC 8620 §5.3).
 */
import { MethodError } from '../../../shared/jmap/errors.ts';
import { optional, readArguments, readBoolean } from '../../../shared/jmap/readers.ts';
import { boundedSet, realId, SET_FIELDS, SetOutcome } from '../../../shared/jmap/set.ts';
import type { Method } from '../context.ts';
import { createMailboxes, readCreations } from '../mailbox/create.ts';
import { readDestructions } from '../mailbox/destroy.ts';
import { planChanges } from '../mailbox/plan.ts';
import { readUpdates } from '../mailbox/update.ts';
import type { MailboxWork } from '../mailbox/work.ts';
import { runSteps } from '../mailbox/work.ts';

const FIELDS = { ...SET_FIELDS, onDestroyRemoveEmails: optional(readBoolean, false) };

export const mailboxSet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, FIELDS);
  const set = boundedSet(read, context.createdIds);
  const { Mailbox: oldState } = await context.states();
  if (set.ifInState !== null && set.ifInState !== oldState) throw new MethodError('stateMismatch');
  const work: MailboxWork = {
    context,
    outcome: new SetOutcome(),
    rows: await context.mail.mailboxes(),
    removeEmails: read.onDestroyRemoveEmails,
    ifInState: set.ifInState,
  };
  const creations = readCreations(work, set.create);
  let refused = await createMailboxes(work, creations);
  const destroy = set.destroy.map((id) => realId(id, context.createdIds));
  // What is to lie in a mailbox that cannot be made yet waits for it.
  const waiting = new Map([...set.update].filter(([, { parentId }]) => typeof parentId === 'string' && refused.has(parentId.slice(1))));
  const updates = new Map([...set.update].filter(([key]) => !waiting.has(key)));
  const steps = planChanges([...readUpdates(work, updates, destroy), ...readDestructions(work, destroy)]);
  await runSteps(work, steps);
  if (steps.length > 0) refused = await createMailboxes(work, new Map([...creations].filter(([key]) => refused.has(key))));
  await runSteps(work, planChanges(readUpdates(work, waiting, destroy)));
  for (const [key, error] of refused) work.outcome.notCreated.set(key, error);
  return work.outcome.answer(accountId, oldState, (await context.states()).Mailbox);
};
