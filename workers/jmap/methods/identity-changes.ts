/** Identity/changes (RFC 8621 §6.2). */
import { changesAnswer, readChanges } from '../../../shared/jmap/changes.ts';
import type { Method } from '../context.ts';

export const identityChanges: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { sinceState, maxChanges } = readChanges(args);
  return changesAnswer(accountId, 'Identity', sinceState, await context.mail.identityChanges(sinceState, maxChanges));
};
