/**
 * SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3): the open mailbox, its flags, counts, UIDs, identity and HIGHESTMODSEQ (RFC 7162).
 * IMAP4rev1 clients also get RECENT (always 0, RFC 9051 §2.3.2) and the first UNSEEN; rev2 clients a LIST line. With QRESYNC follows
 * what has changed since a client was here last.
 */
import { isOff } from '../capabilities.ts';
import { type Client, type Command, type Completion, LOGGED_IN, sessionOf } from '../client.ts';
import { listLine } from '../listing.ts';
import { becomeAware } from '../manner.ts';
import { findMailbox, readMailboxName } from '../names.ts';
import { readParameters, resynchronize } from '../resync.ts';
import { Selection } from '../selection.ts';
import type { Arguments } from '../wire/arguments.ts';
import { coded } from '../wire/codes.ts';

export const select: Command = {
  name: 'SELECT',
  states: LOGGED_IN,
  run: (client, args) => open(client, args, false),
};

export const examine: Command = {
  name: 'EXAMINE',
  states: LOGGED_IN,
  run: (client, args) => open(client, args, true),
};

async function open(client: Client, args: Arguments, readOnly: boolean): Promise<Completion> {
  args.space();
  const name = readMailboxName(args, client);
  const parameters = readParameters(args, client);
  args.end();
  if (parameters.condstore) becomeAware(client);
  const closed = client.selection !== null;
  // RFC 9051 §6.3.2: the old mailbox is left even when the new one cannot be opened.
  client.select(null);
  if (closed) client.output.line(`* OK ${coded('CLOSED', 'Previous mailbox is closed')}`);
  const mailbox = findMailbox(client, name);
  const selection = new Selection(sessionOf(client).select(mailbox, readOnly), client.enabled);
  client.select(selection);
  describe(client, selection);
  if (parameters.qresync) await resynchronize(client, selection, parameters.qresync);
  return { text: `${readOnly ? 'EXAMINE' : 'SELECT'} completed`, code: readOnly ? 'READ-ONLY' : 'READ-WRITE' };
}

function describe(client: Client, selection: Selection): void {
  const { box, view } = selection;
  const { output } = client;
  const rev2 = client.enabled.has('IMAP4REV2');
  const lists = selection.flagLists();
  output.line(`* FLAGS ${lists.flags}`);
  output.line(`* OK ${coded(`PERMANENTFLAGS ${lists.permanent}`, 'Flags that stay')}`);
  output.line(`* ${view.size} EXISTS`);
  if (!rev2) output.line('* 0 RECENT');
  const unseen = rev2 ? 0 : firstUnseen(selection);
  if (unseen > 0 && !client.enabled.has('UIDONLY')) output.line(`* OK ${coded(`UNSEEN ${unseen}`, 'First unseen message')}`);
  output.line(`* OK ${coded(`UIDVALIDITY ${box.mailbox.uidvalidity}`, 'UIDs are valid')}`);
  output.line(`* OK ${coded(`UIDNEXT ${box.uidnext()}`, 'Next UID')}`);
  if (!isOff(client, 'CONDSTORE')) selection.tellHighestModseq(output);
  if (!isOff(client, 'OBJECTID')) output.line(`* OK ${coded(`MAILBOXID (${box.mailbox.id})`, 'Ok')}`);
  if (rev2) output.line(listLine(box.mailbox, client.utf8));
}

function firstUnseen({ box, view }: Selection): number {
  const { uids } = view;
  for (let index = 0; index < uids.length; index += 1) {
    if (box.flags(uids[index] ?? 0)?.has('\\Seen') === false) return index + 1;
  }
  return 0;
}
