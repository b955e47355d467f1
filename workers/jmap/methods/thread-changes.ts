/** Thread/changes (RFC 8621 §3.2). */
import { changesAnswer, readChanges } from '../../../shared/jmap/changes.ts';
import type { Method } from '../context.ts';

export const threadChanges: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { sinceState, maxChanges } = readChanges(args);
  return changesAnswer(accountId, 'Thread', sinceState, await context.mail.threadChanges(sinceState, maxChanges));
};
