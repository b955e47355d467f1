/** COMPRESS (RFC 4978 §3). Twice is refused; so is what a client sent ahead in the clear, which is thrown away as behind STARTTLS. */
import { type Command, LOGGED_IN } from '../client.ts';
import { Refusal } from '../session.ts';

export const compress: Command = {
  name: 'COMPRESS',
  states: LOGGED_IN,
  async run(client, args, call) {
    args.space();
    const mechanism = args.word('mechanism');
    args.end();
    if (mechanism !== 'DEFLATE') throw new Refusal('CANNOT', 'Unknown mechanism');
    if (client.compressed) throw new Refusal('COMPRESSIONACTIVE', 'Compression is active already');
    client.output.line(`${call.tag} OK DEFLATE active`);
    client.compress();
    return { text: '', silent: true };
  },
};
