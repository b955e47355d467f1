/** RENAME (RFC 9051 §6.3.6). Renaming INBOX moves its messages and leaves it empty; a mailbox cannot go into itself. */
import { type Command, LOGGED_IN, sessionOf } from '../client.ts';
import { checkNewName, findMailbox, readMailboxName, readMailboxNames, tellOtherName } from '../names.ts';
import { Refusal } from '../session.ts';
import { dropName } from '../subscriptions.ts';

export const rename: Command = {
  name: 'RENAME',
  states: LOGGED_IN,
  async run(client, args) {
    args.space();
    const from = readMailboxName(args, client);
    args.space();
    const { name: given, sent } = readMailboxNames(args, client);
    args.end();
    const to = given.length > 1 && given.endsWith('/') ? given.slice(0, -1) : given;
    findMailbox(client, from);
    checkNewName(to);
    if (client.session?.find(to)) throw new Refusal('ALREADYEXISTS', 'There is a mailbox of that name');
    if (to.startsWith(`${from}/`) && from !== 'INBOX') throw new Refusal('CANNOT', 'A mailbox cannot be put into itself');
    await sessionOf(client).rename(from, to);
    await dropName(sessionOf(client), to);
    client.notifier?.own([from, to, '']);
    const renamed = client.session?.find(to);
    if (renamed) tellOtherName(client, renamed, sent);
    return { text: 'RENAME completed' };
  },
};
