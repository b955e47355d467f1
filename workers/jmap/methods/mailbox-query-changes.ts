/**
 * Mailbox/queryChanges (RFC 8621 §2.4): whatever changed is taken out of the client's list and put back where it belongs now,
 * which RFC 8620 §5.6 asks for when filter and sort are on properties that change. Those that did not change keep their order
 * among themselves; in a tree that is so when none of their parents changed, so children go with what changed above them.
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
  const { rows, changes } = await readAtOneState(context, read.sinceQueryState);
  const ids = queryMailboxes(rows, filter, sort, read).map((id) => encodeId('Mailbox', id));
  const wire = (list: number[]) => list.map((id) => encodeId('Mailbox', id));
  const changed = changes.beyondCounts ?? changes.updated;
  const moved = read.sortAsTree || read.filterAsTree ? withDescendants(changed, changes.created, rows) : changed;
  const change = { removed: wire([...moved, ...changes.destroyed]), added: wire([...changes.created, ...moved]) };
  return queryChangesAnswer(accountId, read, { ...change, ids, newState: changes.newState });
};

/** The changed ones and all below them, without those that are new to the client. No count is filtered or sorted by. */
function withDescendants(changed: readonly number[], created: readonly number[], rows: readonly MailboxRow[]): number[] {
  const children = Map.groupBy(rows, (row) => row.parent);
  const moved = new Set(changed);
  // A Set is walked with what is added meanwhile. What hangs below a new mailbox was moved there, so it changed itself.
  for (const id of moved) for (const child of children.get(id) ?? []) moved.add(child.id);
  return [...moved].filter((id) => !created.includes(id));
}

/** The mailboxes and what changed among them, both as of one state: positions of one in the other would be wrong otherwise. */
async function readAtOneState({ mail }: JmapContext, since: string): Promise<{ rows: MailboxRow[]; changes: TypeChanges }> {
  const { Mailbox: state } = await mail.states();
  const rows = await mail.mailboxes();
  const changes = await mail.mailboxChanges(since, CHANGED_MAX);
  if (changes === null || changes.hasMore || changes.newState !== state) throw new MethodError('cannotCalculateChanges');
  return { rows, changes };
}
