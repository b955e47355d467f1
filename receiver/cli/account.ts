/** `posthouse account …`: people with mail. Their passwords become verifiers here and go no further. */
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

export const accountCommands: Record<string, Command> = { add, list, password, remove };

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
