/**
 * Reads in the background what a search found to be unread and too much to wait for, newest first and one at a time, so that the next
 * search is exact. It passes the cache of originals by, for it would push out what people read.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MessageText } from '../../imap/search/columns.ts';
import type { Texts } from './index.ts';

export interface FillOptions<Message> {
  texts: Texts;
  email(message: Message): number | undefined;
  /** Newest first. */
  messages: Iterable<Message>;
  read(message: Message): Promise<MessageText>;
  /** The mirror is closing. */
  stopped(): boolean;
}

/** Ends at the first failure: the search that asks next begins it again. */
export async function fillTexts<Message>({ texts, email, messages, read, stopped }: FillOptions<Message>): Promise<void> {
  await texts.open();
  for (const message of messages) {
    await nextTurn();
    if (stopped() || texts.full) return;
    const id = email(message);
    if (id === undefined || texts.has(id)) continue;
    await texts.keep(id, await read(message));
  }
}
