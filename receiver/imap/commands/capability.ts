/** CAPABILITY (RFC 9051 §6.1.1). */
import { capabilities } from '../capabilities.ts';
import { ANY, type Command } from '../client.ts';

export const capability: Command = {
  name: 'CAPABILITY',
  states: ANY,
  async run(client, args) {
    args.end();
    client.output.line(`* CAPABILITY ${capabilities(client)}`);
    return { text: 'CAPABILITY completed' };
  },
};
