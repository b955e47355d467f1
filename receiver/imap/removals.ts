/**
 * The end of a command that removes messages: what is gone is told before the tagged line, which says where the mailbox
 * stands then, so that the client need not ask for these removals again (RFC 7162 §3.2.7, RFC 6851 §4.4).
 */
import type { Call, Client, Completion } from './client.ts';
import { mannerOf } from './manner.ts';
import type { Selection } from './selection.ts';

/** Tells everything owed; the code for the tagged OK when something went and the client follows mod-sequences. */
export function tellRemovals(client: Client, selection: Selection, { uid }: Call): Pick<Completion, 'code'> {
  const manner = mannerOf(client, uid);
  const gone = selection.tell(client.output, true, manner, true);
  return gone > 0 && manner.modseq ? { code: selection.highestModseq } : {};
}
