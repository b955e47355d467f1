/** Email/changes (RFC 8621 §4.3). */
import { changesAnswer, readChanges } from '../../../shared/jmap/changes.ts';
import type { Method } from '../context.ts';

export const emailChanges: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { sinceState, maxChanges } = readChanges(args);
  return changesAnswer(accountId, 'Email', sinceState, await context.mail.emailChanges(sinceState, maxChanges));
};
