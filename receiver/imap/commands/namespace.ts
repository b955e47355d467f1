/** NAMESPACE (RFC 2342, RFC 9051 §6.3.10): one personal namespace without a prefix, no others. */
import { type Command, LOGGED_IN } from '../client.ts';

export const namespace: Command = {
  name: 'NAMESPACE',
  states: LOGGED_IN,
  async run(client, args) {
    args.end();
    client.output.line('* NAMESPACE (("" "/")) NIL NIL');
    return { text: 'NAMESPACE completed' };
  },
};
