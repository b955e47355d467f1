/**
 * What people do to conversations: archive, delete, move, star, mark. The page changes at once; when the
 * server refuses, it changes back and says why. Undo is the same change turned round.
 */
import { RequestFailure, type SetAnswer } from '../jmap/client.ts';
import type { EmailSummary, Id, Mailbox } from '../jmap/types.ts';
import { t, tn } from '../text/messages.ts';
import { changeEmails, type EmailChange, emailOf, emailsOfRow, emailsOfThread, isStarred, isUnread } from './emails.ts';
import { removeRows } from './listing.ts';
import { byRole, currentMailbox, folderName, MAILBOX_CALL, takeMailboxes } from './mailboxes.ts';
import { type Patch, patchOf } from './patch.ts';
import { go, route } from './route.ts';
import { clearSelection, indexOfThread, threadAt } from './selection.ts';
import { jmap, noteFailure } from './session.ts';
import { noteStates, refresh } from './sync.ts';
import { show } from './toasts.ts';

/** Emails one Email/set may name (RFC 8620 maxObjectsInSet of our server). */
const SET_MAX = 500;

type Changes = Map<Id, EmailChange>;

/**
 * Applies changes here and at the server. False, and all as before, when the server refused any. `from`: what the emails
 * are, where that is known better than from here: an answer that was on its way may have brought back an older state.
 */
async function apply(changes: Changes, gone: readonly Id[], from?: Changes): Promise<boolean> {
  const update = [...changes].map(([id, change]) => [id, patchOf(from?.get(id) ?? emailOf(id), change)] as const);
  const putBack = changeEmails(changes);
  const putRowsBack = gone.length > 0 ? removeRows(new Set(gone)) : () => {};
  try {
    await send(update);
    return true;
  } catch (error) {
    putBack();
    putRowsBack();
    complain(error);
    return false;
  }
}

async function send(patches: (readonly [Id, Patch])[]): Promise<void> {
  for (let at = 0; at < patches.length; at += SET_MAX) {
    const update = Object.fromEntries(patches.slice(at, at + SET_MAX));
    const answers = await jmap().send([['Email/set', { update }, 'set'], MAILBOX_CALL]);
    const refused = Object.values(answers.get<SetAnswer>('set').notUpdated ?? {})[0];
    if (refused) throw new RequestFailure('refused', refused.type, refused.description);
    noteStates(answers);
    takeMailboxes(answers.get(MAILBOX_CALL[2]));
  }
}

/** Says in the corner why a change did not happen. */
export function complain(error: unknown): void {
  noteFailure(error);
  const failure = error instanceof RequestFailure ? error : new RequestFailure('refused', String(error));
  show({ text: failure.kind === 'offline' ? t('failed.offline') : t('failed.action', { reason: failure.message }), danger: true });
}

/** What `changes` will overwrite, and nothing else, so that undoing leaves alone what came in between. */
function overwritten(emails: EmailSummary[], changes: Changes): Changes {
  return new Map(
    emails.map(({ id, mailboxIds, keywords }) => {
      const change = changes.get(id);
      return [id, { ...(change?.mailboxIds && { mailboxIds }), ...(change?.keywords && { keywords }) }];
    }),
  );
}

/** The way back from `changes` to `before`. */
async function undo(changes: Changes, before: Changes): Promise<void> {
  if (await apply(before, [], changes)) await refresh();
}

/** Takes the emails of rows out of where they are and puts them into `to`; rows leave the list. */
async function relocate(threadIds: Id[], to: Mailbox | undefined, done: (n: number) => string, whole = false): Promise<void> {
  if (!to) return complain(new RequestFailure('refused', t('failed.folderMissing')));
  const from = currentMailbox.value;
  const emails = threadIds.flatMap((id) => rowEmails(id, from, whole)).filter((email) => !email.mailboxIds[to.id]);
  if (emails.length === 0 || from?.id === to.id) return;
  const changes: Changes = new Map(emails.map((email) => [email.id, { mailboxIds: moved(email, from, to.id) }]));
  const before = overwritten(emails, changes);
  const gone = from ? threadIds : [];
  leaveConversation(gone);
  clearSelection();
  if (!(await apply(changes, gone))) return;
  show({ text: done(threadIds.length), undo: () => void undo(changes, before) });
}

function rowEmails(threadId: Id, from: Mailbox | undefined, whole: boolean): EmailSummary[] {
  return whole || !from ? emailsOfThread(threadId) : emailsOfRow(threadId, from.id);
}

function moved({ mailboxIds }: EmailSummary, from: Mailbox | undefined, to: Id): Record<Id, true> {
  if (!from) return { [to]: true };
  const { [from.id]: _left, ...others } = mailboxIds;
  return { ...others, [to]: true };
}

/** The open conversation left the list: the next one opens on a wide screen's list, else the list shows. */
function leaveConversation(gone: readonly Id[]): void {
  const { thread } = route.value;
  if (thread === null || !gone.includes(thread)) return;
  const index = indexOfThread(thread);
  const wide = matchMedia('(min-width: 700px)').matches;
  go({ thread: wide && index >= 0 ? (threadAt(index + 1) ?? threadAt(index - 1)) : null }, true);
}

/** In a search only what lies in the Inbox is archived: Sent and Drafts stay where they are. */
export function archive(threadIds: Id[]): Promise<void> {
  const done = (n: number) => tn('done.archived', n);
  if (currentMailbox.value) return relocate(threadIds, byRole('archive'), done);
  return relocateFrom(threadIds, byRole('inbox'), byRole('archive'), done);
}

async function relocateFrom(
  threadIds: Id[],
  from: Mailbox | undefined,
  to: Mailbox | undefined,
  done: (n: number) => string,
): Promise<void> {
  if (!from || !to) return complain(new RequestFailure('refused', t('failed.folderMissing')));
  const emails = threadIds.flatMap((id) => emailsOfRow(id, from.id));
  if (emails.length === 0) return;
  const changes: Changes = new Map(emails.map((email) => [email.id, { mailboxIds: moved(email, from, to.id) }]));
  const before = overwritten(emails, changes);
  clearSelection();
  if (await apply(changes, [])) {
    show({ text: done(threadIds.length), undo: () => void undo(changes, before) });
  }
}

export function moveTo(threadIds: Id[], to: Mailbox): Promise<void> {
  return relocate(threadIds, to, (n) => tn('done.moved', n, { folder: folderName(to) }));
}

export function reportJunk(threadIds: Id[]): Promise<void> {
  const inJunk = currentMailbox.value?.role === 'junk';
  const to = byRole(inJunk ? 'inbox' : 'junk');
  return to ? moveTo(threadIds, to) : relocate(threadIds, to, () => '');
}

/** To Trash; from Trash for good, which the caller has confirmed. */
export async function remove(threadIds: Id[]): Promise<void> {
  if (!deletesForever()) return relocate(threadIds, byRole('trash'), (n) => tn('done.deleted', n));
  const emails = threadIds.flatMap((id) => emailsOfRow(id, currentMailbox.value?.id));
  leaveConversation(threadIds);
  clearSelection();
  const putRowsBack = removeRows(new Set(threadIds));
  try {
    for (let at = 0; at < emails.length; at += SET_MAX) {
      const destroy = emails.slice(at, at + SET_MAX).map(({ id }) => id);
      const answers = await jmap().send([['Email/set', { destroy }, 'set'], MAILBOX_CALL]);
      noteStates(answers);
      takeMailboxes(answers.get(MAILBOX_CALL[2]));
    }
    show({ text: tn('done.deletedForever', threadIds.length) });
  } catch (error) {
    putRowsBack();
    complain(error);
  }
}

export function deletesForever(): boolean {
  return currentMailbox.value?.role === 'trash';
}

/** Stars the newest message of each row, or takes every star off. */
export async function star(threadIds: Id[]): Promise<void> {
  const rows = threadIds.map((id) => emailsOfRow(id, currentMailbox.value?.id));
  const on = !rows.every((emails) => emails.some(isStarred));
  const emails = on ? rows.flatMap((row) => newest(row)) : rows.flat().filter(isStarred);
  await apply(new Map(emails.map((email) => [email.id, { keywords: withKeyword(email, '$flagged', on) }])), []);
}

export async function starEmail(email: EmailSummary): Promise<void> {
  await apply(new Map([[email.id, { keywords: withKeyword(email, '$flagged', !isStarred(email)) }]]), []);
}

/** Marks rows read or unread; `quiet` when opening a conversation does it. */
export async function markRead(threadIds: Id[], read: boolean, quiet = false): Promise<void> {
  const rows = threadIds.map((id) => emailsOfRow(id, quiet ? undefined : currentMailbox.value?.id));
  const emails = read ? rows.flat().filter(isUnread) : rows.flatMap((row) => newest(row)).filter((email) => !isUnread(email));
  if (emails.length === 0) return;
  const changes: Changes = new Map(emails.map((email) => [email.id, { keywords: withKeyword(email, '$seen', read) }]));
  const before = overwritten(emails, changes);
  const done = await apply(changes, []);
  clearSelection();
  if (done && !quiet) show({ text: tn(read ? 'done.read' : 'done.unread', threadIds.length), undo: () => void undo(changes, before) });
}

function newest(emails: EmailSummary[]): EmailSummary[] {
  const last = emails.toSorted((a, b) => a.receivedAt.localeCompare(b.receivedAt)).at(-1);
  return last ? [last] : [];
}

function withKeyword({ keywords }: EmailSummary, keyword: string, on: boolean): Record<string, true> {
  const { [keyword]: _before, ...others } = keywords;
  return on ? { ...others, [keyword]: true } : others;
}
