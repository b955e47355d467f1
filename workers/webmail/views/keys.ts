/**
 * The keyboard, with Gmail's keys (UI.md). A key pressed in a field is text; with a modifier it is the
 * browser's; Esc always goes back one level.
 */
import { archive, markRead, reportJunk, star } from '../state/actions.ts';
import { answer, close as closeComposer, composer, write } from '../state/compose.ts';
import { conversation } from '../state/conversation.ts';
import { listing } from '../state/listing.ts';
import { byRole } from '../state/mailboxes.ts';
import { closeThread, go, route } from '../state/route.ts';
import { clearSelection, cursor, cursorMoves, moveCursor, selected, targets, threadAt, toggleSelected } from '../state/selection.ts';
import { undoLast } from '../state/toasts.ts';
import type { ReplyKind } from '../writing/reply.ts';
import { removeAsking } from './confirm.tsx';
import { helpOpen } from './help.tsx';
import { openRow } from './open-row.ts';
import { drawerOpen } from './shell.tsx';

/** After `g`, how long the second key may take. */
const PREFIX_MS = 1_500;

const KEYS: Record<string, () => void> = {
  j: () => moveCursor(1),
  k: () => moveCursor(-1),
  o: openCursor,
  Enter: openCursor,
  u: backToList,
  x: () => {
    const thread = threadAt(cursor.value);
    if (thread !== null) toggleSelected(thread);
  },
  e: () => void archive(targets()),
  '#': () => removeAsking(targets()),
  Delete: () => removeAsking(targets()),
  '!': () => void reportJunk(targets()),
  s: () => void star(targets()),
  U: () => {
    const threads = targets();
    go({ thread: null }, true);
    void markRead(threads, false);
  },
  I: () => void markRead(targets(), true),
  r: () => reply('reply'),
  a: () => reply('replyAll'),
  f: () => reply('forward'),
  c: () => void write(),
  '/': focusSearch,
  z: undoLast,
  '?': () => {
    helpOpen.value = true;
  },
};

const GO: Record<string, () => void> = {
  i: () => go({ folder: null, search: null, thread: null }),
  s: () => go({ search: 'is:starred', thread: null }),
  t: () => goToRole('sent'),
  d: () => goToRole('drafts'),
};

let prefixAt = 0;

/** Listens until the answer is called. */
export function listenForKeys(): () => void {
  addEventListener('keydown', press);
  return () => removeEventListener('keydown', press);
}

function press(event: KeyboardEvent): void {
  if (event.key === 'Escape') {
    goBack(event);
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
  if (document.querySelector('dialog[open]')) return;
  const prefixed = Date.now() - prefixAt < PREFIX_MS;
  prefixAt = event.key === 'g' ? Date.now() : 0;
  const act = prefixed ? GO[event.key] : KEYS[event.key];
  if (!act || (event.key === 'Enter' && isControl(event.target))) return;
  event.preventDefault();
  act();
}

/** Back one level: drawer, composer, field, selection, conversation, search. Dialogs and menus close themselves. */
function goBack(event: KeyboardEvent): void {
  if (event.defaultPrevented || document.querySelector('dialog[open]')) return;
  if (drawerOpen.value) drawerOpen.value = false;
  else if (composer.value && (event.target as Element).closest?.('.composer')) void closeComposer();
  else if (isTyping(event.target)) (event.target as HTMLElement).blur();
  else if (composer.value) void closeComposer();
  else if (selected.value.size > 0) clearSelection();
  else if (route.value.thread !== null) backToList();
  else if (route.value.search !== null) go({ search: null });
}

/** Closes the conversation; the row it came from has the focus again. */
function backToList(): void {
  closeThread();
  if (cursor.value >= 0) cursorMoves.value++;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(?:A|BUTTON|SUMMARY)$/.test(target.tagName);
}

function openCursor(): void {
  const id = listing.value.ids[cursor.value];
  if (id !== undefined) openRow(id);
}

function reply(kind: ReplyKind): void {
  const message = conversation.value?.messages.findLast(({ keywords }) => !keywords.$draft);
  if (message) void answer(kind, message);
}

function goToRole(role: string): void {
  const mailbox = byRole(role);
  if (mailbox) go({ folder: mailbox.id, search: null, thread: null });
}

export function focusSearch(): void {
  document.querySelector<HTMLInputElement>('.search-field input')?.focus();
}
