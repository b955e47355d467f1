/** The folders (JMAP mailboxes, RFC 8621 §2), their order, and the one that is open. */
import { computed, signal } from '@preact/signals';
import type { Call, GetAnswer, SetAnswer } from '../jmap/client.ts';
import { RequestFailure } from '../jmap/client.ts';
import type { Id, Mailbox } from '../jmap/types.ts';
import { en, type MessageKey } from '../text/en.ts';
import { t } from '../text/messages.ts';
import { orderFolders } from './folder-order.ts';
import { route } from './route.ts';
import { jmap } from './session.ts';

export const mailboxes = signal<Mailbox[]>([]);
export const MAILBOX_CALL: Call = ['Mailbox/get', { ids: null }, 'mailboxes'];

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

/** Makes a folder at the top level; the answer is its id. Throws RequestFailure. */
export async function createFolder(name: string): Promise<Id> {
  const answers = await jmap().send([['Mailbox/set', { create: { new: { name, parentId: null } } }, 'set'], MAILBOX_CALL]);
  const set = answers.get<SetAnswer>('set');
  const refused = set.notCreated?.new;
  if (refused) throw new RequestFailure('refused', refused.type, refused.description);
  takeMailboxes(answers.get(MAILBOX_CALL[2]));
  return set.created?.new?.id ?? '';
}
