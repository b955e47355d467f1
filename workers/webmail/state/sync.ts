/**
 * Keeping what is shown true: the first request, the push, and asking again when the window or the network
 * comes back. One request refreshes folders, the rows in sight and the open conversation together.
 */
import { effect, signal } from '@preact/signals';
import type { Answers, GetAnswer, SetAnswer } from '../jmap/client.ts';
import { Push } from '../jmap/push.ts';
import type { EmailDetail, Mailbox } from '../jmap/types.ts';
import { closeConversation, conversation, conversationRefresh, openConversation } from './conversation.ts';
import { failListing, fillListing, listCalls, listing, refreshCalls, startListing, takeList } from './listing.ts';
import { byRole, currentMailbox, MAILBOX_CALL, mailboxes, takeMailboxes } from './mailboxes.ts';
import { route } from './route.ts';
import { type Filter, parseSearch } from './search.ts';
import { jmap, noteFailure } from './session.ts';
import { readStored, writeStored } from './stored.ts';
import { PAGE } from './window.ts';

/** The inbox's id, by account: opening the webmail is then one request. */
const INBOX_KEY = 'posthouse.inbox.';

export const online = signal(navigator.onLine);
/** False while the push is away: then coming back to the window asks. */
export const live = signal(true);

/** The states of what is shown, by type. */
const states: Record<string, string> = {};
let push: Push | null = null;
/** True once the stores follow the address bar; logging in again then only asks for what is new. */
let begun = false;
let refreshing: Promise<void> | null = null;
let refreshAgain = false;

/** What the address bar names, as a list key and filter; null until the folder is known. */
function wanted(): { key: string; filter: Filter } | null {
  const { search } = route.value;
  if (search !== null) return { key: `search ${search}`, filter: searchFilter(search) };
  const mailbox = currentMailbox.value;
  return mailbox ? { key: `folder ${mailbox.id}`, filter: { inMailbox: mailbox.id } } : null;
}

/** Searches leave Trash and Junk out, as people expect. */
function searchFilter(search: string): Filter {
  const hidden = ['trash', 'junk'].flatMap((role) => byRole(role)?.id ?? []);
  return { operator: 'AND', conditions: [parseSearch(search), { inMailboxOtherThan: hidden }] };
}

/** Loads folders, then follows the address bar for as long as the page lives. */
export async function begin(): Promise<void> {
  if (begun) {
    push?.start();
    return refresh();
  }
  const guess = guessList();
  startListing(guess?.key ?? '', guess?.filter ?? {});
  try {
    const page = guess ? listCalls(guess.filter, { position: 0, limit: PAGE }) : [];
    const answers = await jmap().send([MAILBOX_CALL, ...page]);
    noteStates(answers);
    takeMailboxes(answers.get<GetAnswer<Mailbox>>(MAILBOX_CALL[2]));
    rememberInbox();
    if (guess && answers.find('query') && wanted()?.key === guess.key) fillListing(guess.key, takeList(answers));
    else startListing('', {});
  } catch (error) {
    noteFailure(error);
    failListing(listing.value.key);
    return;
  }
  begun = true;
  effect(followList);
  effect(followThread);
  connect();
}

/** The list to ask for before folders are known: the address bar's folder, or the inbox of last time. */
function guessList(): { key: string; filter: Filter } | null {
  const { folder, search } = route.peek();
  const id = folder ?? readStored(INBOX_KEY + jmap().accountId);
  return search === null && id ? { key: `folder ${id}`, filter: { inMailbox: id } } : null;
}

function rememberInbox(): void {
  const id = byRole('inbox')?.id;
  if (id) writeStored(INBOX_KEY + jmap().accountId, id);
}

function followList(): void {
  const next = wanted();
  if (next && next.key !== listing.peek().key) void openList(next.key, next.filter);
}

function followThread(): void {
  const { thread } = route.value;
  if (thread === null) closeConversation();
  else if (conversation.peek()?.threadId !== thread) void openConversation(thread, hidesMessage);
}

/** Deleted messages of a conversation are shown in Trash only. */
function hidesMessage(message: EmailDetail): boolean {
  const trash = byRole('trash')?.id;
  if (trash === undefined || currentMailbox.peek()?.id === trash) return false;
  return Object.keys(message.mailboxIds).every((id) => id === trash);
}

async function openList(key: string, filter: Filter): Promise<void> {
  startListing(key, filter);
  try {
    const answers = await jmap().send(listCalls(filter, { position: 0, limit: PAGE }));
    fillListing(key, takeList(answers));
    noteStates(answers);
  } catch (error) {
    noteFailure(error);
    failListing(key);
  }
}

/** Asks again for the open list from its beginning. */
export function reopenList(): void {
  const next = wanted();
  if (next) void openList(next.key, next.filter);
  else void begin();
}

/** Opens the conversation of the address bar again. */
export function reopenConversation(): void {
  const { thread } = route.peek();
  if (thread !== null) void openConversation(thread, hidesMessage);
}

/** The states an answer shows: a push that names the same is no news. */
export function noteStates(answers: Answers): void {
  const email = answers.find<SetAnswer>('set')?.newState ?? answers.find<GetAnswer<unknown>>('rows')?.state;
  const mailbox = answers.find<GetAnswer<unknown>>(MAILBOX_CALL[2])?.state;
  if (email !== undefined) states.Email = email;
  if (mailbox !== undefined) states.Mailbox = mailbox;
}

/** Asks again for all that is in sight. Calls that come while one is under way make one more, not many. */
export function refresh(): Promise<void> {
  refreshAgain = true;
  refreshing ??= refreshUntilQuiet().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function refreshUntilQuiet(): Promise<void> {
  while (refreshAgain) {
    refreshAgain = false;
    await refreshOnce();
  }
}

async function refreshOnce(): Promise<void> {
  const list = listing.value.state === 'ready' ? refreshCalls() : null;
  const open = conversationRefresh(hidesMessage);
  try {
    const answers = await jmap().send([MAILBOX_CALL, ...(list?.calls ?? []), ...open.calls]);
    takeMailboxes(answers.get<GetAnswer<Mailbox>>(MAILBOX_CALL[2]));
    noteStates(answers);
    list?.take(answers);
    open.take(answers);
  } catch (error) {
    noteFailure(error);
  }
}

function connect(): void {
  const url = jmap().socketUrl();
  if (url !== null) {
    push = new Push(url, jmap().accountId, {
      changed: (news) => {
        if (['Email', 'Mailbox'].some((type) => news[type] !== undefined && news[type] !== states[type])) void refresh();
      },
      opened: () => {
        // Whatever happened while the socket was away was not told.
        if (!live.peek()) void refresh();
        live.value = true;
      },
      closed: () => {
        live.value = false;
      },
    });
    push.start();
  } else live.value = false;
  addEventListener('online', comeBack);
  addEventListener('offline', () => {
    online.value = false;
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') comeBack();
  });
}

function comeBack(): void {
  online.value = navigator.onLine;
  push?.start();
  if (!live.peek() && mailboxes.peek().length > 0) void refresh();
}
