/**
 * IDLE (RFC 2177, RFC 9051 §6.3.13): what changes is written when it changes; nothing polls. While the client does not
 * read, changes gather in the view instead of the socket.
 */
import { type Client, type Command, LOGGED_IN } from '../client.ts';
import { mannerOf } from '../manner.ts';
import { Malformed } from '../wire/arguments.ts';

export const idle: Command = {
  name: 'IDLE',
  states: LOGGED_IN,
  async run(client, args) {
    args.end();
    const { selection } = client;
    // With NOTIFY the connection itself tells what was asked for, here as between commands (RFC 5465 §4).
    if (selection && !client.notifier?.isImmediate) selection.onChange = batched(client);
    client.idling = true;
    try {
      client.output.line('+ idling');
      if (!client.notifier?.isImmediate) tell(client);
      const line = await client.line();
      if (line.trim().toUpperCase() !== 'DONE') throw new Malformed('Expected DONE');
    } finally {
      client.idling = false;
      if (selection) selection.onChange = null;
    }
    return { text: 'IDLE completed' };
  },
};

/** Changes that arrive in one turn of the event loop go out in one write, when the client has read what was sent before. */
function batched(client: Client): () => void {
  let waiting = false;
  const tellThem = () => {
    waiting = false;
    if (client.selection?.onChange) tell(client);
  };
  return () => {
    if (waiting) return;
    waiting = true;
    setImmediate(() => void client.output.drained().then(tellThem));
  };
}

function tell(client: Client): void {
  client.selection?.tell(client.output, true, mannerOf(client));
  client.output.flush();
  if (client.selection?.destroyed) client.bye('The selected mailbox was deleted');
}
