/**
 * The whole product for a scenario: `npm start`'s own entry in a home of its own, on free ports, and the ways a
 * person's programs reach it. Everything it starts ends with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ImapFlow } from 'imapflow';
import SMTPConnection from 'nodemailer/lib/smtp-connection/index.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Ports that `0` in the environment leaves to the system. */
const PORTS = ['HTTP', 'SMTP', 'SUBMISSION', 'SUBMISSIONS', 'IMAP', 'IMAPS', 'POP3', 'POP3S', 'METRICS'] as const;
/** Starting takes about three seconds here; a machine under load gets ten times that. */
const READY_PATIENCE_MS = 60_000;

/** `ready.json` as DESIGN.md fixes it. */
export interface Ready {
  http: string;
  smtp: number;
  submission: number;
  submissions: number;
  imap: number;
  imaps: number;
  pop3: number;
  pop3s: number;
  metrics: number;
  pid: number;
  ca: string;
  adminToken: string;
  accounts: { address: string; password: string; appPassword: string }[];
}

export interface Posthouse {
  home: string;
  ready: Ready;
  /** What it wrote to standard output and error so far. */
  output(): string;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<number | null>;
  /** SIGKILL to the supervisor; `start` again finds the home as it was. */
  kill(): Promise<void>;
  /** Starts in the same home, on the same ports. */
  start(): Promise<void>;
  /** Stops it and removes the home. */
  dispose(): Promise<void>;
}

/** Starts `npm start`'s entry in a fresh home. `env` overrides settings. */
export async function startPosthouse(env: Record<string, string> = {}): Promise<Posthouse> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'posthouse-'));
  let ports: Record<string, string> = Object.fromEntries(PORTS.map((name) => [`POSTHOUSE_${name}_PORT`, '0']));
  let child: ChildProcess;
  let output = '';
  const start = async () => {
    child = spawn(process.execPath, [path.join(ROOT, 'receiver/embedded/start.ts')], {
      cwd: ROOT,
      env: { ...process.env, ...ports, ...env, POSTHOUSE_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await readyLine(child, (chunk) => {
      output += chunk;
    });
    posthouse.ready = JSON.parse(await readFile(path.join(home, 'ready.json'), 'utf8')) as Ready;
    ports = Object.fromEntries(PORTS.map((name) => [`POSTHOUSE_${name}_PORT`, String(portOf(posthouse.ready, name))]));
  };
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    return child.exitCode;
  };
  const posthouse: Posthouse = {
    home,
    ready: undefined as unknown as Ready, // filled by start(), before anybody sees it
    output: () => output,
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
    },
    start,
    async dispose() {
      await end('SIGTERM');
      await rm(home, { recursive: true, force: true });
    },
  };
  await start();
  return posthouse;
}

function portOf(ready: Ready, name: (typeof PORTS)[number]): number {
  if (name === 'HTTP') return Number(new URL(ready.http).port);
  return ready[name.toLowerCase() as 'smtp'];
}

function readyLine(child: ChildProcess, note: (chunk: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const read = (chunk: Buffer) => {
      seen += chunk;
      note(String(chunk));
      if (/^posthouse is ready/m.test(seen)) settle(resolve);
    };
    const settle = (act: () => void) => {
      clearTimeout(patience);
      act();
    };
    const patience = setTimeout(() => settle(() => reject(new Error(`not ready in time:\n${seen}`))), READY_PATIENCE_MS);
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', (code) => settle(() => reject(new Error(`it ended with ${code} before it was ready:\n${seen}`))));
  });
}

/** Polls a condition until it holds; a scenario waits for what it wants, never for time. */
export async function until<T>(what: string, look: () => Promise<T | false | undefined | null>, patience = 30_000): Promise<T> {
  const deadline = Date.now() + patience;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${patience} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** An IMAP connection over TLS, logged in as one of the demo accounts. */
export async function openImap({ ready }: Posthouse, account = 0): Promise<ImapFlow> {
  const { address, password } = ready.accounts[account] ?? { address: '', password: '' };
  const client = new ImapFlow({
    host: 'localhost',
    port: ready.imaps,
    secure: true,
    auth: { user: address, pass: password },
    tls: { ca: await readFile(ready.ca) },
    logger: false,
  });
  await client.connect();
  return client;
}

/** Messages in a mailbox, by STATUS. */
export async function countMessages(imap: ImapFlow, mailbox = 'INBOX'): Promise<number> {
  const status = await imap.status(mailbox, { messages: true });
  return (status === false ? 0 : status.messages) ?? 0;
}

export interface SmtpSender {
  /** Sends one message; rejects with nodemailer's error, which carries `responseCode`. */
  send(from: string, to: string[], raw: Uint8Array): Promise<string>;
  close(): void;
}

/** One SMTP connection to the MX port, kept open for many messages. */
export async function openSmtp({ ready }: Posthouse, options: object = {}): Promise<SmtpSender> {
  const connection = new SMTPConnection({ host: '127.0.0.1', port: ready.smtp, ignoreTLS: true, ...options });
  connection.on('error', () => {}); // a broken connection shows as the failed send
  await new Promise<void>((resolve, reject) => {
    connection.once('error', reject);
    connection.connect((error?: Error | null) => (error ? reject(error) : resolve()));
  });
  return {
    send: (from, to, raw) =>
      new Promise((resolve, reject) => {
        connection.once('error', reject);
        connection.once('end', () => reject(new Error('the connection ended')));
        connection.send({ from, to, use8BitMime: true }, Buffer.from(raw), (error, info) => {
          connection.removeListener('error', reject);
          connection.removeAllListeners('end');
          error ? reject(error) : resolve(info.response);
        });
      }),
    close: () => connection.close(),
  };
}

/** A JMAP request as a demo account, by app password. Answers the method responses. */
export async function jmap(
  { ready }: Posthouse,
  methodCalls: [string, object, string][],
  account = 0,
): Promise<[string, Record<string, unknown>, string][]> {
  const { address, appPassword } = ready.accounts[account] ?? { address: '', appPassword: '' };
  const answer = await fetch(`${ready.http}/jmap/api`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Basic ${Buffer.from(`${address}:${appPassword}`).toString('base64')}` },
    body: JSON.stringify({
      using: ['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:mail', 'urn:ietf:params:jmap:submission'],
      methodCalls,
    }),
  });
  if (!answer.ok) throw new Error(`JMAP answered ${answer.status}: ${await answer.text()}`);
  return ((await answer.json()) as { methodResponses: [string, Record<string, unknown>, string][] }).methodResponses;
}

/** The octets below the trace headers that the receiver put on top: everything after our own block. */
export function belowTrace(stored: Buffer): Buffer {
  const text = stored.toString('latin1');
  // Return-Path, Authentication-Results and Received, each with its folded lines, in any order, once each.
  const trace = /^(?:(?:Return-Path|Authentication-Results|Received):[^\r]*\r\n(?:[ \t][^\r]*\r\n)*){1,3}/i.exec(text);
  return stored.subarray(trace ? trace[0].length : 0);
}
