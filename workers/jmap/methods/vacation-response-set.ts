/** VacationResponse/set (RFC 8621 §8.2): the one there is can be changed, neither made nor destroyed. */
import { isSameJson } from '../../../shared/jmap/equal.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { applyPatch } from '../../../shared/jmap/patch.ts';
import { readArguments } from '../../../shared/jmap/readers.ts';
import { boundedSet, SET_FIELDS, SetOutcome } from '../../../shared/jmap/set.ts';
import { readVacationUpdate, VACATION_ID, vacationObject } from '../../../shared/jmap/vacation.ts';
import type { JmapContext, Method } from '../context.ts';

const SINGLETON: SetError = { type: 'singleton', description: 'an account has one vacation response, always' };

export const vacationResponseSet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const set = boundedSet(readArguments(args, SET_FIELDS), context.createdIds);
  const { VacationResponse: oldState } = await context.states();
  if (set.ifInState !== null && set.ifInState !== oldState) throw new MethodError('stateMismatch');
  const outcome = new SetOutcome();
  for (const key of set.create.keys()) outcome.notCreated.set(key, SINGLETON);
  for (const [id, patch] of set.update) {
    const refused = id === VACATION_ID ? await update(context, patch) : ({ type: 'notFound' } as const);
    if (refused) outcome.notUpdated.set(id, refused);
    else outcome.updated.set(id, null);
  }
  for (const id of set.destroy) outcome.notDestroyed.set(id, id === VACATION_ID ? SINGLETON : { type: 'notFound' });
  context.wrote();
  return outcome.answer(accountId, oldState, (await context.states()).VacationResponse);
};

async function update({ mail }: JmapContext, patch: Json): Promise<SetError | null> {
  const current = vacationObject(await mail.vacation());
  const patched = applyPatch(current, patch);
  if ('error' in patched) return patched.error;
  const vacation = readVacationUpdate(patched.value, current);
  if ('type' in vacation) return vacation;
  // The state moves only with the data (RFC 8620 §5.1).
  if (!isSameJson(vacationObject(vacation), current)) await mail.setVacation(vacation);
  return null;
}
