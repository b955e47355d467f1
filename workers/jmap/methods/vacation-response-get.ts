/** VacationResponse/get (RFC 8621 §8.1): there is exactly one, set or not. */
import { getAnswer, pick, readGet } from '../../../shared/jmap/get.ts';
import { VACATION_ID, VACATION_PROPERTIES, vacationObject } from '../../../shared/jmap/vacation.ts';
import type { Method } from '../context.ts';

export const vacationResponseGet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { ids, properties } = readGet(args, VACATION_PROPERTIES);
  const { VacationResponse: state } = await context.states();
  if (ids !== null && !ids.includes(VACATION_ID)) return getAnswer(accountId, state, ids, new Map());
  const object = pick(vacationObject(await context.mail.vacation()), properties);
  return getAnswer(accountId, state, ids, new Map([[VACATION_ID, object]]));
};
