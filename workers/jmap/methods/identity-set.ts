/**
 * Identity/set (RFC 8621 §6.3). An identity may be made for any address the account may write as; the one that every address of
 * the account has stays.
 */
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties, MethodError, rateLimit } from '../../../shared/jmap/errors.ts';
import { identityObject, readIdentityCreation, readIdentityUpdate } from '../../../shared/jmap/identity.ts';
import { encodeId } from '../../../shared/jmap/ids.ts';
import { applyPatch } from '../../../shared/jmap/patch.ts';
import { readArguments } from '../../../shared/jmap/readers.ts';
import { boundedSet, realId, SET_FIELDS, SetOutcome } from '../../../shared/jmap/set.ts';
import { ensureIdentities } from '../../outbound/identities.ts';
import { openDirectory } from '../../store/directory/index.ts';
import type { IdentityRow } from '../../store/mail/types.ts';
import type { JmapContext, Method } from '../context.ts';

/** Records one call works on: each is two queries or more, of the 50 a request may make. The rest is `rateLimit`. */
const RECORDS_MAX = 8;
/** Identities of one account: all are read whenever one is asked for. */
const IDENTITIES_MAX = 100;

/** An identity as it stands, and whether a client may destroy it. */
interface Known {
  row: IdentityRow;
  mayDelete: boolean;
}

export const identitySet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const set = boundedSet(readArguments(args, SET_FIELDS), context.createdIds);
  const known = await ensureIdentities(context.env, context.mail);
  context.wrote();
  const { Identity: oldState } = await context.states();
  if (set.ifInState !== null && set.ifInState !== oldState) throw new MethodError('stateMismatch');
  const outcome = new SetOutcome();
  const identities = new Map(known.map((each): [string, Known] => [encodeId('Identity', each.row.id), each]));
  let records = 0;
  /** Does the work for a record, or leaves it to the next call. */
  const attempt = async <T>(work: () => Promise<T | SetError>): Promise<T | SetError> =>
    ++records <= RECORDS_MAX ? work() : rateLimit(RECORDS_MAX);
  for (const [key, record] of set.create) {
    const made = await attempt(() => create(context, identities, record));
    if (isRefusal(made)) outcome.notCreated.set(key, made);
    else {
      context.createdIds.set(key, String(made.id));
      outcome.created.set(key, made);
    }
  }
  const doomed = set.destroy.map((id) => realId(id, context.createdIds));
  for (const [key, patch] of set.update) {
    const id = realId(key, context.createdIds);
    const willDestroy: SetError | null = doomed.includes(id) ? { type: 'willDestroy' } : null;
    const refusal = willDestroy ?? (await attempt(() => update(context, identities.get(id), patch)));
    if (refusal) outcome.notUpdated.set(key, refusal);
    else outcome.updated.set(key, null);
  }
  for (const id of doomed) {
    const refusal = await attempt(() => destroy(context, identities.get(id)));
    if (refusal) outcome.notDestroyed.set(id, refusal);
    else outcome.destroyed.push(id);
  }
  context.wrote();
  return outcome.answer(accountId, oldState, (await context.states()).Identity);
};

function isRefusal(made: Json | SetError): made is SetError {
  return 'type' in made;
}

/** Makes one; answers what the client does not know of it. */
async function create(context: JmapContext, identities: Map<string, Known>, record: Json): Promise<Json | SetError> {
  const draft = readIdentityCreation(record);
  if ('type' in draft) return draft;
  if (!(await openDirectory(context.env).maySendAs(context.account.id, [draft.email])))
    return { type: 'forbiddenFrom', description: `${draft.email} is not an address of this account` };
  if (identities.size >= IDENTITIES_MAX) return { type: 'overQuota', description: `at most ${IDENTITIES_MAX} identities` };
  const row = { ...draft, id: await context.mail.setIdentity(draft) };
  const object = identityObject(row, true);
  identities.set(String(object.id), { row, mayDelete: true });
  return Object.fromEntries(
    Object.entries(object).filter(([name, value]) => record[name] == null || (name === 'email' && record.email !== value)),
  );
}

async function update({ mail }: JmapContext, known: Known | undefined, patch: Json): Promise<SetError | null> {
  if (!known) return { type: 'notFound' };
  const current = identityObject(known.row, known.mayDelete);
  const patched = applyPatch(current, patch);
  if ('error' in patched) return patched.error;
  const draft = readIdentityUpdate(patched.value, current);
  if ('type' in draft) return draft;
  if (draft.email !== known.row.email) return invalidProperties(['email'], 'the address cannot be changed');
  return (await mail.setIdentity({ ...draft, id: known.row.id })) > 0 ? null : { type: 'notFound' };
}

async function destroy({ mail }: JmapContext, known: Known | undefined): Promise<SetError | null> {
  if (!known) return { type: 'notFound' };
  if (!known.mayDelete) return { type: 'forbidden', description: 'every address of the account keeps an identity' };
  return (await mail.destroyIdentity(known.row.id)) ? null : { type: 'notFound' };
}
