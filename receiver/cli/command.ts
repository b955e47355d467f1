/**
 * What a command is, and how its words are read. Unknown options and surplus words are refused without
 * repeating them, because people do type passwords there, and those must not end up in a log.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Installation } from './installation.ts';
import type { Terminal } from './terminal.ts';

export interface Option {
  type: 'string' | 'boolean';
  /** Stands for the value in the help: `--name NAME`. */
  value?: string;
  help: string;
  multiple?: boolean;
}

/** What a command gets to work with. */
export interface Call {
  /** The words after the command's name, as many as `words` says. */
  words: string[];
  /** Values of one option, in order; empty when it was not given. */
  values(option: string): string[];
  /** The value of an option, or undefined. */
  value(option: string): string | undefined;
  installation: Installation;
  terminal: Terminal;
}

export interface Command {
  /** Names of its words, e.g. `['ADDRESS', 'LABEL']`; `[X]` may be left out, `X…` takes the rest. */
  words: readonly string[];
  /** One line for the list of commands. */
  summary: string;
  /** What else a person should know, for `--help`. */
  details?: string;
  options?: Record<string, Option>;
  run(call: Call): Promise<void>;
}

/** The command line cannot be understood: exit code 2. */
export class UsageError extends Error {}
/** The command could not be done: exit code 1. */
export class Failure extends Error {}

/** The words and options of a command; null when help was asked for. Throws `UsageError`. */
export function readWords(command: Command, argv: string[]): Pick<Call, 'words' | 'values' | 'value'> | null {
  const options: ParseArgsConfig['options'] = { help: { type: 'boolean', short: 'h' } };
  for (const [name, { type }] of Object.entries(command.options ?? {})) options[name] = { type, multiple: true };
  const { values, positionals } = parsed(argv, options);
  if (values.help) return null;
  requireCount(command, positionals);
  const all = (option: string) => [values[option] ?? []].flat().map(String);
  return { words: positionals, values: all, value: (option) => all(option).at(-1) };
}

interface Parsed {
  values: Record<string, string | boolean | (string | boolean)[] | undefined>;
  positionals: string[];
}

function parsed(argv: string[], options: ParseArgsConfig['options']): Parsed {
  try {
    return parseArgs({ args: argv, options, allowPositionals: true, strict: true });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      throw new UsageError(
        'There is an option this command does not have. Passwords and keys are never options: they are asked for, or read from stdin.',
      );
    }
    throw new UsageError('An option lacks its value, or has one it does not take.');
  }
}

function requireCount({ words }: Command, given: string[]): void {
  const required = words.filter((word) => !word.startsWith('['));
  const missing = required[given.length];
  if (missing !== undefined) throw new UsageError(`${missing.replace('…', '')} is missing.`);
  if (given.length <= words.length || words.at(-1)?.endsWith('…')) return;
  throw new UsageError(
    'There are more words than this command takes. Passwords and keys are never arguments: they are asked for, or read from stdin.',
  );
}

/** The help of one command. */
export function helpOf(name: string, command: Command): string {
  const options = Object.entries({ ...command.options, help: { type: 'boolean', help: 'Shows this.' } satisfies Option });
  const lines = options.map(([option, { value, help }]: [string, Option]) => [`  --${option}${value ? ` ${value}` : ''}`, help] as const);
  const width = Math.max(...lines.map(([left]) => left.length));
  const details = command.details ? `\n${command.details}\n` : '';
  const list = lines.map(([left, help]) => `${left.padEnd(width)}  ${help}`).join('\n');
  return `posthouse ${usageOf(name, command)}\n\n${command.summary}\n${details}\n${list}\n`;
}

/** `account add ADDRESS [options]` */
export function usageOf(name: string, command: Command): string {
  return [name, ...command.words, ...(command.options ? ['[options]'] : [])].join(' ');
}
