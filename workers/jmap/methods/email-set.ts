/**
 * Email/set (RFC 8621 §4.6): drafts made, keywords and mailboxes changed, emails destroyed. Creations are
 * one batch; all updates and destructions together are another, each record whole or not at all.
 */
import { MethodError } from '../../../shared/jmap/errors.ts';
import { decodeId } from '../../../shared/jmap/ids.ts';
import { readArguments } from '../../../shared/jmap/readers.ts';
import type { SetArguments } from '../../../shared/jmap/set.ts';
import { boundedSet, realId, SET_FIELDS, SetOutcome } from '../../../shared/jmap/set.ts';
import type { AppliedOperation } from '../../store/mail/operations/applied.ts';
import type { JmapContext, Method, States } from '../context.ts';
import { createEmails } from '../email/create.ts';
import type { EmailChange } from '../email/update.ts';
import { planUpdates } from '../email/update.ts';
import { operationError } from '../operations.ts';

export const emailSet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const set = boundedSet(readArguments(args, SET_FIELDS), context.createdIds);
  // What only changes emails learns the states from the change itself, which checks `ifInState` too.
  const first = set.create.size > 0 || set.ifInState !== null ? (await context.states()).Email : null;
  if (set.ifInState !== null && set.ifInState !== first) throw new MethodError('stateMismatch');
  const outcome = new SetOutcome();
  await createEmails(context, set.create, set.ifInState, outcome);
  const rest = { ...set, destroy: [...new Set(set.destroy.map((id) => realId(id, context.createdIds)))] };
  const changes = [...(await planUpdates(context, rest, outcome)), ...planDestructions(rest, outcome)];
  // What this call made itself may go on in it, though the state has moved.
  const before = await applyChanges(context, changes, outcome.created.size > 0 ? null : set.ifInState);
  const { Email: newState } = await context.states();
  return outcome.answer(accountId, first ?? before ?? newState, newState);
};

/** One batch for all changes; each settles its own record. Answers with the state of emails before; null when nothing was to be done. */
async function applyChanges(context: JmapContext, changes: readonly EmailChange[], ifInState: string | null): Promise<string | null> {
  const states: { before?: States; after?: States } = {};
  const operations: AppliedOperation[] = changes.flatMap((change) => change.operations);
  if (operations.length > 0) {
    const moved = (before: States, after: States) => Object.assign(states, { before, after });
    const guard = ifInState === null ? {} : { ifInState: { type: 'Email' as const, state: ifInState } };
    const results = await context.mail.apply(operations, { ...guard, moved });
    context.wrote(states.after);
    let at = 0;
    for (const change of changes) {
      const own = results.slice(at, at + change.operations.length);
      at += change.operations.length;
      const isMissing = own.some((result) => result.ok && result.modified?.includes(change.email));
      change.settle(isMissing ? { type: 'notFound' } : (own.map(operationError).find((error) => error !== null) ?? null));
    }
  }
  for (const change of changes) if (change.operations.length === 0) change.settle(null);
  return states.before?.Email ?? null;
}

function planDestructions({ destroy }: SetArguments, outcome: SetOutcome): EmailChange[] {
  return destroy.flatMap((id) => {
    const email = decodeId('Email', id);
    if (email === null) {
      outcome.notDestroyed.set(id, { type: 'notFound' });
      return [];
    }
    return {
      email,
      operations: [{ op: 'destroyEmails', emails: [email] }],
      settle: (error) => {
        if (error) outcome.notDestroyed.set(id, error);
        else outcome.destroyed.push(id);
      },
    };
  });
}
