/**
 * Patches of mailboxes (RFC 8621 §2.5): renamed, moved, given a role, subscribed, sorted. One at a time while that goes;
 * those that stand in each other's way are tried together, because only the final state must be valid (RFC 8620 §5.3).
 */

import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties } from '../../../shared/jmap/errors.ts';
import { decodeId } from '../../../shared/jmap/ids.ts';
import type { MailboxDraft } from '../../../shared/jmap/mailbox/changes.ts';
import { mailboxConflict, readMailboxUpdate, resolveParent } from '../../../shared/jmap/mailbox/changes.ts';
import type { MailboxFacts } from '../../../shared/jmap/mailbox/properties.ts';
import { mailboxObject } from '../../../shared/jmap/mailbox/properties.ts';
import { applyPatch } from '../../../shared/jmap/patch.ts';
import { realUpdates } from '../../../shared/jmap/set.ts';
import type { OperationResult } from '../../../shared/protocol.ts';
import { operationError } from '../operations.ts';
import type { Attempt, MailboxWork, Step } from './work.ts';
import { modelOf, normalisedName } from './work.ts';

type Model = ReturnType<typeof modelOf>;

/** Rounds of trying together, without those that failed in the round before. */
const ROUNDS_MAX = 3;

/** A patch that was read. */
export class MailboxUpdate implements Attempt {
  readonly #work: MailboxWork;
  readonly #id: string;
  readonly #patch: Json;
  readonly #row: MailboxFacts;
  /** As it was before this call. */
  readonly #before: MailboxFacts;
  readonly #draft: MailboxDraft;
  readonly #model: Model;

  constructor(work: MailboxWork, id: string, patch: Json, row: MailboxFacts, draft: MailboxDraft, parent: number | null) {
    this.#work = work;
    this.#id = id;
    this.#patch = patch;
    this.#row = row;
    this.#before = { ...row };
    this.#draft = draft;
    this.#model = modelOf(draft, parent);
  }

  /** The operation's fields: what changes, and of which mailbox. */
  get change(): { mailbox: number } & Partial<Model> {
    const before: Json = { ...this.#before };
    const changed = Object.fromEntries(Object.entries(this.#model).filter(([name, value]) => before[name] !== value)) as Partial<Model>;
    return { mailbox: this.#row.id, ...changed };
  }

  conflict(): SetError | null {
    return mailboxConflict(this.#draft, this.#model.parent, this.#work.rows, this.#before);
  }

  enter(): void {
    Object.assign(this.#row, this.#model);
  }

  leave(): void {
    Object.assign(this.#row, this.#before);
  }

  attempt(): Step | SetError {
    const conflict = this.conflict();
    if (conflict) return conflict;
    this.enter();
    return { operation: { op: 'updateMailbox', ...this.change }, settle: (result) => this.settle(result) };
  }

  settle(result: OperationResult | undefined): void {
    const error = operationError(result);
    if (error) this.refuse(error);
    else this.#work.outcome.updated.set(this.#id, normalisedName(this.#patch, this.#model.name));
  }

  refuse(error: SetError): void {
    this.#work.outcome.notUpdated.set(this.#id, error);
  }
}

/** The patches that can be read; the others are settled already. */
export function readUpdates(work: MailboxWork, patches: ReadonlyMap<string, Json>, destroyed: readonly string[]): MailboxUpdate[] {
  const updates: MailboxUpdate[] = [];
  for (const [id, patch] of realUpdates(patches, work.context.createdIds)) {
    const isDoomed = destroyed.includes(id);
    const read = readUpdate(work, id, patch);
    const update = isDoomed && (read instanceof MailboxUpdate || read.type !== 'notFound') ? ({ type: 'willDestroy' } as const) : read;
    if (update instanceof MailboxUpdate) updates.push(update);
    else work.outcome.notUpdated.set(id, update);
  }
  return updates;
}

function readUpdate(work: MailboxWork, id: string, patch: Json): MailboxUpdate | SetError {
  const mailbox = decodeId('Mailbox', id);
  const row = work.rows.find((each) => each.id === mailbox);
  if (!row) return { type: 'notFound' };
  const patched = applyPatch(mailboxObject(row), patch);
  if ('error' in patched) return patched.error;
  const draft = readMailboxUpdate(patched.value, row);
  if ('type' in draft) return draft;
  const parent = resolveParent(draft.parentId, work.context.createdIds);
  if (parent === undefined) return invalidProperties(['parentId'], 'no such parent');
  return new MailboxUpdate(work, id, patch, row, draft, parent);
}

/** Updates that stand in each other's way, as one step for all that can be together; the others are refused. */
export function updateTogether(updates: readonly MailboxUpdate[]): Step[] {
  let group = updates;
  for (let round = 0; group.length > 0; round++) {
    for (const update of group) update.enter();
    const conflicts = new Map(group.map((update) => [update, update.conflict()]));
    const fitting = group.filter((update) => conflicts.get(update) === null);
    if (fitting.length === group.length) return [groupStep(group)];
    for (const update of group) update.leave();
    const refused = round + 1 < ROUNDS_MAX ? group.filter((update) => !fitting.includes(update)) : group;
    for (const update of refused)
      update.refuse(update.conflict() ?? invalidProperties(['name'], 'another change of this call is in its way'));
    group = group.filter((update) => !refused.includes(update));
  }
  return [];
}

function groupStep(group: readonly MailboxUpdate[]): Step {
  return {
    operation: { op: 'updateMailboxes', updates: group.map((update) => update.change) },
    settle: (result) => {
      for (const update of group) update.settle(result);
    },
  };
}
