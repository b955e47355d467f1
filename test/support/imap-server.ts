/**
 * An IMAP server for tests, over the memory session unless told otherwise, with one account and a certificate made for the
 * occasion.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MemoryAccount } from '../../receiver/imap/memory-account.ts';
import { MemoryBackend } from '../../receiver/imap/memory-session.ts';
import { type ImapOptions, type ImapServer, startImap } from '../../receiver/imap/server.ts';

export const USER = 'me@example.test';
export const PASSWORD = 'posthouse-demo';
/** Octets of the largest message it takes. */
export const SIZE_LIMIT = 8 * 1024 * 1024;

/** Defects the server logged; a test that provokes none expects this to stay empty. */
export interface TestServer extends ImapServer {
  account: MemoryAccount;
  defects: string[];
}

/** Starts a server; the memory backend's account is `USER` with `PASSWORD`. */
export async function startTestServer(options: Partial<ImapOptions> = {}): Promise<TestServer> {
  const backend = new MemoryBackend();
  const account = backend.add(USER, PASSWORD);
  const defects: string[] = [];
  const server = await startImap({
    listen: '127.0.0.1',
    ports: { imap: 0, imaps: 0 },
    tls: certificate,
    backend,
    hostname: 'mail.example.test',
    messageSizeLimit: SIZE_LIMIT,
    log: { warn: (event, fields) => defects.push(`${event} ${JSON.stringify(fields)}`) },
    ...options,
  });
  return { ...server, account, defects };
}

let made: { key: Buffer; cert: Buffer } | null = null;

/** A self-signed certificate, made once per process. */
export function certificate(): { key: Buffer; cert: Buffer } {
  if (made) return made;
  const folder = mkdtempSync(path.join(tmpdir(), 'posthouse-test-tls-'));
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', [...request, '-subj', '/CN=mail.example.test', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  made = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });
  return made;
}
