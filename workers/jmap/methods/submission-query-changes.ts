/** EmailSubmission/queryChanges (RFC 8621 §7.4): only `undoStatus` ever changes, so most of it is what was created since. */
import type { Json } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { encodeId } from '../../../shared/jmap/ids.ts';
import { QUERY_CHANGES_FIELDS, readFilter } from '../../../shared/jmap/query.ts';
import { readArguments } from '../../../shared/jmap/readers.ts';
import { readSubmissionCondition, readSubmissionSort } from '../../../shared/jmap/submission.ts';
import type { Method } from '../context.ts';

export const submissionQueryChanges: Method = async (args, context): Promise<Json> => {
  const accountId = context.accountId(args);
  const { filter, sort, sinceQueryState, maxChanges, calculateTotal } = readArguments(args, QUERY_CHANGES_FIELDS);
  const list = { filter: readFilter(filter, readSubmissionCondition), sort: readSubmissionSort(sort) };
  const changes = await context.mail.submissionListChanges(list, sinceQueryState, calculateTotal);
  if (changes === null) throw new MethodError('cannotCalculateChanges');
  const { removed, added, newState, total } = changes;
  if (maxChanges !== null && removed.length + added.length > maxChanges) throw new MethodError('tooManyChanges');
  const wire = (id: number) => encodeId('EmailSubmission', id);
  return {
    accountId,
    oldQueryState: sinceQueryState,
    newQueryState: newState,
    removed: removed.map(wire),
    added: added.map(({ id, index }) => ({ id: wire(id), index })),
    ...(total === undefined ? {} : { total }),
  };
};
