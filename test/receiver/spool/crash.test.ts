/** kill -9 at random moments: every message that got its 250 is in the spool exactly once (DESIGN.md, invariant 3). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openSpoolFolder } from '../../../receiver/spool/folder.ts';
import { ensureLocalCertificate } from '../../../receiver/tls/local-ca.ts';
import { SmtpClient } from '../../support/smtp-transcript.ts';
import { digest, EventLog, tlsFolder, until } from '../smtp/world.ts';

const RUNS = 5;
const CLIENTS = 4;

async function startReceiver(folder: string): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'crash-receiver.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, POSTHOUSE_TEST_TLS: tlsFolder },
  });
  const [line] = await once(child.stdout ?? child, 'data');
  return { child, port: Number(String(line)) };
}

/** Delivers message after message until the connection breaks; notes those that got 250. */
async function deliverUntilKilled(port: number, name: string, acknowledged: Set<string>): Promise<void> {
  try {
    const client = await SmtpClient.connect(port);
    await client.reply();
    await client.command('EHLO client.test');
    for (let i = 0; ; i++) {
      const marker = `${name}-${i}`;
      const filler = 'x'.repeat(70 * (i % 10 === 9 ? 5000 : 5)).replace(/.{70}/g, '$&\r\n');
      const reply = await client.deliver({ to: ['me@example.test'], data: `Subject: ${marker}\r\n\r\n${filler}end` });
      if (!reply.startsWith('250')) throw new Error(reply);
      acknowledged.add(marker);
    }
  } catch {
    // the receiver was killed
  }
}

it('loses nothing and doubles nothing that it said 250 to', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'posthouse-crash-'));
  const acknowledged = new Set<string>();
  await ensureLocalCertificate(tlsFolder, ['mx.example.test']);
  for (let run = 0; run < RUNS; run++) {
    const { child, port } = await startReceiver(folder);
    const senders = Array.from({ length: CLIENTS }, (_, c) => deliverUntilKilled(port, `${run}-${c}`, acknowledged));
    const before = acknowledged.size;
    const enough = Math.floor(Math.random() * 60);
    await until(() => acknowledged.size - before > enough, 'messages with a 250');
    child.kill('SIGKILL');
    await Promise.all(senders);
  }
  const spool = await openSpoolFolder(path.join(folder, 'spool'), { log: new EventLog() });
  const found: string[] = [];
  for (const [spoolId] of spool.waiting()) {
    const octets = await readFile(spool.originalPath(spoolId));
    const entry = await spool.read(spoolId);
    expect(entry?.sha256).toBe(digest(octets));
    expect(octets.subarray(-5).toString()).toBe('end\r\n');
    found.push(/Subject: (\S+)/.exec(octets.toString('latin1'))?.[1] ?? '');
  }
  expect(acknowledged.size).toBeGreaterThan(RUNS);
  expect(new Set(found).size).toBe(found.length);
  expect([...acknowledged].filter((marker) => !found.includes(marker))).toEqual([]);
  await spool.close();
  await rm(folder, { recursive: true, force: true });
  await rm(tlsFolder, { recursive: true });
}, 30_000);
