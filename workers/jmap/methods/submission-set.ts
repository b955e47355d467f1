/**
 * EmailSubmission/set (RFC 8621 §7.5): creating one sends; `undoStatus` to `canceled` takes it back while it has not
 * left; destroying one forgets the record and stops nothing. What `onSuccess…Email` asks for follows as an implicit Email/set.
 */
import { isSameJson } from '../../../shared/jmap/equal.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties, MethodError, rateLimit } from '../../../shared/jmap/errors.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import { applyPatch } from '../../../shared/jmap/patch.ts';
import { own, readArguments } from '../../../shared/jmap/readers.ts';
import { boundedSet, realId, realUpdates, SET_FIELDS, SetOutcome } from '../../../shared/jmap/set.ts';
import { ensureIdentities } from '../../outbound/identities.ts';
import type { SubmissionRow } from '../../store/mail/submission-rows.ts';
import type { JmapContext, Method } from '../context.ts';
import { createSubmission } from '../submission/create.ts';
import { followUp, ON_SUCCESS_FIELDS } from '../submission/follow.ts';
import { submissionObject } from '../submission/object.ts';

/** What a record costs in messages: a creation is six queries, of the 50 that a request of 32 messages may make. */
const RECORD_COST = 5;

const FIELDS = { ...SET_FIELDS, ...ON_SUCCESS_FIELDS };

export const submissionSet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, FIELDS);
  const set = boundedSet(read, context.createdIds);
  const { EmailSubmission: oldState } = await context.states();
  if (set.ifInState !== null && set.ifInState !== oldState) throw new MethodError('stateMismatch');
  const work = new Work(context);
  await work.create(set.create);
  const doomed = set.destroy.map((id) => realId(id, context.createdIds));
  await work.update(set.update, doomed);
  await work.destroy(doomed);
  context.wrote();
  const newState = (await context.states()).EmailSubmission;
  const follow = await followUp(context, accountId, work.done, read);
  return [['EmailSubmission/set', work.outcome.answer(accountId, oldState, newState)], ...follow];
};

/** One call's work: each record succeeds or fails alone. */
class Work {
  readonly outcome = new SetOutcome();
  /** Submission id → email id, of what succeeded. */
  readonly done = new Map<string, string>();
  readonly #context: JmapContext;

  constructor(context: JmapContext) {
    this.#context = context;
  }

  async create(records: ReadonlyMap<string, Json>): Promise<void> {
    const { env, mail, createdIds } = this.#context;
    const identities = records.size > 0 ? (await ensureIdentities(env, mail)).map(({ row }) => row) : [];
    for (const [key, record] of records) {
      const made = this.#context.take(RECORD_COST) ? await createSubmission(this.#context, identities, record) : rateLimit();
      if ('type' in made) {
        this.outcome.notCreated.set(key, made);
        continue;
      }
      createdIds.set(key, made.id);
      this.outcome.created.set(key, made.answer);
      this.done.set(made.id, made.emailId);
    }
  }

  async update(patches: ReadonlyMap<string, Json>, doomed: readonly string[]): Promise<void> {
    for (const [id, patch] of realUpdates(patches, this.#context.createdIds)) {
      const refused = doomed.includes(id) ? ({ type: 'willDestroy' } as const) : await this.#withRow(id, (row) => this.#cancel(row, patch));
      if (refused) this.outcome.notUpdated.set(id, refused);
      else this.outcome.updated.set(id, null);
    }
  }

  async destroy(ids: readonly string[]): Promise<void> {
    const gone: SetError = { type: 'notFound' };
    for (const id of ids) {
      const refused = await this.#withRow(id, async ({ id: number }) =>
        (await this.#context.mail.destroySubmission(number)) ? null : gone,
      );
      if (refused) this.outcome.notDestroyed.set(id, refused);
      else this.outcome.destroyed.push(id);
    }
  }

  /** Finds the row, works on it, and remembers its email when that went well. */
  async #withRow(id: string, work: (row: SubmissionRow) => Promise<SetError | null>): Promise<SetError | null> {
    if (!this.#context.take(RECORD_COST)) return rateLimit();
    const number = decodeId('EmailSubmission', id);
    const [row] = number === null ? [] : await this.#context.mail.submissions([number]);
    if (!row) return { type: 'notFound' };
    const refused = await work(row);
    if (!refused && row.email !== null) this.done.set(id, encodeId('Email', row.email));
    return refused;
  }

  /** The one change there is: `undoStatus` to `canceled`, while it is pending. What stays as it is may be named. */
  async #cancel(row: SubmissionRow, patch: Json): Promise<SetError | null> {
    const current = submissionObject(row);
    const patched = applyPatch(current, patch);
    if ('error' in patched) return patched.error;
    const changed = Object.keys(patched.value).filter((name) => !isSameJson(own(patched.value, name), own(current, name)));
    const fixed = changed.filter((name) => name !== 'undoStatus');
    if (fixed.length > 0) return invalidProperties(fixed, 'only undoStatus may change');
    if (changed.length === 0) return null;
    if (patched.value.undoStatus !== 'canceled') return invalidProperties(['undoStatus'], 'may only become canceled');
    const canceled = await this.#context.mail.updateSubmission(row.id, { undoStatus: 'canceled', dueAt: null }, 'pending');
    return canceled ? null : { type: 'cannotUnsend' };
  }
}
