/** Patches of mailboxes (RFC 8621 §2.5): renamed, moved, given a role, subscribed, sorted. */

import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties } from '../../../shared/jmap/errors.ts';
import { decodeId } from '../../../shared/jmap/ids.ts';
import { mailboxConflict, readMailboxUpdate, resolveParent } from '../../../shared/jmap/mailbox/changes.ts';
import type { MailboxFacts } from '../../../shared/jmap/mailbox/properties.ts';
import { mailboxObject } from '../../../shared/jmap/mailbox/properties.ts';
import { applyPatch } from '../../../shared/jmap/patch.ts';
import { realId } from '../../../shared/jmap/set.ts';
import { operationError } from '../operations.ts';
import type { MailboxWork, Step } from './work.ts';
import { modelOf } from './work.ts';

/** The steps of all patches; those that cannot be are settled already. */
export function updateMailboxes(work: MailboxWork, patches: ReadonlyMap<string, Json>, destroyed: readonly string[]): Step[] {
  const steps: Step[] = [];
  for (const [key, patch] of patches) {
    const step = destroyed.includes(realId(key, work.context.createdIds))
      ? ({ type: 'willDestroy' } as const)
      : updateStep(work, key, patch);
    if ('type' in step) work.outcome.notUpdated.set(key, step);
    else steps.push(step);
  }
  return steps;
}

function updateStep(work: MailboxWork, key: string, patch: Json): Step | SetError {
  const id = decodeId('Mailbox', realId(key, work.context.createdIds));
  const row = work.rows.find((each) => each.id === id);
  if (!row) return { type: 'notFound' };
  const patched = applyPatch(mailboxObject(row), patch);
  if ('error' in patched) return patched.error;
  const draft = readMailboxUpdate(patched.value, row);
  if ('type' in draft) return draft;
  const parent = resolveParent(draft.parentId, work.context.createdIds);
  if (parent === undefined) return invalidProperties(['parentId'], 'no such parent');
  const conflict = mailboxConflict(draft, parent, work.rows, row.id);
  if (conflict) return conflict;
  const changed = changedOnly(modelOf(draft, parent), row);
  Object.assign(row, changed);
  return {
    operation: { op: 'updateMailbox', mailbox: row.id, ...changed },
    settle: (result) => {
      const error = operationError(result);
      if (error) work.outcome.notUpdated.set(key, error);
      else work.outcome.updated.set(key, null);
    },
  };
}

function changedOnly(model: ReturnType<typeof modelOf>, row: MailboxFacts): Partial<ReturnType<typeof modelOf>> {
  const before: Json = { ...row };
  return Object.fromEntries(Object.entries(model).filter(([name, value]) => before[name] !== value));
}
