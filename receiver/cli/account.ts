/** `posthouse account …`: people with mail. Their passwords become verifiers here and go no further. */
import { SWITCHABLE } from '../imap/capabilities.ts';
import { type Command, Failure, UsageError } from './command.ts';
import { formatTime } from './terminal.ts';

/** Fewer is guessed; the derivation slows that down but does not stop it. */
const PASSWORD_MIN = 8;

const UNITS: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

const add: Command = {
  words: ['ADDRESS'],
  summary: 'Adds an account in one of our domains.',
  details: 'A new domain is added first: posthouse domain add. The password is asked for twice, or read as one line from stdin.',
  options: {
    name: { type: 'string', value: 'NAME', help: 'Display name, e.g. "Ada Lovelace".' },
    quota: { type: 'string', value: 'SIZE', help: 'Most octets of mail, e.g. 500M or 10G. No limit without it.' },
  },
  async run({ words: [address = ''], value, installation, terminal }) {
    const quota = value('quota') === undefined ? undefined : parseSize(value('quota') ?? '');
    const admin = installation.admin();
    const password = strongEnough(await terminal.secret('Password', { isNew: true }));
    const account = await admin.addAccount(address, password, { name: value('name'), quota });
    terminal.print(`${account.address} is account ${account.id}.`);
  },
};

const list: Command = {
  words: [],
  summary: 'Lists the accounts.',
  async run({ installation, terminal }) {
    const accounts = await installation.admin().accounts();
    const rows = accounts.map(({ id, address, name, quota, createdAt }) => [
      String(id),
      address,
      name,
      quota === null ? '-' : formatSize(quota),
      formatTime(createdAt),
    ]);
    terminal.table(['id', 'address', 'name', 'quota', 'since'], rows, 'There are no accounts yet: posthouse account add ADDRESS');
  },
};

const password: Command = {
  words: ['ADDRESS'],
  summary: 'Changes the password; sessions of the old one end, app passwords stay.',
  details: 'The password is asked for twice, or read as one line from stdin.',
  async run({ words: [address = ''], installation, terminal }) {
    const admin = installation.admin();
    const account = await admin.account(address);
    await admin.setPassword(account.address, strongEnough(await terminal.secret('New password', { isNew: true })));
    terminal.note(`The password of ${account.address} is changed.`);
  },
};

const remove: Command = {
  words: ['ADDRESS'],
  summary: 'Removes an account, its addresses and its passwords. Nobody can log in or write to it any more.',
  options: { yes: { type: 'boolean', help: 'Needed at a terminal: removing an account cannot be undone.' } },
  async run({ words: [address = ''], value, installation, terminal }) {
    if (terminal.isAttended && value('yes') === undefined) {
      throw new Failure(`Nothing was removed, because it cannot be undone. To remove ${address} for good, say it with --yes.`);
    }
    await installation.admin().removeAccount(address);
    terminal.note(`${address} is removed.`);
  },
};

const imap: Command = {
  words: ['ADDRESS'],
  summary: 'Switches IMAP capabilities off for one account, or on again, because a mail program cannot live with them.',
  details: 'Counts for connections that log in from now on, after five minutes at the latest. Without options it shows what is off.',
  options: {
    without: {
      type: 'string',
      value: 'NAME',
      multiple: true,
      help: 'A capability to switch off, e.g. COMPRESS=DEFLATE. May be given again.',
    },
    with: { type: 'string', value: 'NAME', multiple: true, help: 'A capability to switch on again.' },
  },
  async run({ words: [address = ''], values, installation, terminal }) {
    const admin = installation.admin();
    const account = await admin.account(address);
    const off = new Set(account.imapWithout);
    for (const name of values('without')) off.add(switchable(name));
    for (const name of values('with')) off.delete(name.toUpperCase());
    const changed = values('without').length + values('with').length > 0;
    const names = changed ? (await admin.setImapWithout(account.address, [...off])).imapWithout : account.imapWithout;
    terminal.print(`${account.address} has ${names.length === 0 ? 'every IMAP capability' : `IMAP without ${names.join(' ')}`}.`);
  },
};

export const accountCommands: Record<string, Command> = { add, imap, list, password, remove };

function switchable(name: string): string {
  const upper = name.toUpperCase();
  if (SWITCHABLE.has(upper)) return upper;
  throw new Failure(`${/^[\w=+-]{1,40}$/.test(name) ? name : 'This'} cannot be switched off. What can: ${[...SWITCHABLE].join(' ')}`);
}

function strongEnough(text: string): string {
  if ([...text].length >= PASSWORD_MIN) return text;
  throw new Failure(`The password has fewer than ${PASSWORD_MIN} characters. Nothing was changed.`);
}

function parseSize(text: string): number {
  const [, number, unit = ''] = /^(\d{1,12})([KMGT]?)$/i.exec(text) ?? [];
  const size = Number(number) * (UNITS[unit.toUpperCase()] ?? Number.NaN);
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new UsageError('--quota must be a number with K, M, G or T, e.g. 10G.');
}

function formatSize(octets: number): string {
  const unit = Object.keys(UNITS).findLast((name) => octets % (UNITS[name] ?? 1) === 0) ?? '';
  return `${octets / (UNITS[unit] ?? 1)}${unit}`;
}
