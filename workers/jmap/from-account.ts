/** The account a /copy reads from (RFC 8620 §5.4, §6.3): it must be another one, and a caller of ours has only one. */
import { MethodError } from '../../shared/jmap/errors.ts';

/** Always throws: `invalidArguments` for the account itself, `fromAccountNotFound` for any other. */
export function refuseFromAccount(fromAccountId: string, accountId: string): never {
  if (fromAccountId === accountId)
    throw new MethodError('invalidArguments', 'fromAccountId must be another account', { arguments: ['fromAccountId'] });
  throw new MethodError('fromAccountNotFound');
}
