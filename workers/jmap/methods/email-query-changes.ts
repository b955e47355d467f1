/** Email/queryChanges (RFC 8621 §4.5): what left, came or moved in the results of a query since its state (RFC 8620 §5.6). */
import { readEmailQuery } from '../../../shared/jmap/email/query.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import { QUERY_CHANGES_FIELDS } from '../../../shared/jmap/query.ts';
import { optional, readArguments, readBoolean } from '../../../shared/jmap/readers.ts';
import type { EmailQuery } from '../../store/mail/query/email-query.ts';
import type { Method } from '../context.ts';

const FIELDS = { ...QUERY_CHANGES_FIELDS, collapseThreads: optional(readBoolean, false) };
/** Results read at first on the way to what changed, most of which stands near the top. */
const LIMIT = 50;

export const emailQueryChanges: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, FIELDS);
  const { calculateTotal, maxChanges, sinceQueryState, upToId } = read;
  const query: EmailQuery = { ...readEmailQuery(read), position: 0, limit: LIMIT, calculateTotal };
  const upTo = upToId === null ? null : decodeId('Email', upToId);
  const changes = await context.mail.queryChanges(query, sinceQueryState, upTo);
  if (changes === null) throw new MethodError('cannotCalculateChanges');
  const { removed, added, newState, total } = changes;
  if (maxChanges !== null && removed.length + added.length > maxChanges) throw new MethodError('tooManyChanges');
  return {
    accountId,
    oldQueryState: sinceQueryState,
    newQueryState: newState,
    removed: removed.map((id) => encodeId('Email', id)),
    added: added.map(({ id, index }) => ({ id: encodeId('Email', id), index })),
    ...(total === undefined ? {} : { total }),
  };
};
