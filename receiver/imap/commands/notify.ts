/**
 * NOTIFY (RFC 5465 §3.1). A successful one tells at once what had gathered (an implicit NOOP), under the rules that held before;
 * with STATUS also where the watched mailboxes stand.
 */
import { type Command, LOGGED_IN } from '../client.ts';
import { mannerOf } from '../manner.ts';
import { readNotify } from '../notify/request.ts';

export const notify: Command = {
  name: 'NOTIFY',
  states: LOGGED_IN,
  async run(client, args) {
    const request = readNotify(client, args);
    if (client.selection) {
      client.selection.wanted = null;
      client.selection.tell(client.output, true, mannerOf(client));
    }
    const notifier = client.notifyBy(request);
    if (request.status) await notifier.tellStatus();
    return { text: 'NOTIFY completed' };
  },
};
