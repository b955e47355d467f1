/**
 * Making mailboxes (RFC 8621 §2.5), level by level, since a child may name a parent made in the same call. What another
 * mailbox stands in the way of is refused for now: an update or destruction of the call may clear it.
 */

import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties } from '../../../shared/jmap/errors.ts';
import { encodeId } from '../../../shared/jmap/ids.ts';
import type { MailboxDraft } from '../../../shared/jmap/mailbox/changes.ts';
import { mailboxConflict, readMailboxCreation, resolveParent } from '../../../shared/jmap/mailbox/changes.ts';
import type { MailboxFacts } from '../../../shared/jmap/mailbox/properties.ts';
import { mailboxObject } from '../../../shared/jmap/mailbox/properties.ts';
import type { OperationResult } from '../../../shared/protocol.ts';
import { operationError } from '../operations.ts';
import type { MailboxWork, Step } from './work.ts';
import { modelOf, normalisedName, runSteps } from './work.ts';

/** A creation that was read: what the client wrote, and what it means. */
export interface MailboxCreation {
  record: Json;
  draft: MailboxDraft;
}

/** The creations that can be read; the others are settled already. */
export function readCreations(work: MailboxWork, records: ReadonlyMap<string, Json>): Map<string, MailboxCreation> {
  const creations = new Map<string, MailboxCreation>();
  for (const [key, record] of records) {
    const draft = readMailboxCreation(record);
    if ('type' in draft) work.outcome.notCreated.set(key, draft);
    else creations.set(key, { record, draft });
  }
  return creations;
}

/** Makes the mailboxes, parents first. Returns why others could not be made. */
export async function createMailboxes(work: MailboxWork, creations: ReadonlyMap<string, MailboxCreation>): Promise<Map<string, SetError>> {
  const waiting = new Map(creations);
  const refused = new Map<string, SetError>();
  const late: Step[] = [];
  while (waiting.size > 0) {
    const ready = [...waiting].filter(([, { draft }]) => resolveParent(draft.parentId, work.context.createdIds) !== undefined);
    if (ready.length === 0) break;
    const steps: Step[] = [];
    for (const [key, creation] of ready) {
      waiting.delete(key);
      const step = creationStep(work, key, creation, late);
      if ('type' in step) refused.set(key, step);
      else steps.push(step);
    }
    await runSteps(work, steps);
  }
  await runSteps(work, late);
  for (const key of waiting.keys()) refused.set(key, invalidProperties(['parentId'], 'no such parent'));
  return refused;
}

function creationStep(work: MailboxWork, key: string, { record, draft }: MailboxCreation, late: Step[]): Step | SetError {
  const parent = resolveParent(draft.parentId, work.context.createdIds) ?? null;
  const conflict = mailboxConflict(draft, parent, work.rows, null);
  if (conflict) return conflict;
  // A negative id stands for the row until the store has given one.
  const row: MailboxFacts = { ...modelOf(draft, parent), id: -work.rows.length - 1, emails: 0, unread: 0, threads: 0, unreadThreads: 0 };
  work.rows.push(row);
  const { name, role, isSubscribed: subscribed } = draft;
  return {
    operation: { op: 'createMailbox', parent, name, role, subscribed },
    settle: (result) => {
      const error = creationError(result);
      if (error || !result?.ok || result.id === undefined) {
        work.rows.splice(work.rows.indexOf(row), 1);
        work.outcome.notCreated.set(key, error ?? { type: 'serverFail' });
        return;
      }
      row.id = result.id;
      const id = encodeId('Mailbox', row.id);
      work.context.createdIds.set(key, id);
      work.outcome.created.set(key, serverSet(mailboxObject(row), record));
      if (draft.sortOrder > 0)
        late.push({ operation: { op: 'updateMailbox', mailbox: row.id, sortOrder: draft.sortOrder }, settle: () => {} });
    },
  };
}

/** More mailboxes than an account may have are too many of a type, not one that is too large (RFC 8620 §5.3). */
function creationError(result: OperationResult | undefined): SetError | null {
  const error = operationError(result);
  return error?.type === 'tooLarge' ? { ...error, type: 'overQuota' } : error;
}

/** What a client does not know of a mailbox it made: all it did not send, and a name that was normalised (RFC 8620 §5.3). */
function serverSet(object: Json, record: Json): Json {
  const unsent = Object.entries(object).filter(([property]) => !Object.hasOwn(record, property) || record[property] === null);
  return { ...Object.fromEntries(unsent), ...normalisedName(record, String(object.name)) };
}
