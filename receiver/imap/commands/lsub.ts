/**
 * LSUB (RFC 3501 §6.3.9), for IMAP4rev1 clients. With `%` a parent whose child is subscribed is shown as
 * `\Noselect`, as the RFC describes; so is a name whose mailbox is gone.
 */
import { type Command, LOGGED_IN, sessionOf } from '../client.ts';
import { listLine, matchesPattern, SEPARATOR } from '../listing.ts';
import { decodeName } from '../names.ts';
import type { Mailbox } from '../session.ts';
import { orphanedNames } from '../subscriptions.ts';
import { Malformed } from '../wire/arguments.ts';
import { mailboxName } from '../wire/encoder.ts';

/** As in LIST: matching costs the name's length times the pattern's, here for each level. */
const PATTERN_MAX = 1024;

export const lsub: Command = {
  name: 'LSUB',
  states: LOGGED_IN,
  async run(client, args) {
    args.space();
    const reference = decodeName(args.astring(), client);
    args.space();
    const pattern = reference + decodeName(args.pattern(), client);
    args.end();
    if (pattern.length > PATTERN_MAX) throw new Malformed('Pattern too long');
    const shown = new Set<string>();
    for (const mailbox of sessionOf(client).mailboxes()) {
      if (!mailbox.subscribed) continue;
      const name = visibleName(mailbox, pattern);
      if (name === null || shown.has(name)) continue;
      shown.add(name);
      const attributes = name === mailbox.name ? undefined : ['\\Noselect'];
      client.output.line(listLine({ ...mailbox, name }, client.utf8, { attributes }, 'LSUB'));
    }
    for (const name of orphanedNames(sessionOf(client))) {
      if (matchesPattern(name, pattern)) client.output.line(`* LSUB (\\Noselect) "${SEPARATOR}" ${mailboxName(name, client.utf8)}`);
    }
    return { text: 'LSUB completed' };
  },
};

/** The mailbox's own name when it matches, else the longest parent's that does. */
function visibleName(mailbox: Mailbox, pattern: string): string | null {
  const levels = mailbox.name.split('/');
  for (let count = levels.length; count > 0; count -= 1) {
    const name = levels.slice(0, count).join('/');
    if (matchesPattern(name, pattern)) return name;
  }
  return null;
}
