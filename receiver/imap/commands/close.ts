/**
 * CLOSE (RFC 9051 §6.4.1) removes what is `\Deleted`, silently, and leaves the mailbox; UNSELECT (RFC 3691) only
 * leaves. When the removal fails the client stays and is told.
 */
import { type Command, SELECTED, selectionOf } from '../client.ts';

export const close: Command = {
  name: 'CLOSE',
  states: SELECTED,
  async run(client, args) {
    args.end();
    const { box } = selectionOf(client);
    if (!box.readOnly) await box.expunge(null);
    client.select(null);
    return { text: 'CLOSE completed' };
  },
};

export const unselect: Command = {
  name: 'UNSELECT',
  states: SELECTED,
  async run(client, args) {
    args.end();
    client.select(null);
    return { text: 'UNSELECT completed' };
  },
};
