/** `posthouse app-password …`: random secrets for programs, each of which can be withdrawn alone. */
import { randomBytes } from 'node:crypto';
import { type Command, UsageError } from './command.ts';
import { formatTime } from './terminal.ts';

/** RFC 4648 §6, lower case. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
/** 26 of them are 130 bits: only a truly random secret may be kept as a plain SHA-256 (invariant 7). */
const SECRET_LENGTH = 26;

const add: Command = {
  words: ['ACCOUNT', '[LABEL]'],
  summary: 'Makes an app password and prints it, once.',
  details: 'LABEL says what it is for, e.g. phone. The secret serves IMAP, SMTP and JMAP (HTTP Basic).',
  async run({ words: [address = '', label = 'app password'], installation, terminal }) {
    const secret = makeSecret();
    const { id } = await installation.admin().addAppPassword(address, label, secret);
    terminal.note(`App password ${id} of ${address}; it is not shown again:`);
    terminal.print(secret);
  },
};

const list: Command = {
  words: ['ACCOUNT'],
  summary: 'Lists the app passwords of an account, not their secrets.',
  async run({ words: [address = ''], installation, terminal }) {
    const passwords = await installation.admin().appPasswords(address);
    const rows = passwords.map(({ id, label, createdAt, lastUsedAt }) => [
      String(id),
      label,
      formatTime(createdAt),
      formatTime(lastUsedAt),
    ]);
    terminal.table(['id', 'label', 'since', 'last used'], rows, `${address} has no app passwords.`);
  },
};

const remove: Command = {
  words: ['ACCOUNT', 'ID'],
  summary: 'Withdraws an app password; what logged in with it is out.',
  async run({ words: [address = '', id = ''], installation, terminal }) {
    if (!/^\d{1,15}$/.test(id)) throw new UsageError('ID must be the number that "posthouse app-password list" shows.');
    await installation.admin().removeAppPassword(address, Number(id));
    terminal.note(`App password ${id} of ${address} is withdrawn.`);
  },
};

export const appPasswordCommands: Record<string, Command> = { add, list, remove };

/** A random secret without characters that are misread or need quoting. */
export function makeSecret(): string {
  return Array.from(randomBytes(SECRET_LENGTH), (octet) => BASE32[octet % BASE32.length]).join('');
}
