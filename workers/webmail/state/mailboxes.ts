/** The folders (JMAP mailboxes, RFC 8621 §2), their order, and the one that is open. */
import { computed, signal } from '@preact/signals';
import type { Call, GetAnswer, SetAnswer } from '../jmap/client.ts';
import { RequestFailure } from '../jmap/client.ts';
import type { Id, Mailbox } from '../jmap/types.ts';
import { en, type MessageKey } from '../text/en.ts';
import { t } from '../text/messages.ts';
import { route } from './route.ts';
import { jmap } from './session.ts';

const ROLE_ORDER = ['inbox', 'flagged', 'important', 'drafts', 'sent', 'archive', 'junk', 'trash', 'all'];
/** A tree deeper than this is drawn no further in: the column is 220 px wide. */
const DEPTH_SHOWN_MAX = 4;

export const mailboxes = signal<Mailbox[]>([]);
export const MAILBOX_CALL: Call = ['Mailbox/get', { ids: null }, 'mailboxes'];

export interface FolderRow {
  mailbox: Mailbox;
  depth: number;
}

/** Folders as the column shows them: those with a role first, then the rest by name, children below their parent. */
export const folderRows = computed(() => orderFolders(mailboxes.value));

/** The folder that is open; undefined while searching or before folders are known. */
export const currentMailbox = computed<Mailbox | undefined>(() => {
  const { folder, search } = route.value;
  if (search !== null) return undefined;
  return folder === null ? byRole('inbox') : mailboxes.value.find(({ id }) => id === folder);
});

export function byRole(role: string): Mailbox | undefined {
  return mailboxes.value.find((mailbox) => mailbox.role === role);
}

export function takeMailboxes(answer: GetAnswer<Mailbox>): void {
  mailboxes.value = answer.list;
}

/** Folders with a role are named in the reader's language, unless they were renamed. */
export function folderName({ role, name }: Mailbox): string {
  const key = `folder.${role}` as MessageKey;
  return role !== null && key in en && en[key].toLowerCase() === name.toLowerCase() ? t(key) : name;
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

/** Makes a folder at the top level; the answer is its id. Throws RequestFailure. */
export async function createFolder(name: string): Promise<Id> {
  const answers = await jmap().send([['Mailbox/set', { create: { new: { name, parentId: null } } }, 'set'], MAILBOX_CALL]);
  const set = answers.get<SetAnswer>('set');
  const refused = set.notCreated?.new;
  if (refused) throw new RequestFailure('refused', refused.type, refused.description);
  takeMailboxes(answers.get(MAILBOX_CALL[2]));
  return set.created?.new?.id ?? '';
}
