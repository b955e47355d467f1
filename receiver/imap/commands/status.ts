/**
 * STATUS (RFC 9051 §6.3.11), with SIZE (RFC 8438), APPENDLIMIT (RFC 7889), MAILBOXID (RFC 8474) and HIGHESTMODSEQ, which makes the
 * client CONDSTORE-aware (RFC 7162 §3.1.7).
 */
import { requireItems } from '../capabilities.ts';
import { type Command, LOGGED_IN, sessionOf } from '../client.ts';
import { readStatusItems, statusLine } from '../listing.ts';
import { becomeAware } from '../manner.ts';
import { findMailbox, readMailboxName } from '../names.ts';

export const status: Command = {
  name: 'STATUS',
  states: LOGGED_IN,
  async run(client, args) {
    args.space();
    const name = readMailboxName(args, client);
    args.space();
    const items = readStatusItems(args, true);
    args.end();
    requireItems(client, items);
    const mailbox = findMailbox(client, name);
    if (items.includes('HIGHESTMODSEQ')) becomeAware(client);
    client.output.line(statusLine(mailbox, sessionOf(client).status(mailbox), items, client.utf8, client.messageSizeLimit));
    return { text: 'STATUS completed' };
  },
};
