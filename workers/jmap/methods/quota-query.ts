/** Quota/query (RFC 9425 §4.4). */
import { cutWindow, QUERY_FIELDS, queryAnswer, queryWindow, readFilter, readSort } from '../../../shared/jmap/query.ts';
import { QUOTA_SORTS, queryQuotas, quotaObjects, readQuotaCondition } from '../../../shared/jmap/quota.ts';
import { readArguments } from '../../../shared/jmap/readers.ts';
import type { Method } from '../context.ts';

export const quotaQuery: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, QUERY_FIELDS);
  const filter = readFilter(read.filter, readQuotaCondition);
  const sort = readSort(read.sort, QUOTA_SORTS);
  const { Quota: state } = await context.states();
  const ids = queryQuotas(quotaObjects(await context.mail.usage(), context.using), filter, sort);
  const window = queryWindow(read);
  return queryAnswer(accountId, state, window, cutWindow(ids, window), true);
};
