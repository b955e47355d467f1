/**
 * The person at the other end: results on stdout, everything else on stderr, secrets from a prompt that
 * does not echo, or from one line of stdin when that is no terminal.
 */
import type { ReadStream, WriteStream } from 'node:tty';
import { Failure } from './command.ts';

/** Characters of a secret: more is a file piped in by mistake. */
const SECRET_MAX = 1024;

const ENTER = new Set(['\r', '\n', '\u0004']);
const ERASE = new Set(['\u007f', '\b']);
const INTERRUPT = '\u0003';
const ERASE_LINE = '\u0015';

export class Terminal {
  readonly #input: ReadStream;
  readonly #output: NodeJS.WritableStream;
  readonly #notes: WriteStream;

  constructor(input: ReadStream = process.stdin, output: NodeJS.WritableStream = process.stdout, notes: WriteStream = process.stderr) {
    this.#input = input;
    this.#output = output;
    this.#notes = notes;
  }

  /** A result: what a script would read. */
  print(line: string): void {
    this.#output.write(`${shown(line)}\n`);
  }

  /** A remark for the person. */
  note(line: string): void {
    this.#notes.write(`${shown(line)}\n`);
  }

  /** A line that the next one overwrites; nothing when nobody watches. */
  progress(line: string): void {
    if (this.#notes.isTTY) this.#notes.write(`\r\u001b[K${line}`);
  }

  /** Rows in aligned columns; a remark instead when there are none. */
  table(header: string[], rows: string[][], none: string): void {
    const all = rows.length === 0 ? [] : [header, ...rows];
    if (all.length === 0) this.note(none);
    const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
    for (const row of all)
      this.print(
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd(),
      );
  }

  /** A secret: asked for (twice when it is a new one), or one line of stdin. */
  async secret(name: string, options: { isNew?: boolean } = {}): Promise<string> {
    if (!this.isAttended) return this.#firstLine(name);
    const secret = await this.#ask(`${name}: `);
    if (options.isNew && secret !== (await this.#ask(`${name} again: `))) throw new Failure('The two did not match. Nothing was changed.');
    return required(name, secret);
  }

  /** Whether a person is there to be asked. */
  get isAttended(): boolean {
    return this.#input.isTTY === true;
  }

  async #firstLine(name: string): Promise<string> {
    let text = '';
    this.#input.setEncoding('utf8');
    for await (const chunk of this.#input) {
      text += chunk;
      if (text.includes('\n') || text.length > SECRET_MAX) break;
    }
    const [line = ''] = text.split('\n', 1);
    return required(name, line.replace(/\r$/, ''));
  }

  #ask(prompt: string): Promise<string> {
    this.#notes.write(prompt);
    this.#input.setRawMode(true);
    this.#input.setEncoding('utf8');
    this.#input.resume();
    return new Promise((resolve, reject) => {
      let typed = '';
      const finish = (settle: () => void) => {
        this.#input.off('data', listen);
        this.#input.setRawMode(false);
        this.#input.pause();
        this.#notes.write('\n');
        settle();
      };
      const listen = (keys: string | Buffer) => {
        for (const key of String(keys)) {
          if (ENTER.has(key)) return finish(() => resolve(typed));
          if (key === INTERRUPT) return finish(() => reject(new Failure('Interrupted. Nothing was changed.')));
          if (key === ERASE_LINE) typed = '';
          else if (ERASE.has(key)) typed = [...typed].slice(0, -1).join('');
          else typed += key;
        }
      };
      this.#input.on('data', listen);
    });
  }
}

/** Names, and replies of other people's servers, are text: what a terminal would act on is left out, line ends aside. */
function shown(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not get through
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ');
}

function required(name: string, secret: string): string {
  if (secret === '') throw new Failure(`The ${name.toLowerCase()} is empty. Type it at the prompt, or pipe one line to stdin.`);
  if (secret.length > SECRET_MAX) throw new Failure(`The ${name.toLowerCase()} is longer than ${SECRET_MAX} characters.`);
  return secret;
}

/** `2026-11-22 04:40` in UTC; a dash for never. */
export function formatTime(milliseconds: number | null): string {
  return milliseconds === null ? '-' : new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ');
}
