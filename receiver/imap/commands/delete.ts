/** DELETE (RFC 9051 §6.3.5). A mailbox with children is refused (HASCHILDREN) rather than left as a hollow name. */
import { type Command, LOGGED_IN, sessionOf } from '../client.ts';
import { findMailbox, readMailboxName } from '../names.ts';
import { Refusal } from '../session.ts';
import { keepName } from '../subscriptions.ts';

export const deleteMailbox: Command = {
  name: 'DELETE',
  states: LOGGED_IN,
  async run(client, args) {
    args.space();
    const name = readMailboxName(args, client);
    args.end();
    if (name === 'INBOX') throw new Refusal('CANNOT', 'INBOX cannot be deleted');
    const mailbox = findMailbox(client, name);
    if (mailbox.hasChildren) throw new Refusal('HASCHILDREN', 'The mailbox has children');
    await sessionOf(client).delete(name);
    if (mailbox.subscribed) await keepName(sessionOf(client), name);
    client.notifier?.own([name, '']);
    if (client.selection?.box.mailbox.id === mailbox.id) client.select(null);
    return { text: 'DELETE completed' };
  },
};
