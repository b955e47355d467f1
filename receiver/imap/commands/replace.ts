/**
 * REPLACE and UID REPLACE (RFC 8508): a new message takes the place of an old one, in one commit: both happen or neither. The
 * APPENDUID comes before the EXPUNGE (§4.3). Only one message is replaced by one.
 */
import { isOff } from '../capabilities.ts';
import { type Client, type Command, SELECTED, selectionOf, sessionOf } from '../client.ts';
import { readMailboxName } from '../names.ts';
import { Refusal } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { coded } from '../wire/codes.ts';
import { readMessage } from './append.ts';

export const replace: Command = {
  name: 'REPLACE',
  states: SELECTED,
  uid: 'also',
  async run(client, args, call) {
    args.space();
    const uid = readOne(client, args, call.uid);
    args.space();
    const target = readMailboxName(args, client);
    args.space();
    const message = readMessage(args, client);
    args.end();
    const { box } = selectionOf(client);
    if (box.readOnly) throw new Refusal('READ-ONLY', 'The mailbox is open for reading only');
    if (!sessionOf(client).find(target)) throw new Refusal('TRYCREATE', 'No such mailbox');
    if (uid === null || !box.flags(uid)) throw new Refusal('NONEXISTENT', 'There is no such message');
    const made = await box.replace(uid, target, message);
    client.notifier?.ownMessages(target, [made.uid]);
    if (!isOff(client, 'UIDPLUS'))
      client.output.line(`* OK ${coded(`APPENDUID ${made.uidvalidity} ${made.uid}`, 'Replacement is stored')}`);
    return { text: 'REPLACE completed' };
  },
};

/** Null: no message has this UID. A number that the client cannot know is an error of its own (RFC 9051 §9). */
function readOne(client: Client, args: Arguments, byUid: boolean): number | null {
  const set = args.set();
  const uids = selectionOf(client).resolve(set, byUid);
  const single = !set.saved && set.ranges.length === 1 && set.ranges[0]?.[0] === set.ranges[0]?.[1];
  if (!single || uids === null) throw new Malformed('REPLACE takes the number of one message');
  return uids[0] ?? null;
}
