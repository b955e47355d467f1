/**
 * Making mailboxes (RFC 8621 §2.5), level by level, since a child may name a parent made in the same call.
 */

import type { Json } from '../../../shared/jmap/errors.ts';
import { invalidProperties } from '../../../shared/jmap/errors.ts';
import { encodeId } from '../../../shared/jmap/ids.ts';
import type { MailboxDraft } from '../../../shared/jmap/mailbox/changes.ts';
import { mailboxConflict, readMailboxCreation, resolveParent } from '../../../shared/jmap/mailbox/changes.ts';
import type { MailboxFacts } from '../../../shared/jmap/mailbox/properties.ts';
import { mailboxObject } from '../../../shared/jmap/mailbox/properties.ts';
import { operationError } from '../operations.ts';
import type { MailboxWork, Step } from './work.ts';
import { modelOf, runSteps } from './work.ts';

/** Makes the mailboxes, parents first. Returns the steps that only follow a creation. */
export async function createMailboxes(work: MailboxWork, creations: ReadonlyMap<string, Json>): Promise<Step[]> {
  const waiting = new Map<string, MailboxDraft>();
  for (const [key, record] of creations) {
    const draft = readMailboxCreation(record);
    if ('type' in draft) work.outcome.notCreated.set(key, draft);
    else waiting.set(key, draft);
  }
  const late: Step[] = [];
  while (waiting.size > 0) {
    const ready = [...waiting].filter(([, draft]) => resolveParent(draft.parentId, work.context.createdIds) !== undefined);
    if (ready.length === 0) break;
    for (const [key] of ready) waiting.delete(key);
    const steps = ready.flatMap(([key, draft]) => creationStep(work, key, draft, late) ?? []);
    await runSteps(work, steps);
  }
  for (const key of waiting.keys()) work.outcome.notCreated.set(key, invalidProperties(['parentId'], 'no such parent'));
  return late;
}

function creationStep(work: MailboxWork, key: string, draft: MailboxDraft, late: Step[]): Step | null {
  const parent = resolveParent(draft.parentId, work.context.createdIds) ?? null;
  const conflict = mailboxConflict(draft, parent, work.rows, null);
  if (conflict) {
    work.outcome.notCreated.set(key, conflict);
    return null;
  }
  // A negative id stands for the row until the store has given one.
  const row: MailboxFacts = { ...modelOf(draft, parent), id: -work.rows.length - 1, emails: 0, unread: 0, threads: 0, unreadThreads: 0 };
  work.rows.push(row);
  const { name, role, isSubscribed: subscribed } = draft;
  return {
    operation: { op: 'createMailbox', parent, name, role, subscribed },
    settle: (result) => {
      const error = operationError(result);
      if (error || !result?.ok || result.id === undefined) {
        work.rows.splice(work.rows.indexOf(row), 1);
        work.outcome.notCreated.set(key, error ?? { type: 'serverFail' });
        return;
      }
      row.id = result.id;
      const id = encodeId('Mailbox', row.id);
      work.context.createdIds.set(key, id);
      work.outcome.created.set(key, serverSet(mailboxObject(row)));
      if (draft.sortOrder > 0)
        late.push({ operation: { op: 'updateMailbox', mailbox: row.id, sortOrder: draft.sortOrder }, settle: () => {} });
    },
  };
}

/** What a client does not know of a mailbox it made. */
function serverSet(object: Json): Json {
  const { name, parentId, ...rest } = object;
  return rest;
}
