/** Mailbox/set (RFC 8621 §2.5): creations first, then updates and destructions in one batch. */
import { MethodError } from '../../../shared/jmap/errors.ts';
import { optional, readArguments, readBoolean } from '../../../shared/jmap/readers.ts';
import { boundedSet, SET_FIELDS, SetOutcome } from '../../../shared/jmap/set.ts';
import type { Method } from '../context.ts';
import { createMailboxes } from '../mailbox/create.ts';
import { destroyMailboxes } from '../mailbox/destroy.ts';
import { updateMailboxes } from '../mailbox/update.ts';
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
  const late = await createMailboxes(work, set.create);
  await runSteps(work, [...late, ...updateMailboxes(work, set.update, set.destroy), ...destroyMailboxes(work, set.destroy)]);
  return work.outcome.answer(accountId, oldState, (await context.states()).Mailbox);
};
