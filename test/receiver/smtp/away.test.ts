/** The edge, the disk and the certificate in bad moods; the end of a receiver. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { describe, expect, it, vi } from 'vitest';
import packageJson from '../../../node_modules/smtp-server/package.json' with { type: 'json' };
import { SMTP_SERVER_VERSION } from '../../../receiver/smtp/internals.ts';
import { SpoolFull } from '../../../receiver/spool/folder.ts';
import { ensureLocalCertificate } from '../../../receiver/tls/local-ca.ts';
import { SmtpClient } from '../../support/smtp-transcript.ts';
import { startWorld, until } from './world.ts';

async function greet(port: number): Promise<SmtpClient> {
  const client = await SmtpClient.connect(port);
  await client.reply();
  await client.command('EHLO client.test');
  return client;
}

describe('while the edge is away', () => {
  it('known recipients get mail, unknown ones are asked to wait, and all arrives when it is back', async () => {
    const world = await startWorld();
    const client = await greet(world.ports.smtp);
    const message = { to: ['me@example.test'], data: 'Subject: x\r\n\r\nx' };
    expect(await client.deliver(message)).toMatch(/^250/);
    world.edge.away = true;
    for (let i = 0; i < 5; i++) expect(await client.deliver(message)).toMatch(/^250/);
    await client.command('MAIL FROM:<a@sender.test>');
    expect(await client.command('RCPT TO:<you@example.test>')).toMatch(/^451 4\.3\.0/);
    world.edge.away = false;
    await until(() => world.edge.stored.size === 6, 'six messages');
    client.close();
    await world.close();
  });
});

describe('a full disk', () => {
  it('is answered 452 4.3.1 and the next message is taken', async () => {
    const world = await startWorld();
    const client = await greet(world.ports.smtp);
    const add = vi.spyOn(world.spool.folder, 'add').mockRejectedValueOnce(new SpoolFull('ENOSPC'));
    expect(await client.deliver({ to: ['me@example.test'], data: 'x' })).toMatch(/^452 4\.3\.1/);
    add.mockRestore();
    vi.spyOn(world.spool.folder, 'hasRoom').mockResolvedValueOnce(false);
    expect(await client.command('MAIL FROM:<a@sender.test> SIZE=1000')).toMatch(/^452 4\.3\.1/);
    expect(await client.deliver({ to: ['me@example.test'], data: 'x' })).toMatch(/^250/);
    client.close();
    await world.close();
  });

  it('is no way to learn of our defects', async () => {
    const world = await startWorld();
    const client = await greet(world.ports.smtp);
    vi.spyOn(world.spool.folder, 'add').mockRejectedValueOnce(new Error('secret path /var/x'));
    expect(await client.deliver({ to: ['me@example.test'], data: 'x' })).toBe('451 4.3.0 local error, try again later');
    client.close();
    await world.close();
  });
});

describe('a new certificate', () => {
  it('is shown to new connections, and standing ones go on', async () => {
    const world = await startWorld();
    const folder = await mkdtemp(path.join(tmpdir(), 'posthouse-tls-'));
    const standing = await greet(world.ports.smtp);
    const before = await fingerprintAt(world.ports.submissions);
    const files = await ensureLocalCertificate(folder, ['mx.example.test']);
    const material = { key: await readFile(files.key), cert: await readFile(files.certificate) };
    world.tls.current = () => material;
    world.smtp.updateTls();
    expect(await fingerprintAt(world.ports.submissions)).not.toBe(before);
    expect(await standing.command('NOOP')).toMatch(/^250/);
    standing.close();
    await rm(folder, { recursive: true });
    await world.close();
  });
});

describe('closing', () => {
  it('tells idle clients 421 and lets a message in flight finish', async () => {
    const world = await startWorld();
    const idle = await greet(world.ports.smtp);
    const busy = await greet(world.ports.smtp);
    for (const line of ['MAIL FROM:<a@sender.test>', 'RCPT TO:<me@example.test>', 'DATA']) await busy.command(line);
    busy.send('Subject: x\r\n\r\n');
    const closing = world.smtp.close();
    expect(await idle.reply()).toMatch(/^421 4\.3\.2/);
    busy.send('last words\r\n.\r\n');
    expect(await busy.reply()).toMatch(/^250/);
    expect(await busy.reply()).toMatch(/^421/);
    idle.close();
    busy.close();
    await closing;
    await until(() => world.edge.stored.size === 1);
    await world.close();
  });

  it('does not wait for a client that never finishes', async () => {
    const world = await startWorld();
    const stuck = await greet(world.ports.smtp);
    for (const line of ['MAIL FROM:<a@sender.test>', 'RCPT TO:<me@example.test>', 'DATA']) await stuck.command(line);
    const begun = Date.now();
    await world.close();
    expect(Date.now() - begun).toBeLessThan(6000);
    stuck.close();
  });
});

describe('smtp-server', () => {
  it('is the version whose internals were read', () => {
    expect(packageJson.version).toBe(SMTP_SERVER_VERSION);
  });
});

function fingerprintAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
