/**
 * EXPUNGE (RFC 9051 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1): the view tells what is gone, and a client that follows
 * mod-sequences where the mailbox stands then (RFC 7162 §3.2.7, §3.2.9).
 */
import { type Command, SELECTED, selectionOf } from '../client.ts';
import { tellRemovals } from '../removals.ts';
import { Refusal } from '../session.ts';

export const expunge: Command = {
  name: 'EXPUNGE',
  states: SELECTED,
  uid: 'also',
  async run(client, args, call) {
    const selection = selectionOf(client);
    let uids: number[] | null = null;
    if (call.uid) {
      args.space();
      uids = selection.resolve(args.set(), true);
    }
    args.end();
    if (selection.box.readOnly) throw new Refusal('READ-ONLY', 'The mailbox is open for reading only');
    if (uids === null || uids.length > 0) await selection.box.expunge(uids);
    return { text: 'EXPUNGE completed', ...tellRemovals(client, selection, call) };
  },
};
