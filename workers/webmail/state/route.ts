/**
 * Where one is, in the address bar's fragment: `#/folder/F1`, `#/folder/F1/T7`, `#/search/words/T7`. The
 * browser's Back therefore goes from the conversation to the list, on a phone too.
 */
import { signal } from '@preact/signals';
import { formatRoute, parseRoute, type Route } from './place.ts';

export const route = signal<Route>(parseRoute(location.hash));

/** Goes there; `replace` leaves no step for Back. */
export function go(change: Partial<Route>, replace = false): void {
  const next = formatRoute({ ...route.value, ...change });
  if (next === location.hash) return;
  if (replace) history.replaceState(null, '', next);
  else history.pushState(null, '', next);
  route.value = parseRoute(next);
}

export function followAddressBar(): void {
  const follow = () => {
    route.value = parseRoute(location.hash);
  };
  addEventListener('popstate', follow);
  addEventListener('hashchange', follow);
}
