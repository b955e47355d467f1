/** The corner toast: what was done, with Undo. One at a time, as the last thing done is what one undoes. */
import { signal } from '@preact/signals';

export interface Toast {
  text: string;
  undo?: () => void;
  danger?: boolean;
}

/** Long enough to notice a mistake and reach for Undo. */
const TOAST_MS = 8_000;

export const toast = signal<Toast | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

export function show(next: Toast): void {
  clearTimeout(timer);
  toast.value = next;
  timer = setTimeout(dismiss, TOAST_MS);
}

export function dismiss(): void {
  clearTimeout(timer);
  toast.value = null;
}

/** Undoes what the toast offers to undo. */
export function undoLast(): void {
  const undo = toast.value?.undo;
  dismiss();
  undo?.();
}
