/** Quota/changes (RFC 9425 §4.2): mostly only how much is used, which `updatedProperties` says. */
import { readChanges } from '../../../shared/jmap/changes.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { QUOTA_ID } from '../../../shared/jmap/quota.ts';
import type { Method } from '../context.ts';

export const quotaChanges: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { sinceState } = readChanges(args);
  const changes = await context.mail.quotaChanges(sinceState);
  if (changes === null) throw new MethodError('cannotCalculateChanges');
  const { change, onlyUsed, newState } = changes;
  const ids = (wanted: typeof change) => (change === wanted ? [QUOTA_ID] : []);
  return {
    accountId,
    oldState: sinceState,
    newState,
    hasMoreChanges: false,
    created: ids('created'),
    updated: ids('updated'),
    destroyed: ids('destroyed'),
    updatedProperties: change === 'updated' && onlyUsed ? ['used'] : null,
  };
};
