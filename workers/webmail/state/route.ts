/**
 * Where one is, in the address bar's fragment: `#/folder/F1`, `#/folder/F1/T7`, `#/search/words/T7`. The
 * browser's Back therefore goes from the conversation to the list, on a phone too.
 */
import { signal } from '@preact/signals';
import type { Id } from '../jmap/types.ts';

export interface Route {
  /** null: the inbox, whatever its id. */
  folder: Id | null;
  search: string | null;
  thread: Id | null;
}

export const route = signal<Route>(parseRoute(location.hash));

export function parseRoute(hash: string): Route {
  const [kind, what, thread] = hash.replace(/^#\/?/, '').split('/').map(decode);
  if (kind === 'search' && what) return { folder: null, search: what, thread: thread || null };
  if (kind === 'folder' && what) return { folder: what === 'inbox' ? null : what, search: null, thread: thread || null };
  return { folder: null, search: null, thread: null };
}

export function formatRoute({ folder, search, thread }: Route): string {
  const place = search !== null ? `search/${encodeURIComponent(search)}` : `folder/${encodeURIComponent(folder ?? 'inbox')}`;
  return `#/${place}${thread ? `/${encodeURIComponent(thread)}` : ''}`;
}

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

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
