/** Mailbox/query (RFC 8621 §2.3). */
import { encodeId } from '../../../shared/jmap/ids.ts';
import { MAILBOX_SORTS, queryMailboxes, readMailboxCondition } from '../../../shared/jmap/mailbox/query.ts';
import { cutWindow, QUERY_FIELDS, queryAnswer, queryWindow, readFilter, readSort } from '../../../shared/jmap/query.ts';
import { optional, readArguments, readBoolean } from '../../../shared/jmap/readers.ts';
import type { Method } from '../context.ts';

const FIELDS = { ...QUERY_FIELDS, sortAsTree: optional(readBoolean, false), filterAsTree: optional(readBoolean, false) };

export const mailboxQuery: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const query = readArguments(args, FIELDS);
  const filter = readFilter(query.filter, readMailboxCondition);
  const sort = readSort(query.sort, MAILBOX_SORTS);
  const { Mailbox: state } = await context.states();
  const ids = queryMailboxes(await context.mail.mailboxes(), filter, sort, query).map((id) => encodeId('Mailbox', id));
  const window = queryWindow(query);
  return queryAnswer(accountId, state, window, cutWindow(ids, window), true);
};
