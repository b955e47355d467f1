/**
 * CREATE (RFC 9051 §6.3.4), with special use (RFC 6154 §3) and MAILBOXID (RFC 8474 §4.1). A trailing separator only
 * says that children will follow and is dropped. A name that we spell otherwise is told with OLDNAME (§6.3.9.7).
 */
import { isOff, requireOn } from '../capabilities.ts';
import { type Client, type Command, LOGGED_IN, sessionOf } from '../client.ts';
import { checkNewName, readMailboxNames, tellOtherName } from '../names.ts';
import { Refusal } from '../session.ts';
import { dropName } from '../subscriptions.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';

const SPECIAL_USES = ['\\All', '\\Archive', '\\Drafts', '\\Flagged', '\\Junk', '\\Sent', '\\Trash', '\\Important'];

export const create: Command = {
  name: 'CREATE',
  states: LOGGED_IN,
  async run(client, args) {
    args.space();
    const { name: given, sent } = readMailboxNames(args, client);
    const use = args.skip(' ') ? readSpecialUse(client, args) : null;
    args.end();
    const name = given.length > 1 && given.endsWith('/') ? given.slice(0, -1) : given;
    if (name === 'INBOX') throw new Refusal('ALREADYEXISTS', 'INBOX is always there');
    checkNewName(name);
    const mailbox = await sessionOf(client).create(name, use);
    await dropName(sessionOf(client), mailbox.name);
    client.notifier?.own([mailbox.name, '']);
    tellOtherName(client, mailbox, sent);
    return { text: 'CREATE completed', ...(isOff(client, 'OBJECTID') ? {} : { code: `MAILBOXID (${mailbox.id})` }) };
  },
};

/** `(USE (\Sent))`. */
function readSpecialUse(client: Client, args: Arguments): string | null {
  requireOn(client, 'CREATE-SPECIAL-USE');
  const uses = args.list(() => {
    if (args.word() !== 'USE') throw new Malformed('Unknown CREATE parameter');
    args.space();
    return args.list(() => args.flag());
  });
  const wanted = uses.flat();
  if (wanted.length === 0) return null;
  const use = SPECIAL_USES.find((known) => known.toLowerCase() === wanted[0]?.toLowerCase());
  if (wanted.length > 1 || !use) throw new Refusal('USEATTR', 'This special use is not supported');
  return use;
}
