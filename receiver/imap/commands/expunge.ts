/** EXPUNGE (RFC 9051 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1): the view tells what is gone. */
import { type Command, SELECTED, selectionOf } from '../client.ts';
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
    return { text: 'EXPUNGE completed' };
  },
};
