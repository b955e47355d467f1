/**
 * Mailbox/queryChanges (RFC 8621 §2.4). Answered with `cannotCalculateChanges`, as §5.6 of RFC 8620 allows;
 * Mailbox/query says so beforehand by `canCalculateChanges: false`, and clients query again.
 */
import { MethodError } from '../../../shared/jmap/errors.ts';
import type { Method } from '../context.ts';

export const mailboxQueryChanges: Method = async (args, context) => {
  context.accountId(args);
  throw new MethodError('cannotCalculateChanges');
};
