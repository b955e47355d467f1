/** What the store answers to an operation, in JMAP's words (RFC 8620 §5.3, RFC 8621 §2.5, §4.6). */
import type { SetError } from '../../shared/jmap/errors.ts';
import type { OperationError, OperationResult } from '../../shared/protocol.ts';

const SET_ERRORS: Record<OperationError, SetError['type']> = {
  notFound: 'notFound',
  alreadyExists: 'alreadyExists',
  mailboxHasChild: 'mailboxHasChild',
  mailboxHasEmail: 'mailboxHasEmail',
  forbidden: 'forbidden',
  overQuota: 'overQuota',
  blobNotFound: 'blobNotFound',
  tooLarge: 'tooLarge',
  invalid: 'invalidProperties',
};

/** The SetError of an operation that failed; null when it did not. A missing result is a failure of ours. */
export function operationError(result: OperationResult | undefined): SetError | null {
  if (result === undefined) return { type: 'serverFail' };
  if (result.ok) return null;
  const error: SetError = { type: SET_ERRORS[result.error] };
  if (result.description !== undefined) error.description = result.description;
  return error;
}
