/**
 * Mailbox/queryChanges (RFC 8621 §2.4): whatever changed is taken out of the client's list and put back where it belongs now,
 * which RFC 8620 §5.6 asks for when filter and sort are on properties that change. Those that did not change keep their order,
 * except in a tree, where they follow their parents: there it is `cannotCalculateChanges`.
 */
import type { Json } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { encodeId } from '../../../shared/jmap/ids.ts';
import { MAILBOX_SORTS, queryMailboxes, readMailboxCondition } from '../../../shared/jmap/mailbox/query.ts';
import { QUERY_CHANGES_FIELDS, queryChangesAnswer, readFilter, readSort } from '../../../shared/jmap/query.ts';
import { optional, readArguments, readBoolean } from '../../../shared/jmap/readers.ts';
import type { MailboxRow, TypeChanges } from '../../store/mail/types.ts';
import type { JmapContext, Method } from '../context.ts';

const FIELDS = { ...QUERY_CHANGES_FIELDS, sortAsTree: optional(readBoolean, false), filterAsTree: optional(readBoolean, false) };

/** Changed mailboxes that are looked at: more than an account has. */
const CHANGED_MAX = 2000;

export const mailboxQueryChanges: Method = async (args, context): Promise<Json> => {
  const accountId = context.accountId(args);
  const read = readArguments(args, FIELDS);
  const filter = readFilter(read.filter, readMailboxCondition);
  const sort = readSort(read.sort, MAILBOX_SORTS);
  if (read.sortAsTree || read.filterAsTree) throw new MethodError('cannotCalculateChanges', 'not in a tree');
  const { rows, changes } = await readAtOneState(context, read.sinceQueryState);
  const ids = queryMailboxes(rows, filter, sort, read).map((id) => encodeId('Mailbox', id));
  const wire = (list: number[]) => list.map((id) => encodeId('Mailbox', id));
  const change = { removed: wire([...changes.updated, ...changes.destroyed]), added: wire([...changes.created, ...changes.updated]) };
  return queryChangesAnswer(accountId, read, { ...change, ids, newState: changes.newState });
};

/** The mailboxes and what changed among them, both as of one state: positions of one in the other would be wrong otherwise. */
async function readAtOneState({ mail }: JmapContext, since: string): Promise<{ rows: MailboxRow[]; changes: TypeChanges }> {
  const { Mailbox: state } = await mail.states();
  const rows = await mail.mailboxes();
  const changes = await mail.mailboxChanges(since, CHANGED_MAX);
  if (changes === null || changes.hasMore || changes.newState !== state) throw new MethodError('cannotCalculateChanges');
  return { rows, changes };
}
