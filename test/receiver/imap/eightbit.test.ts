/** What counts as an 8-bit header (RFC 6855 §4), in memory and in a file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { hasEightBitHeader } from '../../../receiver/imap/eightbit.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'posthouse-eightbit-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MESSAGES: [string, boolean][] = [
  ['Subject: plain\r\n\r\nbody', false],
  ['Subject: plain\r\n\r\nX: caf\xe9', false],
  ['Subject: caf\xe9\r\n\r\nbody', true],
  ['Subject: folded\r\n caf\xe9\r\n\r\nbody', true],
  ['A: b\nSubject: bare line feeds \xc3\xa9\n\nbody', true],
  ['no header at all \xe9', false],
  ['Subject: no end \xe9', true],
  ['', false],
];

test.each(MESSAGES)('%j: %s', async (message, expected) => {
  const octets = Buffer.from(message, 'latin1');
  const file = path.join(folder, 'message');
  writeFileSync(file, octets);
  expect(await hasEightBitHeader(octets)).toBe(expected);
  expect(await hasEightBitHeader({ path: file, size: octets.length })).toBe(expected);
});
