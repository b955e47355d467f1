/** EmailSubmission/query (RFC 8621 §7.3). */
import { MethodError } from '../../../shared/jmap/errors.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import { QUERY_FIELDS, queryAnswer, queryWindow, readFilter } from '../../../shared/jmap/query.ts';
import { readArguments } from '../../../shared/jmap/readers.ts';
import { readSubmissionCondition, readSubmissionSort } from '../../../shared/jmap/submission.ts';
import type { Method } from '../context.ts';

/** No submission has it, so as an anchor it is not found. */
const NOTHING = 0;

export const submissionQuery: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, QUERY_FIELDS);
  const window = queryWindow(read);
  const { position, anchorOffset, limit, calculateTotal } = window;
  const list = { filter: readFilter(read.filter, readSubmissionCondition), sort: readSubmissionSort(read.sort) };
  const anchor = window.anchor === null ? {} : { anchor: decodeId('EmailSubmission', window.anchor) ?? NOTHING, anchorOffset };
  const { EmailSubmission: state } = await context.states();
  const result = await context.mail.querySubmissions({ ...list, ...anchor, position, limit, calculateTotal });
  if (result === null) throw new MethodError('anchorNotFound');
  const ids = result.ids.map((id) => encodeId('EmailSubmission', id));
  return queryAnswer(accountId, state, window, { ...result, ids }, true);
};
