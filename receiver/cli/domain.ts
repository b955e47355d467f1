/** `posthouse domain …`: the domains we take mail for, and what their MTA-STS policy asks of senders (RFC 8461). */
import { type Command, UsageError } from './command.ts';

const DAY_SECONDS = 86_400;
const MTA_STS_MODES = ['none', 'testing', 'enforce'];

const add: Command = {
  words: ['DOMAIN'],
  summary: 'Adds a domain, or changes the one that is there.',
  details: 'Until an account is named, the first account or alias of the domain becomes its postmaster.',
  options: {
    postmaster: { type: 'string', value: 'ADDRESS', help: 'The account that gets mail for postmaster@ and for vanished addresses.' },
    'mta-sts': { type: 'string', value: 'MODE', help: `${MTA_STS_MODES.join(', ')}: whether senders must use TLS (testing at first).` },
    'mta-sts-days': { type: 'string', value: 'N', help: 'How long senders keep the policy (1 day at first).' },
  },
  async run({ words: [name = ''], value, installation, terminal }) {
    const mode = value('mta-sts');
    if (mode !== undefined && !MTA_STS_MODES.includes(mode)) throw new UsageError(`--mta-sts must be one of ${MTA_STS_MODES.join(', ')}.`);
    const days = value('mta-sts-days');
    if (days !== undefined && !/^[1-9]\d{0,2}$/.test(days)) throw new UsageError('--mta-sts-days must be a number of days from 1 to 365.');
    const change = {
      postmaster: value('postmaster'),
      mtaStsMode: mode,
      mtaStsMaxAge: days === undefined ? undefined : Number(days) * DAY_SECONDS,
    };
    const domain = await installation.admin().putDomain(name, change);
    terminal.print(`${domain.name} takes mail; its postmaster is ${domain.postmaster ?? 'its first account, once there is one'}.`);
  },
};

const list: Command = {
  words: [],
  summary: 'Lists the domains.',
  async run({ installation, terminal }) {
    const domains = await installation.admin().domains();
    const rows = domains.map(({ name, postmaster, mtaStsMode, mtaStsMaxAge }) => [
      name,
      postmaster ?? '-',
      `${mtaStsMode}, ${Math.round(mtaStsMaxAge / DAY_SECONDS)} d`,
    ]);
    terminal.table(['domain', 'postmaster', 'MTA-STS'], rows, 'There are no domains yet: posthouse domain add DOMAIN');
  },
};

export const domainCommands: Record<string, Command> = { add, list };
