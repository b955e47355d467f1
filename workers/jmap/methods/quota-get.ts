/** Quota/get (RFC 9425 §4.1): the figures by which delivery and APPEND decide. */
import { getAnswer, pick, readGet } from '../../../shared/jmap/get.ts';
import { QUOTA_PROPERTIES, quotaObjects } from '../../../shared/jmap/quota.ts';
import type { Method } from '../context.ts';

export const quotaGet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { ids, properties } = readGet(args, QUOTA_PROPERTIES);
  const { Quota: state } = await context.states();
  const quotas = quotaObjects(await context.mail.usage(), context.using).filter(({ id }) => ids === null || ids.includes(String(id)));
  return getAnswer(accountId, state, ids, new Map(quotas.map((quota) => [String(quota.id), pick(quota, properties)])));
};
