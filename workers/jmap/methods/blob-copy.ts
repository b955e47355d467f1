/** Blob/copy (RFC 8620 §6.3). A caller has one account, so there is none to copy from. */
import { arrayOf, readArguments, readId } from '../../../shared/jmap/readers.ts';
import type { Method } from '../context.ts';
import { refuseFromAccount } from '../from-account.ts';

const FIELDS = { fromAccountId: readId, accountId: readId, blobIds: arrayOf(readId) };

export const blobCopy: Method = async (args, context) => {
  const { fromAccountId } = readArguments(args, FIELDS);
  return refuseFromAccount(fromAccountId, context.accountId(args));
};
