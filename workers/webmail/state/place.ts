/** A place in the mail as a fragment of the address bar: `#/folder/F1/T7`, `#/search/words`; pure. */
import type { Id } from '../jmap/types.ts';

export interface Route {
  /** null: the inbox, whatever its id. */
  folder: Id | null;
  search: string | null;
  thread: Id | null;
}

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

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
