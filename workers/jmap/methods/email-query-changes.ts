/**
 * Email/queryChanges (RFC 8621 §4.5). Answered with `cannotCalculateChanges`, as §5.6 of RFC 8620 allows;
 * Email/query says so beforehand by `canCalculateChanges: false`, and clients query again.
 */
import { MethodError } from '../../../shared/jmap/errors.ts';
import type { Method } from '../context.ts';

export const emailQueryChanges: Method = async (args, context) => {
  context.accountId(args);
  throw new MethodError('cannotCalculateChanges');
};
