import { PassThrough } from 'node:stream';
import type { ReadStream, WriteStream } from 'node:tty';
import { expect, test } from 'vitest';
import { Terminal } from '../../../receiver/cli/terminal.ts';

/** A person who types `keys`, each after the prompt it answers, and what the screen showed. */
function person(...answers: string[]) {
  const input = Object.assign(new PassThrough(), { isTTY: true, raw: false, setRawMode: (raw: boolean) => Object.assign(input, { raw }) });
  const screen = Object.assign(new PassThrough(), { isTTY: true });
  let shown = '';
  screen.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    if (text.endsWith(': ')) input.write(answers.shift() ?? '\u0003');
  });
  const terminal = new Terminal(input as unknown as ReadStream, new PassThrough(), screen as unknown as WriteStream);
  return { terminal, input, shown: () => shown };
}

test('a secret is asked for without echo, with the line editing people expect', async () => {
  const { terminal, input, shown } = person('wrong\u0015sex\u007fcret\r');
  expect(await terminal.secret('Password')).toBe('secret');
  expect(shown()).toBe('Password: \n');
  expect(input.raw).toBe(false);
});

test('a new secret is asked for twice, and two different ones change nothing', async () => {
  const same = person('secret\r', 'secret\r');
  expect(await same.terminal.secret('Password', { isNew: true })).toBe('secret');
  expect(same.shown()).toBe('Password: \nPassword again: \n');
  const different = person('secret\r', 'secrer\r');
  await expect(different.terminal.secret('Password', { isNew: true })).rejects.toThrow('did not match');
});

test('Ctrl-C at the prompt gives the terminal back', async () => {
  const { terminal, input } = person('half\u0003');
  await expect(terminal.secret('Password')).rejects.toThrow('Interrupted');
  expect(input.raw).toBe(false);
});

test('an emoji is erased whole', async () => {
  const { terminal } = person('a😀\u007fb\r');
  expect(await terminal.secret('Password')).toBe('ab');
});
