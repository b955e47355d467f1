/**
 * `npm run posthouse -- <command>`: administration of the embedded default and of a deployment alike.
 * Exit codes: 0 done, 1 not done (with the reason on stderr), 2 not understood.
 */
import { SettingError } from '../config.ts';
import { AdminRefused } from '../edge-admin.ts';
import { accountCommands } from './account.ts';
import { aliasCommands } from './alias.ts';
import { appPasswordCommands } from './app-password.ts';
import { type Command, Failure, helpOf, readWords, UsageError, usageOf } from './command.ts';
import { deliverCommand } from './deliver.ts';
import { domainCommands } from './domain.ts';
import { findInstallation } from './installation.ts';
import { receiverCommands } from './receiver.ts';
import { relayCommands } from './relay.ts';
import { Terminal } from './terminal.ts';

/** Every command, by its name of one or two words. */
const COMMANDS: Record<string, Command | undefined> = {
  ...named('domain', domainCommands),
  ...named('account', accountCommands),
  ...named('app-password', appPasswordCommands),
  ...named('alias', aliasCommands),
  ...named('receiver', receiverCommands),
  ...named('relay', relayCommands),
  deliver: deliverCommand,
};

function named(group: string, commands: Record<string, Command>): Record<string, Command> {
  return Object.fromEntries(Object.entries(commands).map(([name, command]) => [`${group} ${name}`, command]));
}

/** The command the words begin with, its name and what follows it. */
function findCommand(argv: string[]): { name: string; command: Command; rest: string[] } | null {
  for (const length of [2, 1]) {
    const name = argv.slice(0, length).join(' ');
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command) return { name, command, rest: argv.slice(length) };
  }
  return null;
}

/** The list of commands, of one group or all. */
function overview(group = ''): string {
  const entries = Object.entries(COMMANDS).flatMap(([name, command]) => (command && name.startsWith(group) ? [{ name, command }] : []));
  const lines = entries.map(({ name, command }) => [usageOf(name, command), command.summary] as const);
  const width = Math.max(...lines.map(([usage]) => usage.length));
  const list = lines.map(([usage, summary]) => `  ${usage.padEnd(width)}  ${summary}`).join('\n');
  return `posthouse <command>\n\n${list}\n\n"posthouse <command> --help" tells more about one.
It talks to what "npm start" runs, or to the deployment that POSTHOUSE_EDGE and POSTHOUSE_ADMIN_TOKEN_FILE name.\n`;
}

async function run(argv: string[], terminal: Terminal): Promise<number> {
  const found = findCommand(argv);
  if (!found) return answerUnknown(argv, terminal);
  const words = readWords(found.command, found.rest);
  if (words === null) {
    terminal.print(helpOf(found.name, found.command));
    return 0;
  }
  await found.command.run({ ...words, installation: findInstallation(process.env), terminal });
  return 0;
}

function answerUnknown([first = '--help', second]: string[], terminal: Terminal): number {
  const isGroup = Object.keys(COMMANDS).some((name) => name.startsWith(`${first} `));
  const asksForHelp = ['--help', '-h', 'help'].includes(second ?? first);
  if (asksForHelp || (isGroup && second === undefined)) {
    terminal.print(overview(isGroup ? `${first} ` : ''));
    return 0;
  }
  terminal.note(`There is no such command.\n\n${overview(isGroup ? `${first} ` : '')}`);
  return 2;
}

/** What went wrong, for a person; a defect of ours keeps its stack. */
function report(error: unknown, terminal: Terminal): number {
  if (error instanceof UsageError) {
    terminal.note(`posthouse: ${error.message} See --help.`);
    return 2;
  }
  const isExpected = error instanceof Failure || error instanceof AdminRefused || error instanceof SettingError;
  terminal.note(`posthouse: ${isExpected ? error.message : error instanceof Error ? error.stack : error}`);
  return 1;
}

const terminal = new Terminal();
process.exitCode = await run(process.argv.slice(2), terminal).catch((error) => report(error, terminal));
// A prompt or a pipe nobody closed must not keep the process.
process.stdin.destroy();
