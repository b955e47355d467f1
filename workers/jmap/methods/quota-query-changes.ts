/** Quota/queryChanges (RFC 9425 §4.5): the one quota, if it changed, is taken out of the list and put back where it belongs. */
import type { Json } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { QUERY_CHANGES_FIELDS, queryChangesAnswer, readFilter, readSort } from '../../../shared/jmap/query.ts';
import { QUOTA_ID, QUOTA_SORTS, queryQuotas, quotaObjects, readQuotaCondition } from '../../../shared/jmap/quota.ts';
import { readArguments } from '../../../shared/jmap/readers.ts';
import type { Method } from '../context.ts';

export const quotaQueryChanges: Method = async (args, context): Promise<Json> => {
  const accountId = context.accountId(args);
  const read = readArguments(args, QUERY_CHANGES_FIELDS);
  const filter = readFilter(read.filter, readQuotaCondition);
  const sort = readSort(read.sort, QUOTA_SORTS);
  const changes = await context.mail.quotaChanges(read.sinceQueryState);
  if (changes === null) throw new MethodError('cannotCalculateChanges');
  const { change, newState } = changes;
  const ids = queryQuotas(quotaObjects(await context.mail.usage(), context.using), filter, sort);
  const removed = change === 'updated' || change === 'destroyed' ? [QUOTA_ID] : [];
  const added = change === 'updated' || change === 'created' ? [QUOTA_ID] : [];
  return queryChangesAnswer(accountId, read, { ids, removed, added, newState });
};
