/** What strangers and typing errors must not turn against the receiver: its log, its limits, and the way to the edge. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readConfig, SettingError } from '../../receiver/config.ts';
import { makeLog } from '../../receiver/log.ts';
import { networkOf } from '../../receiver/network.ts';

test('no field of the log can end its line or write to the terminal', () => {
  const lines: string[] = [];
  const log = makeLog((line) => lines.push(line));
  log.info('smtp.auth-failed', { username: 'a\u009b2J\u001b[2J\u0085\u2028\u202e\u007f\r\nforged' });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[ -~]+\n$/);
});

test('the edge is reached by https, but for one on this machine', () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'posthouse-config-'));
  const key = path.join(home, 'receiver.key');
  writeFileSync(key, `1:${'0'.repeat(64)}\n`);
  const read = (edge: string) =>
    readConfig({
      POSTHOUSE_HOME: home,
      POSTHOUSE_EDGE: edge,
      POSTHOUSE_HOSTNAME: 'mx.example.test',
      POSTHOUSE_RECEIVER_KEY_FILE: key,
      POSTHOUSE_TLS_CERT: 'cert.pem',
      POSTHOUSE_TLS_KEY: 'key.pem',
    }).edge;
  for (const edge of ['https://mail.example.test', 'http://127.0.0.1:8787', 'http://localhost:8787', 'http://[::1]:8787'])
    expect(read(edge)).toBe(edge);
  for (const edge of ['http://mail.example.test', 'http://127.0.0.1.example.test', 'ftp://127.0.0.1', 'mail']) {
    expect(() => read(edge), edge).toThrow(SettingError);
  }
  rmSync(home, { recursive: true });
});

test('a /64 counts as one network, however its addresses are written; every IPv4 address as its own', () => {
  const same = ['2001:db8::1', '2001:db8:0:0:ffff::2', '2001:0db8:0000:0000:1:2:3:4', '2001:DB8:0:0:5::'];
  expect(new Set(same.map(networkOf))).toEqual(new Set(['2001:db8:0:0']));
  expect(networkOf('2001:db8:0:1::1')).not.toBe(networkOf('2001:db8::1'));
  expect(networkOf('fe80::1%eth0')).toBe(networkOf('fe80::2%eth0'));
  expect(networkOf('::ffff:192.0.2.1')).toBe('192.0.2.1');
  expect(networkOf('192.0.2.1')).not.toBe(networkOf('192.0.2.2'));
  expect(networkOf('::1')).toBe('0:0:0:0');
});
