/**
 * SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8). A subscription belongs to a mailbox here, so a name that never had one
 * cannot be subscribed to (as with Dovecot); one whose mailbox is gone stays on the list until it is taken off. Unsubscribing
 * from a name that is not on it has nothing to do and succeeds.
 */
import { type Client, type Command, LOGGED_IN, sessionOf } from '../client.ts';
import { findMailbox, readMailboxName } from '../names.ts';
import { dropName, orphanedNames } from '../subscriptions.ts';
import type { Arguments } from '../wire/arguments.ts';

export const subscribe: Command = {
  name: 'SUBSCRIBE',
  states: LOGGED_IN,
  async run(client, args) {
    const name = readName(client, args);
    const session = sessionOf(client);
    if (!orphanedNames(session).includes(name)) {
      findMailbox(client, name);
      await session.setSubscribed(name, true);
    }
    client.notifier?.own([name]);
    return { text: 'SUBSCRIBE completed' };
  },
};

export const unsubscribe: Command = {
  name: 'UNSUBSCRIBE',
  states: LOGGED_IN,
  async run(client, args) {
    const name = readName(client, args);
    const session = sessionOf(client);
    if (session.find(name)) await session.setSubscribed(name, false);
    await dropName(session, name);
    client.notifier?.own([name, '']);
    return { text: 'UNSUBSCRIBE completed' };
  },
};

function readName(client: Client, args: Arguments): string {
  args.space();
  const name = readMailboxName(args, client);
  args.end();
  return name;
}
