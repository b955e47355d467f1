/** LOGOUT (RFC 9051 §6.1.3). */
import { ANY, type Command } from '../client.ts';

export const logout: Command = {
  name: 'LOGOUT',
  states: ANY,
  async run(client, args, call) {
    args.end();
    client.output.line('* BYE Logging out');
    client.output.line(`${call.tag} OK LOGOUT completed`);
    client.logOut();
    return { text: '', silent: true };
  },
};
