/** The order of folders in the column: those with a role first, then by name, children below their parent; pure. */
import type { Id, Mailbox } from '../jmap/types.ts';

const ROLE_ORDER = ['inbox', 'flagged', 'important', 'drafts', 'sent', 'archive', 'junk', 'trash', 'all'];
/** A tree deeper than this is drawn no further in: the column is 220 px wide. */
const DEPTH_SHOWN_MAX = 4;

export interface FolderRow {
  mailbox: Mailbox;
  depth: number;
}

export function orderFolders(all: Mailbox[]): FolderRow[] {
  const rank = ({ role }: Mailbox) => (role === null || !ROLE_ORDER.includes(role) ? ROLE_ORDER.length : ROLE_ORDER.indexOf(role));
  const sorted = [...all].sort((a, b) => rank(a) - rank(b) || a.sortOrder - b.sortOrder || a.name.localeCompare(b.name));
  const known = new Set(all.map(({ id }) => id));
  const rows: FolderRow[] = [];
  const add = (parent: Id | null, depth: number) => {
    for (const mailbox of sorted) {
      if ((mailbox.parentId !== null && known.has(mailbox.parentId) ? mailbox.parentId : null) !== parent) continue;
      rows.push({ mailbox, depth: Math.min(depth, DEPTH_SHOWN_MAX) });
      if (rows.length <= all.length) add(mailbox.id, depth + 1);
    }
  };
  add(null, 0);
  return rows;
}
