/**
 * NOOP (RFC 9051 §6.1.2) and CHECK (RFC 3501 §6.4.1): the moment at which a client asks what is new, so the
 * session asks the edge too, in case a push got lost.
 */
import { ANY, type Command, SELECTED } from '../client.ts';

export const noop: Command = {
  name: 'NOOP',
  states: ANY,
  async run(client, args) {
    args.end();
    await client.session?.refresh();
    return { text: 'NOOP completed' };
  },
};

export const check: Command = {
  name: 'CHECK',
  states: SELECTED,
  async run(client, args) {
    args.end();
    await client.session?.refresh();
    return { text: 'CHECK completed' };
  },
};
