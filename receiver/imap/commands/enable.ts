/**
 * ENABLE (RFC 5161, RFC 9051 §6.3.1): extensions that change what we send. Unknown names are ignored, as the
 * RFC wants; ENABLED lists only what this command switched on.
 */
import { type Command, LOGGED_IN } from '../client.ts';

const SWITCHES = new Set(['IMAP4REV2', 'UTF8=ACCEPT']);
const SPELLING: Record<string, string> = { IMAP4REV2: 'IMAP4rev2' };

export const enable: Command = {
  name: 'ENABLE',
  states: LOGGED_IN,
  async run(client, args) {
    const switchedOn: string[] = [];
    do {
      args.space();
      const name = args.word('capability');
      if (!SWITCHES.has(name) || client.enabled.has(name)) continue;
      client.enabled.add(name);
      switchedOn.push(SPELLING[name] ?? name);
    } while (!args.atEnd());
    client.output.line(['* ENABLED', ...switchedOn].join(' '));
    return { text: 'ENABLE completed' };
  },
};
