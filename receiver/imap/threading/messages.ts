/** The messages of one THREAD (RFC 5256 §3) in the order of the mailbox: their links, and what subject they have. */
import type { Ranks } from '../search/ranks.ts';
import { placesOf, type Uids } from '../search/uids.ts';
import type { MessageLinks } from './links.ts';

export interface ThreadedMessages {
  readonly length: number;
  /** Its own id or 0, then its references (shared/mime/message-keys.ts). */
  ids(message: number): Float64Array;
  /** The same number for the same base subject, 0 for an empty one. */
  base(message: number): number;
  /** The subject was that of a reply or forward. False for what is no message. */
  isReply(message: number): boolean;
}

const NO_IDS = new Float64Array(1);

/** `uids` by what is known of them; `subjects`: their ranks by base subject. */
export function threadedMessages(links: MessageLinks, uids: Uids, subjects: Ranks): ThreadedMessages {
  const places = placesOf(links.uids, uids);
  const placeOf = (message: number) => places[message] ?? -1;
  return {
    length: uids.length,
    ids: (message) => (placeOf(message) < 0 ? NO_IDS : links.ids(placeOf(message))),
    base: (message) => (links.hasBase(placeOf(message)) ? (subjects[message] ?? 0) + 1 : 0),
    isReply: (message) => links.isReply(placeOf(message)),
  };
}
