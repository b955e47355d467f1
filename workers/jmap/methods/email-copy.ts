/** Email/copy (RFC 8621 §4.7). A caller has one account, so there is none to copy from; which error says so is RFC 8620 §5.4's. */
import {
  mapOf,
  nullable,
  optional,
  readArguments,
  readBoolean,
  readCreationId,
  readId,
  readObject,
  readString,
} from '../../../shared/jmap/readers.ts';
import type { Method } from '../context.ts';
import { refuseFromAccount } from '../from-account.ts';

const FIELDS = {
  fromAccountId: readId,
  ifFromInState: nullable(readString),
  accountId: readId,
  ifInState: nullable(readString),
  create: mapOf(readObject, readCreationId),
  onSuccessDestroyOriginal: optional(readBoolean, false),
  destroyFromIfInState: nullable(readString),
};

export const emailCopy: Method = async (args, context) => {
  const { fromAccountId } = readArguments(args, FIELDS);
  return refuseFromAccount(fromAccountId, context.accountId(args));
};
