/**
 * What a client knows of the account's mailboxes, and how it differs from what they are now: the events of RFC 5465 §5 are read off
 * two such pictures. So nothing queues up however much happens, and a slow reader is told the end of it.
 */
import type { Mailbox, MailboxStatus, Metadata, Session } from '../session.ts';

export interface Known {
  mailbox: Mailbox;
  /** HIGHESTMODSEQ: while it stands still no message changed. */
  clock: number;
  /** Null: never looked at. */
  status: MailboxStatus | null;
  metadata: Metadata;
}
/** By mailbox id. */
export type Snapshot = Map<string, Known>;

export interface Difference {
  created: Mailbox[];
  destroyed: Mailbox[];
  /** Without those that only moved along with the mailbox above them. */
  renamed: { before: Mailbox; after: Mailbox }[];
  /** Children came or went. */
  parents: Mailbox[];
  subscribed: Mailbox[];
  /** Messages changed. */
  messages: { before: Known; after: Mailbox }[];
  /** Names of annotations that were set or removed. */
  annotated: { mailbox: Mailbox; entries: string[] }[];
}

export function takeSnapshot(session: Session, before: Snapshot = new Map()): Snapshot {
  return new Map(
    session.mailboxes().map((mailbox) => {
      const clock = session.clock(mailbox);
      const known = before.get(mailbox.id);
      const status = known?.clock === clock ? known.status : null;
      return [mailbox.id, { mailbox, clock, status, metadata: session.metadata(mailbox) }];
    }),
  );
}

export function compare(before: Snapshot, after: Snapshot): Difference {
  const difference: Difference = { created: [], destroyed: [], renamed: [], parents: [], subscribed: [], messages: [], annotated: [] };
  for (const [id, known] of before) if (!after.has(id)) difference.destroyed.push(known.mailbox);
  for (const [id, now] of after) {
    const old = before.get(id);
    if (old) compareOne(difference, old, now);
    else difference.created.push(now.mailbox);
  }
  const moved = new Map(difference.renamed.map(({ before, after }) => [before.name, after.name]));
  difference.renamed = difference.renamed.filter(({ before, after }) => !movedAlong(before.name, after.name, moved));
  return difference;
}

function compareOne(difference: Difference, old: Known, now: Known): void {
  const { mailbox } = now;
  if (old.mailbox.name !== mailbox.name) difference.renamed.push({ before: old.mailbox, after: mailbox });
  else if (old.mailbox.hasChildren !== mailbox.hasChildren) difference.parents.push(mailbox);
  if (old.mailbox.subscribed !== mailbox.subscribed) difference.subscribed.push(mailbox);
  if (old.clock !== now.clock) difference.messages.push({ before: old, after: mailbox });
  const entries = changedEntries(old.metadata, now.metadata);
  if (entries.length > 0) difference.annotated.push({ mailbox, entries });
}

/** RFC 5465 §5.4: no event of its own for a child of what was renamed. */
function movedAlong(before: string, after: string, moved: ReadonlyMap<string, string>): boolean {
  for (let at = before.lastIndexOf('/'); at > 0; at = before.lastIndexOf('/', at - 1)) {
    const target = moved.get(before.slice(0, at));
    if (target !== undefined && after === target + before.slice(at)) return true;
  }
  return false;
}

export function changedEntries(before: Metadata, after: Metadata): string[] {
  if (before === after) return [];
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name)).sort();
}
