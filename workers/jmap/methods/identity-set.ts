/**
 * Identity/set (RFC 8621 §6.3). An identity may be made for any address the account may write as; the one that every address of
 * the account has stays. Creations are one batch, updates and destructions together another.
 */
import { isSameJson } from '../../../shared/jmap/equal.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties, MethodError } from '../../../shared/jmap/errors.ts';
import type { IdentityDraft } from '../../../shared/jmap/identity.ts';
import { identityObject, readIdentityCreation, readIdentityUpdate } from '../../../shared/jmap/identity.ts';
import { encodeId } from '../../../shared/jmap/ids.ts';
import { applyPatch } from '../../../shared/jmap/patch.ts';
import { readArguments } from '../../../shared/jmap/readers.ts';
import { boundedSet, realId, realUpdates, SET_FIELDS, SetOutcome } from '../../../shared/jmap/set.ts';
import { ensureIdentities } from '../../outbound/identities.ts';
import { openDirectory } from '../../store/directory/index.ts';
import type { Recipient } from '../../store/directory/types.ts';
import type { IdentityRow } from '../../store/mail/types.ts';
import type { JmapContext, Method } from '../context.ts';

/** Identities of one account: all are read whenever one is asked for. */
const IDENTITIES_MAX = 100;
const TOO_MANY: SetError = { type: 'overQuota', description: `at most ${IDENTITIES_MAX} identities` };

/** An identity as it stands, and whether a client may destroy it. */
interface Known {
  row: IdentityRow;
  mayDelete: boolean;
}

/** A creation that was read: what the client wrote, and what it means. */
interface Creation {
  key: string;
  record: Json;
  draft: IdentityDraft;
}

/** One Identity/set while it runs. */
interface Work {
  context: JmapContext;
  outcome: SetOutcome;
  /** By wire id, as they will be. */
  identities: Map<string, Known>;
  /** Guards the first batch; what follows is this call's own doing. */
  ifInState: string | null;
}

export const identitySet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const set = boundedSet(readArguments(args, SET_FIELDS), context.createdIds);
  const known = await ensureIdentities(context.env, context.mail);
  context.wrote();
  const { Identity: oldState } = await context.states();
  if (set.ifInState !== null && set.ifInState !== oldState) throw new MethodError('stateMismatch');
  const identities = new Map(known.map((each): [string, Known] => [encodeId('Identity', each.row.id), each]));
  const work: Work = { context, outcome: new SetOutcome(), identities, ifInState: set.ifInState };
  await createAll(work, set.create);
  await changeAll(work, set.update, new Set(set.destroy.map((id) => realId(id, context.createdIds))));
  context.wrote();
  return work.outcome.answer(accountId, oldState, (await context.states()).Identity);
};

async function createAll(work: Work, records: ReadonlyMap<string, Json>): Promise<void> {
  const { context, outcome, identities } = work;
  const read: Creation[] = [];
  for (const [key, record] of records) {
    const draft = readIdentityCreation(record);
    if ('type' in draft) outcome.notCreated.set(key, draft);
    else read.push({ key, record, draft });
  }
  const mayWriteAs = await ownAddresses(context, read);
  const creations = read.filter(({ key, draft }, at) => {
    const refusal = mayWriteAs(draft.email) ?? (identities.size + at < IDENTITIES_MAX ? null : TOO_MANY);
    if (refusal) outcome.notCreated.set(key, refusal);
    return refusal === null;
  });
  const { created } = await context.mail.changeIdentities({ create: creations.map(({ draft }) => draft) }, work.ifInState);
  if (creations.length > 0) work.ifInState = null;
  creations.forEach(({ key, record, draft }, at) => {
    const row = { ...draft, id: created[at] ?? 0 };
    const id = encodeId('Identity', row.id);
    identities.set(id, { row, mayDelete: true });
    context.createdIds.set(key, id);
    outcome.created.set(key, unsent(identityObject(row, true), record));
  });
}

/** Why an address may not be written as; the directory is asked once for all. Who receives an address may write as it. */
async function ownAddresses({ env, account }: JmapContext, creations: readonly Creation[]): Promise<(email: string) => SetError | null> {
  const emails = creations.map(({ draft }) => draft.email);
  const recipients = emails.length === 0 ? new Map<string, Recipient>() : await openDirectory(env).resolve(emails);
  return (email) => {
    const recipient = recipients.get(email);
    const isOwn = recipient?.status === 'deliverable' && recipient.account.id === account.id;
    return isOwn ? null : { type: 'forbiddenFrom', description: `${email} is not an address of this account` };
  };
}

/** What the client does not know of an identity it made: what it left out, and an address that was normalised. */
function unsent(object: Json, record: Json): Json {
  const isNews = (name: string, value: unknown) => record[name] == null || (name === 'email' && record.email !== value);
  return Object.fromEntries(Object.entries(object).filter(([name, value]) => isNews(name, value)));
}

async function changeAll(work: Work, patches: ReadonlyMap<string, Json>, doomed: ReadonlySet<string>): Promise<void> {
  const { context, outcome, identities } = work;
  const update = new Map<string, IdentityRow>();
  for (const [id, patch] of realUpdates(patches, context.createdIds)) {
    const known = identities.get(id);
    const row = known && doomed.has(id) ? ({ type: 'willDestroy' } as const) : patched(known, patch);
    if ('type' in row) outcome.notUpdated.set(id, row);
    // The state moves only with the data (RFC 8620 §5.1).
    else if (known && isSameJson(row, known.row)) outcome.updated.set(id, null);
    else {
      update.set(id, row);
      identities.set(id, { row, mayDelete: known?.mayDelete ?? true });
    }
  }
  const destroy = new Map<string, IdentityRow>();
  for (const id of doomed) {
    const row = destroyable(identities.get(id));
    if ('type' in row) outcome.notDestroyed.set(id, row);
    else destroy.set(id, row);
  }
  // Of two patches of one identity, under its id and its creation id, the later holds the earlier.
  const change = { update: [...update.values()], destroy: [...destroy.values()].map(({ id }) => id) };
  const { changed } = await context.mail.changeIdentities(change, work.ifInState);
  for (const [id, row] of update) {
    if (changed.has(row.id)) outcome.updated.set(id, null);
    else outcome.notUpdated.set(id, { type: 'notFound' });
  }
  for (const [id, row] of destroy) {
    if (changed.has(row.id)) outcome.destroyed.push(id);
    else outcome.notDestroyed.set(id, { type: 'notFound' });
  }
}

function patched(known: Known | undefined, patch: Json): IdentityRow | SetError {
  if (!known) return { type: 'notFound' };
  const current = identityObject(known.row, known.mayDelete);
  const result = applyPatch(current, patch);
  if ('error' in result) return result.error;
  const draft = readIdentityUpdate(result.value, current);
  if ('type' in draft) return draft;
  if (draft.email !== known.row.email) return invalidProperties(['email'], 'the address cannot be changed');
  return { ...draft, id: known.row.id };
}

function destroyable(known: Known | undefined): IdentityRow | SetError {
  if (!known) return { type: 'notFound' };
  return known.mayDelete ? known.row : { type: 'forbidden', description: 'every address of the account keeps an identity' };
}
