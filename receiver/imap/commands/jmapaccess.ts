/**
 * GETJMAPACCESS (RFC 9698): where the same mail is found by JMAP, under the same ids. An app password or a bearer token that opened
 * this connection opens that one as well; people's own passwords go by SCRAM there (DESIGN.md, invariant 7).
 */
import { type Command, LOGGED_IN } from '../client.ts';
import { Malformed } from '../wire/arguments.ts';
import { string } from '../wire/encoder.ts';

export const getJmapAccess: Command = {
  name: 'GETJMAPACCESS',
  states: LOGGED_IN,
  async run(client, args) {
    args.end();
    if (client.jmapSession === null) throw new Malformed('Unknown command');
    client.output.line(`* JMAPACCESS ${string(client.jmapSession)}`);
    return { text: 'GETJMAPACCESS completed' };
  },
};
