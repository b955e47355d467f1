/** STARTTLS (RFC 9051 §6.2.1). What the client sent behind it in the clear is thrown away. */
import { type Command, NOT_AUTHENTICATED } from '../client.ts';
import { Malformed } from '../wire/arguments.ts';

export const starttls: Command = {
  name: 'STARTTLS',
  states: NOT_AUTHENTICATED,
  async run(client, args, call) {
    args.end();
    if (!client.startTlsPossible) throw new Malformed('TLS is already active');
    client.output.line(`${call.tag} OK Begin TLS negotiation now`);
    await client.startTls();
    return { text: '', silent: true };
  },
};
