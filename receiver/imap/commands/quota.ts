/**
 * GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208). An account has one quota root, named by the empty string, for all its mailboxes; it
 * limits STORAGE or nothing. Limits are the administrator's affair, so QUOTASET is not offered and SETQUOTA refused.
 */
import { type Client, type Command, LOGGED_IN, sessionOf } from '../client.ts';
import { readMailboxName } from '../names.ts';
import { Refusal } from '../session.ts';
import type { Arguments } from '../wire/arguments.ts';
import { mailboxName } from '../wire/encoder.ts';

/** Octets in one unit of STORAGE (RFC 9208 §5.1). */
const UNIT = 1024;

export const getQuota: Command = {
  name: 'GETQUOTA',
  states: LOGGED_IN,
  async run(client, args) {
    readRoot(args);
    args.end();
    client.output.line(quotaLine(client));
    return { text: 'GETQUOTA completed' };
  },
};

export const getQuotaRoot: Command = {
  name: 'GETQUOTAROOT',
  states: LOGGED_IN,
  async run(client, args) {
    args.space();
    const name = readMailboxName(args, client);
    args.end();
    client.output.line(`* QUOTAROOT ${mailboxName(name, client.utf8)} ""`);
    client.output.line(quotaLine(client));
    return { text: 'GETQUOTAROOT completed' };
  },
};

export const setQuota: Command = {
  name: 'SETQUOTA',
  states: LOGGED_IN,
  async run(_client, args) {
    readRoot(args);
    args.space();
    args.list(() => {
      args.atom();
      args.space();
      args.number();
    });
    args.end();
    throw new Refusal('NOPERM', 'Limits are set by the administrator');
  },
};

function readRoot(args: Arguments): void {
  args.space();
  if (args.astring() !== '') throw new Refusal('NONEXISTENT', 'No such quota root');
}

/** Usage rounded up, so that a little is not nothing; the limit down, so that what is promised fits. */
function quotaLine(client: Client): string {
  const { octets, limit } = sessionOf(client).quota();
  return `* QUOTA "" (${limit === null ? '' : `STORAGE ${Math.ceil(octets / UNIT)} ${Math.floor(limit / UNIT)}`})`;
}
