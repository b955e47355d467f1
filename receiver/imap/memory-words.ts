/** Full text for the memory session: a message has the words asked for when its index text (shared/search.ts) has words that begin so. */
import { SEARCH_COLUMNS, toIndexText } from '../../shared/search.ts';
import type { Placement } from './memory-mailbox.ts';
import type { TextScope } from './search/columns.ts';

/** UIDs of the placements that hold every word of `text`; null when it has none. */
export function wordMatches(placements: readonly Placement[], scope: TextScope, text: string): ReadonlySet<number> | null {
  const wanted = toIndexText(text).split(' ').filter(Boolean);
  if (wanted.length === 0) return null;
  const columns = scope === 'body' ? (['body'] as const) : SEARCH_COLUMNS;
  const matches = placements.filter(({ email }) => {
    const words = columns.flatMap((column) => email.index.search[column].split(' '));
    return wanted.every((word) => words.some((known) => known.startsWith(word)));
  });
  return new Set(matches.map(({ uid }) => uid));
}
