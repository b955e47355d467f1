/** What servers and other people's names say to a person's terminal is text, never a command to it. */
import { PassThrough } from 'node:stream';
import type { ReadStream, WriteStream } from 'node:tty';
import { expect, test } from 'vitest';
import { findInstallation } from '../../../receiver/cli/installation.ts';
import { Terminal } from '../../../receiver/cli/terminal.ts';

test('results and remarks carry no control characters but line ends', () => {
  const streams = [new PassThrough(), new PassThrough()] as const;
  const terminal = new Terminal(process.stdin as ReadStream, streams[0], streams[1] as unknown as WriteStream);
  const hostile = 'a\u001b]0;title\u0007b\u009b2Jc\rd\ne';
  terminal.print(hostile);
  terminal.note(hostile);
  terminal.table(['name'], [[hostile]], '');
  for (const stream of streams) expect(String(stream.read())).toMatch(/^[ -~\n]+$/);
});

test('the admin token does not travel in clear text', () => {
  const admin = (url: string) => findInstallation({ POSTHOUSE_EDGE: url, POSTHOUSE_ADMIN_TOKEN_FILE: import.meta.filename }).admin();
  expect(() => admin('http://mail.example.org')).toThrow('https://');
  expect(() => admin('https://mail.example.org')).not.toThrow();
});
