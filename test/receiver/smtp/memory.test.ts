/** 50 MB pass through without being held: the receiver's resident memory stays under its budget (DESIGN.md, "Budgets"). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureLocalCertificate } from '../../../receiver/tls/local-ca.ts';
import { SmtpClient } from '../../support/smtp-transcript.ts';
import { tlsFolder } from './world.ts';

const MEGABYTE = 1024 * 1024;
const MESSAGE_MEGABYTES = 50;
/** DESIGN.md: receiver with a 50 MB message passing through. */
const RESIDENT_MAX = 220 * MEGABYTE;

let child: ChildProcess;
let port: number;

beforeAll(async () => {
  await ensureLocalCertificate(tlsFolder, ['mx.example.test']);
  child = spawn(process.execPath, [path.join(import.meta.dirname, 'memory-receiver.ts')], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, POSTHOUSE_TEST_TLS: tlsFolder },
  });
  const [line] = await once(child.stdout ?? child, 'data');
  port = Number(String(line));
}, 30_000);
afterAll(async () => {
  child.kill('SIGKILL');
  await rm(tlsFolder, { recursive: true });
});

/** The largest the process has ever been, in octets (Linux `VmHWM`). */
async function peakResident(): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

it('keeps a 50 MB message on disk, not in memory, from DATA to the edge', async () => {
  const client = await SmtpClient.connect(port);
  await client.reply();
  await client.command('EHLO client.test');
  for (const line of ['MAIL FROM:<a@sender.test>', 'RCPT TO:<me@example.test>', 'DATA']) await client.command(line);
  await client.write(
    Buffer.from(
      'From: a@sender.test\r\nSubject: large\r\nDKIM-Signature: v=1; a=rsa-sha256; d=sender.test; s=s; h=from; bh=x; b=y\r\n\r\n',
    ),
  );
  const megabyte = Buffer.from(`${'x'.repeat(62)}\r\n`.repeat(MEGABYTE / 64));
  for (let i = 0; i < MESSAGE_MEGABYTES; i++) await client.write(megabyte);
  const delivered = once(child, 'message');
  await client.write(Buffer.from('.\r\n'));
  expect(await client.reply()).toMatch(/^250/);
  const [octets] = await delivered;
  expect(octets).toBeGreaterThan(MESSAGE_MEGABYTES * MEGABYTE);
  expect(await peakResident()).toBeLessThan(RESIDENT_MAX);
  client.close();
}, 60_000);
