/**
 * Mailbox/set (RFC 8621 §2.5). Creations go level by level, since a child may name a parent made in the
 * same call; updates and destructions then go in one batch. `rows` is the model of what the mailboxes will
 * be, so that each record is checked against those before it.
 */
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties, MethodError } from '../../../shared/jmap/errors.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import type { MailboxDraft } from '../../../shared/jmap/mailbox/changes.ts';
import { mailboxConflict, readMailboxCreation, readMailboxUpdate, resolveParent } from '../../../shared/jmap/mailbox/changes.ts';
import type { MailboxFacts } from '../../../shared/jmap/mailbox/properties.ts';
import { mailboxObject } from '../../../shared/jmap/mailbox/properties.ts';
import { applyPatch } from '../../../shared/jmap/patch.ts';
import { optional, readArguments, readBoolean } from '../../../shared/jmap/readers.ts';
import { boundedSet, SET_FIELDS, SetOutcome } from '../../../shared/jmap/set.ts';
import type { Operation, OperationResult } from '../../../shared/protocol.ts';
import type { JmapContext, Method } from '../context.ts';
import { operationError } from '../operations.ts';

/** An operation and what to do with its result. */
interface Step {
  operation: Operation;
  settle(result: OperationResult | undefined): void;
}

/** One Mailbox/set while it runs. */
interface Work {
  context: JmapContext;
  outcome: SetOutcome;
  rows: MailboxFacts[];
  removeEmails: boolean;
}

const FIELDS = { ...SET_FIELDS, onDestroyRemoveEmails: optional(readBoolean, false) };

export const mailboxSet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, FIELDS);
  const set = boundedSet(read, context.createdIds);
  const { Mailbox: oldState } = await context.states();
  if (set.ifInState !== null && set.ifInState !== oldState) throw new MethodError('stateMismatch');
  const work: Work = {
    context,
    outcome: new SetOutcome(),
    rows: await context.mail.mailboxes(),
    removeEmails: read.onDestroyRemoveEmails,
  };
  const late = await create(work, set.create);
  const steps = [...late, ...update(work, set.update, set.destroy), ...destroy(work, set.destroy)];
  await run(context, steps);
  return work.outcome.answer(accountId, oldState, (await context.states()).Mailbox);
};

async function run(context: JmapContext, steps: readonly Step[]): Promise<void> {
  if (steps.length === 0) return;
  const results = await context.mail.apply(steps.map((step) => step.operation));
  context.wrote();
  steps.forEach((step, index) => {
    step.settle(results[index]);
  });
}

/** Makes the mailboxes, parents first. Returns the steps that only follow a creation. */
async function create(work: Work, creations: ReadonlyMap<string, Json>): Promise<Step[]> {
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
    await run(work.context, steps);
  }
  for (const key of waiting.keys()) work.outcome.notCreated.set(key, invalidProperties(['parentId'], 'no such parent'));
  return late;
}

function creationStep(work: Work, key: string, draft: MailboxDraft, late: Step[]): Step | null {
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

function modelOf(draft: MailboxDraft, parent: number | null) {
  return { parent, name: draft.name, role: draft.role, sortOrder: draft.sortOrder, subscribed: draft.isSubscribed };
}

function update(work: Work, patches: ReadonlyMap<string, Json>, destroyed: readonly string[]): Step[] {
  const steps: Step[] = [];
  for (const [key, patch] of patches) {
    const step = destroyed.includes(key) ? ({ type: 'willDestroy' } as const) : updateStep(work, key, patch);
    if ('type' in step) work.outcome.notUpdated.set(key, step);
    else steps.push(step);
  }
  return steps;
}

function updateStep(work: Work, key: string, patch: Json): Step | SetError {
  const real = key.startsWith('#') ? (work.context.createdIds.get(key.slice(1)) ?? key) : key;
  const row = work.rows.find((each) => each.id === decodeId('Mailbox', real));
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

/** Children before their parents, so that a whole branch can go in one call. */
function destroy(work: Work, ids: readonly string[]): Step[] {
  const doomed = ids.flatMap((id) => work.rows.find((row) => row.id === decodeId('Mailbox', id)) ?? []);
  const known = new Set(doomed.map((row) => encodeId('Mailbox', row.id)));
  for (const id of ids) if (!known.has(id)) work.outcome.notDestroyed.set(id, { type: 'notFound' });
  const steps: Step[] = [];
  for (const row of doomed.sort((a, b) => depth(b, work.rows) - depth(a, work.rows))) {
    const id = encodeId('Mailbox', row.id);
    const refusal = destroyRefusal(work, row);
    if (refusal) work.outcome.notDestroyed.set(id, refusal);
    else steps.push(destroyStep(work, row, id));
  }
  return steps;
}

function destroyRefusal(work: Work, row: MailboxFacts): SetError | null {
  if (row.role === 'inbox') return { type: 'forbidden', description: 'mail arrives in the inbox' };
  if (work.rows.some((each) => each.parent === row.id)) return { type: 'mailboxHasChild' };
  return row.emails > 0 && !work.removeEmails ? { type: 'mailboxHasEmail' } : null;
}

function destroyStep(work: Work, row: MailboxFacts, id: string): Step {
  work.rows.splice(work.rows.indexOf(row), 1);
  return {
    operation: { op: 'destroyMailbox', mailbox: row.id, ...(work.removeEmails ? { expungeEmails: true } : {}) },
    settle: (result) => {
      const error = operationError(result);
      if (error) work.outcome.notDestroyed.set(id, error);
      else work.outcome.destroyed.push(id);
    },
  };
}

function depth(row: MailboxFacts, rows: readonly MailboxFacts[]): number {
  let levels = 0;
  for (let at: MailboxFacts | undefined = row; at && levels <= rows.length; levels++) {
    const { parent }: MailboxFacts = at;
    at = rows.find((each) => each.id === parent);
  }
  return levels;
}
