/** Which conversations of the list an action means: those selected, else the open one, else the one under the cursor. */
import { computed, signal } from '@preact/signals';
import type { Id } from '../jmap/types.ts';
import { emailOf } from './emails.ts';
import { listing } from './listing.ts';
import { go, route } from './route.ts';

/** Thread ids. */
export const selected = signal<ReadonlySet<Id>>(new Set());
/** The list position the keyboard is at. */
export const cursor = signal(-1);
/** Raised when the keyboard moved the cursor: the view scrolls there and focuses the row. */
export const cursorMoves = signal(0);

export const openIndex = computed(() => indexOfThread(route.value.thread));

export function indexOfThread(threadId: Id | null): number {
  if (threadId === null) return -1;
  return listing.value.ids.findIndex((id) => id !== undefined && emailOf(id)?.threadId === threadId);
}

export function threadAt(index: number): Id | null {
  const id = listing.value.ids[index];
  return id === undefined ? null : (emailOf(id)?.threadId ?? null);
}

/** The threads an action applies to now. */
export function targets(): Id[] {
  if (selected.value.size > 0) return [...selected.value];
  const one = route.value.thread ?? threadAt(cursor.value);
  return one === null ? [] : [one];
}

export function toggleSelected(threadId: Id): void {
  const next = new Set(selected.value);
  if (!next.delete(threadId)) next.add(threadId);
  selected.value = next;
}

export function clearSelection(): void {
  if (selected.value.size > 0) selected.value = new Set();
}

/** j and k: moves the cursor; with a conversation open, opens the next one. */
export function moveCursor(by: number): void {
  const { total } = listing.value;
  if (total === 0) return;
  const from = route.value.thread !== null && openIndex.value >= 0 ? openIndex.value : cursor.value;
  const next = Math.max(0, Math.min(total - 1, from + by));
  cursor.value = next;
  cursorMoves.value++;
  const thread = threadAt(next);
  if (route.value.thread !== null && thread !== null) go({ thread }, true);
}
