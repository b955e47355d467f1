/** `posthouse alias …`: further addresses of an account, catch-alls, and what a catch-all shall not receive. */
import { type Command, UsageError } from './command.ts';

const CATCH_ALL_HELP = 'ADDRESS may be @domain: then the account gets what no other address of the domain takes.';

const add: Command = {
  words: ['ADDRESS', 'ACCOUNT'],
  summary: 'Adds an alias of an account, or with @domain a catch-all.',
  details: CATCH_ALL_HELP,
  async run({ words: [address = '', account = ''], installation, terminal }) {
    const alias = await installation.admin().putAlias(address, account);
    terminal.print(`${alias.address} goes to ${alias.account}.`);
  },
};

const block: Command = {
  words: ['ADDRESS'],
  summary: "Refuses mail for an address, although the domain's catch-all would take it.",
  async run({ words: [address = ''], installation, terminal }) {
    if (address.startsWith('@'))
      throw new UsageError('Only single addresses can be blocked; "posthouse alias remove @domain" ends a catch-all.');
    const alias = await installation.admin().putAlias(address, null);
    terminal.print(`${alias.address} is refused.`);
  },
};

const list: Command = {
  words: ['[ACCOUNT]'],
  summary: 'Lists the aliases, of one account or of all.',
  async run({ words: [account], installation, terminal }) {
    const aliases = await installation.admin().aliases(account);
    const rows = aliases.map(({ address, kind, account: owner }) => [address, owner ?? '(refused)', kind]);
    terminal.table(['address', 'goes to', 'kind'], rows, 'There are no aliases.');
  },
};

const remove: Command = {
  words: ['ADDRESS'],
  summary: 'Removes an alias, a catch-all or a block.',
  details: CATCH_ALL_HELP,
  async run({ words: [address = ''], installation, terminal }) {
    await installation.admin().removeAlias(address);
    terminal.note(`${address} is removed.`);
  },
};

export const aliasCommands: Record<string, Command> = { add, block, list, remove };
