/** EmailSubmission/changes (RFC 8621 §7.2). */
import { changesAnswer, readChanges } from '../../../shared/jmap/changes.ts';
import type { Method } from '../context.ts';

export const submissionChanges: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { sinceState, maxChanges } = readChanges(args);
  return changesAnswer(accountId, 'EmailSubmission', sinceState, await context.mail.submissionChanges(sinceState, maxChanges));
};
