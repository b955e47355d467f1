/**
 * Where one is, in the address bar's fragment: `#/folder/F1`, `#/folder/F1/T7`, `#/search/words/T7`. The
 * browser's Back therefore goes from the conversation to the list, on a phone too.
 */
import { signal } from '@preact/signals';
import { formatRoute, parseRoute, type Route } from './place.ts';

export const route = signal<Route>(parseRoute(location.hash));

/** Marks the step by which a conversation was opened from its list. */
const OPENED = { opened: true };

/** Goes there; `replace` leaves no step for Back. */
export function go(change: Partial<Route>, replace = false): void {
  const next = formatRoute({ ...route.value, ...change });
  if (next === location.hash) return;
  const opens = route.value.thread === null && change.thread != null;
  if (replace) history.replaceState(history.state, '', next);
  else history.pushState(opens ? OPENED : null, '', next);
  route.value = parseRoute(next);
}

/** Back to the list, by the browser's Back where that leads there: the history then does not grow by reading. */
export function closeThread(): void {
  if ((history.state as { opened?: boolean } | null)?.opened) history.back();
  else go({ thread: null }, true);
}

export function followAddressBar(): void {
  const follow = () => {
    route.value = parseRoute(location.hash);
  };
  addEventListener('popstate', follow);
  addEventListener('hashchange', follow);
}
