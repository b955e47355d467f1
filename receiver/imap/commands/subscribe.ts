/**
 * SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8). A subscription belongs to a mailbox here, so a name without
 * one cannot be subscribed to (as with Dovecot); unsubscribing from such a name has nothing to do and succeeds.
 */
import { type Client, type Command, LOGGED_IN, sessionOf } from '../client.ts';
import { findMailbox, readMailboxName } from '../names.ts';
import type { Arguments } from '../wire/arguments.ts';

export const subscribe: Command = {
  name: 'SUBSCRIBE',
  states: LOGGED_IN,
  async run(client, args) {
    const name = readName(client, args);
    findMailbox(client, name);
    await sessionOf(client).setSubscribed(name, true);
    client.notifier?.own([name]);
    return { text: 'SUBSCRIBE completed' };
  },
};

export const unsubscribe: Command = {
  name: 'UNSUBSCRIBE',
  states: LOGGED_IN,
  async run(client, args) {
    const name = readName(client, args);
    if (client.session?.find(name)) await sessionOf(client).setSubscribed(name, false);
    client.notifier?.own([name]);
    return { text: 'UNSUBSCRIBE completed' };
  },
};

function readName(client: Client, args: Arguments): string {
  args.space();
  const name = readMailboxName(args, client);
  args.end();
  return name;
}
