/**
 * ENABLE (RFC 5161, RFC 9051 §6.3.1): extensions that change what we send. Unknown names are ignored, as the
 * RFC wants; ENABLED lists only what this command switched on. QRESYNC brings CONDSTORE with it (RFC 7162 §3.2.3).
 */
import { isOff } from '../capabilities.ts';
import { type Client, type Command, LOGGED_IN } from '../client.ts';
import { becomeAware } from '../manner.ts';
import { ANNOTATIONS } from '../notify/request.ts';

type Switch = (client: Client, name: string) => void;

const on: Switch = ({ enabled }, name) => {
  enabled.add(name);
};
/** By the name in upper case. */
const SWITCHES: Record<string, { spelling: string; switchOn: Switch }> = {
  IMAP4REV2: { spelling: 'IMAP4rev2', switchOn: on },
  'UTF8=ACCEPT': { spelling: 'UTF8=ACCEPT', switchOn: on },
  CONDSTORE: { spelling: 'CONDSTORE', switchOn: becomeAware },
  QRESYNC: {
    spelling: 'QRESYNC',
    switchOn: (client, name) => {
      on(client, name);
      becomeAware(client);
    },
  },
  UIDONLY: { spelling: 'UIDONLY', switchOn: on },
  METADATA: {
    spelling: 'METADATA',
    switchOn: (client, name) => {
      on(client, name);
      if (!client.notifier) client.notifyBy(ANNOTATIONS);
    },
  },
};

export const enable: Command = {
  name: 'ENABLE',
  states: LOGGED_IN,
  async run(client, args) {
    const names = new Set<string>();
    do {
      args.space();
      names.add(args.word('capability'));
    } while (!args.atEnd());
    const off = [...names].filter((name) => Object.hasOwn(SWITCHES, name) && !client.enabled.has(name) && !isOff(client, name));
    client.output.line(['* ENABLED', ...off.map((name) => SWITCHES[name]?.spelling ?? name)].join(' '));
    for (const name of off) SWITCHES[name]?.switchOn(client, name);
    return { text: 'ENABLE completed' };
  },
};
