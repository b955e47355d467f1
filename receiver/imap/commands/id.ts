/**
 * ID (RFC 2971): Apple Mail and Thunderbird ask, some give up without an answer. What the client says of itself is
 * checked for its bounds (30 pairs, §3.3) and forgotten.
 */
import { ANY, type Command } from '../client.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';

const PAIRS_MAX = 30;

export const id: Command = {
  name: 'ID',
  states: ANY,
  async run(client, args) {
    args.space();
    readParameters(args);
    args.end();
    client.output.line('* ID ("name" "Posthouse")');
    return { text: 'ID completed' };
  },
};

function readParameters(args: Arguments): void {
  if (args.peek() !== '(') {
    if (args.nstring() !== null) throw new Malformed('Expected a list or NIL');
    return;
  }
  const strings = args.list(() => args.nstring());
  if (strings.length % 2 !== 0) throw new Malformed('A field has no value');
  if (strings.length > PAIRS_MAX * 2) throw new Malformed('Too many fields');
}
