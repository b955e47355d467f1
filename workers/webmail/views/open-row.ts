/** Opening a row of the list: a conversation is read, a lone draft is gone on with. */
import type { Id } from '../jmap/types.ts';
import { editDraft } from '../state/compose.ts';
import { emailOf, emailsOfRow } from '../state/emails.ts';
import { currentMailbox } from '../state/mailboxes.ts';
import { formatRoute } from '../state/place.ts';
import { go, route } from '../state/route.ts';

export function openRow(emailId: Id): void {
  const email = emailOf(emailId);
  if (!email) return;
  const drafts = currentMailbox.value?.role === 'drafts';
  if (drafts) void editDraft(newestDraft(email.threadId) ?? emailId);
  else go({ thread: email.threadId }, route.value.thread !== null);
}

/** The address of a row's conversation, for the link. */
export function rowHref(threadId: Id): string {
  return formatRoute({ ...route.value, thread: threadId });
}

function newestDraft(threadId: Id): Id | undefined {
  return emailsOfRow(threadId, currentMailbox.value?.id).findLast(({ keywords }) => keywords.$draft)?.id;
}
