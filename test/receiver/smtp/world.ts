/**
 * A receiver's SMTP side in a world of its own: a fake edge that keeps what it is given and can be taken away,
 * two accounts at example.test, free ports, a spool in a temporary folder.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { EdgeRefused, EdgeUnavailable } from '../../../receiver/edge.ts';
import { beginMemoryScram } from '../../../receiver/imap/memory-proofs.ts';
import type { Log } from '../../../receiver/log.ts';
import type { LoggedIn, Login, PassedExchange, ProofLogin } from '../../../receiver/login.ts';
import { type RunningSmtp, type SmtpOptions, startSmtp } from '../../../receiver/smtp/server.ts';
import { openSpool, type Spool } from '../../../receiver/spool/spool.ts';
import { ensureLocalCertificate } from '../../../receiver/tls/local-ca.ts';
import type { IngestAnswer, IngestMessage, IngestRequest, RecipientAnswer, SubmitAnswer, SubmitRequest } from '../../../shared/protocol.ts';

export interface StoredMessage {
  message: IngestMessage;
  raw: Buffer;
  to: string;
}

/** The edge's side of the contract, in memory; idempotent by (spool id, recipient) as the real one is by account. */
export class FakeEdge {
  readonly accounts = new Map([
    ['me@example.test', 1],
    ['you@example.test', 2],
    ['postmaster@example.test', 1],
  ]);
  readonly domains = new Set(['example.test']);
  readonly stored = new Map<string, StoredMessage>();
  readonly submissions: { token: string; request: SubmitRequest; raw: Buffer }[] = [];
  readonly blobs = new Map<string, Buffer>();
  readonly calls: string[] = [];
  away = false;
  /** Said to the next submission. */
  submitAnswer: SubmitAnswer | null = null;
  /** Called for each ingest call before it is answered; may throw. */
  onIngest: (request: IngestRequest) => void = () => {};
  /** Called for each (message, recipient); what it returns is the status. */
  onRecipient: (spoolId: string, address: string) => 'retry' | 'refused' | null = () => null;

  async ingest(request: IngestRequest, payloads: (Uint8Array | Readable)[]): Promise<IngestAnswer> {
    this.#begin('ingest');
    this.onIngest(request);
    const raws = await Promise.all(payloads.map(readOctets));
    let inline = 0;
    const messages = request.messages.map((message) => {
      const raw = message.inline > 0 ? raws[inline++] : this.blobs.get(message.sha256);
      if (!raw || digest(raw) !== message.sha256) throw new EdgeRefused(400, 'octets do not fit');
      return { spoolId: message.spoolId, recipients: message.envelope.rcptTo.map((to) => this.#store(message, raw, to)) };
    });
    return { messages };
  }

  async recipient(address: string): Promise<RecipientAnswer> {
    this.#begin(`recipient ${address}`);
    const account = this.accounts.get(address.replace(/\+.*@/, '@').toLowerCase());
    if (account !== undefined) return { status: 'deliverable', account };
    return { status: this.domains.has(address.slice(address.lastIndexOf('@') + 1)) ? 'unknown' : 'foreign' };
  }

  async submit(token: string, request: SubmitRequest, payloads: (Uint8Array | Readable)[]): Promise<SubmitAnswer> {
    this.#begin('submit');
    const raw = request.inline > 0 ? await readOctets(payloads[0] ?? new Uint8Array()) : this.blobs.get(request.sha256);
    if (!raw || digest(raw) !== request.sha256) throw new EdgeRefused(400, 'octets do not fit');
    if (this.submitAnswer) return this.submitAnswer;
    this.submissions.push({ token, request, raw });
    return { status: 'accepted', submission: this.submissions.length };
  }

  async putBlob(account: number, sha256: string, stream: Readable, length: number, _token?: string): Promise<void> {
    this.#begin(`putBlob ${account}`);
    const raw = await readOctets(stream);
    if (raw.length !== length || digest(raw) !== sha256) throw new EdgeRefused(400, 'digest');
    this.blobs.set(sha256, raw);
  }

  /** The messages stored, in order. */
  messages(): StoredMessage[] {
    return [...this.stored.values()];
  }

  #store(message: IngestMessage, raw: Buffer, to: string) {
    const verdict = this.onRecipient(message.spoolId, to);
    if (verdict) return { address: to, status: verdict, reason: 'as the test says' };
    const key = `${message.spoolId} ${to}`;
    const duplicate = this.stored.has(key);
    if (!duplicate) this.stored.set(key, { message, raw, to });
    return { address: to, status: duplicate ? ('duplicate' as const) : ('stored' as const) };
  }

  #begin(call: string): void {
    this.calls.push(call);
    if (this.away) throw new EdgeUnavailable('away');
  }
}

/** `me@example.test` with the password `secret`. */
export class FakeLogin implements Login, ProofLogin {
  away = false;
  /** A field, as the real one has it: it is handed on without its object. */
  scram = async (username: string, clientFirstBare: string): Promise<PassedExchange> => {
    const user = await this.verify(username, 'secret');
    const exchange = await beginMemoryScram(clientFirstBare, user && 'secret', () => Promise.reject(new Error('not opened here')));
    const finish = async (clientFinal: string) => {
      const proven = await exchange.finish(clientFinal);
      return proven && user && { user, serverFinal: proven.serverFinal };
    };
    return { serverFirst: exchange.serverFirst, finish };
  };
  bearer = async (username: string | null, token: string): Promise<LoggedIn | null> => this.verify(username ?? '', token);
  async verify(username: string, password: string): Promise<LoggedIn | null> {
    if (this.away) throw new EdgeUnavailable('away');
    if (username !== 'me@example.test' || password !== 'secret') return null;
    return { account: 1, address: 'me@example.test', token: 'token-1', expires: Date.now() + 3_600_000 };
  }
}

/** Keeps the events, for tests that look. */
export class EventLog implements Log {
  readonly events: { level: string; event: string; fields: Record<string, unknown> }[] = [];
  info = (event: string, fields: Record<string, unknown> = {}) => void this.events.push({ level: 'info', event, fields });
  warn = (event: string, fields: Record<string, unknown> = {}) => void this.events.push({ level: 'warn', event, fields });
  error = (event: string, fields: Record<string, unknown> = {}) => void this.events.push({ level: 'error', event, fields });
  has(event: string): boolean {
    return this.events.some((entry) => entry.event === event);
  }
}

export interface World {
  edge: FakeEdge;
  login: FakeLogin;
  log: EventLog;
  spool: Spool;
  smtp: RunningSmtp;
  folder: string;
  ports: RunningSmtp['ports'] & Record<string, number>;
  tls: { current(): { key: Buffer; cert: Buffer } };
  close(): Promise<void>;
}

/** Starts one in a folder of its own. `config` overrides what a test needs otherwise. */
export async function startWorld(config: Partial<SmtpOptions['config']> = {}): Promise<World> {
  return startWorldIn(await mkdtemp(path.join(tmpdir(), 'posthouse-smtp-')), config);
}

/** Starts one on what is in the folder already. */
export async function startWorldIn(folder: string, config: Partial<SmtpOptions['config']>): Promise<World> {
  const edge = new FakeEdge();
  const login = new FakeLogin();
  const log = new EventLog();
  const tls = await localTls();
  const spool = await openSpool({ folder: path.join(folder, 'spool'), edge, log, backOff: () => 20 });
  const smtp = await startSmtp({
    config: {
      listen: '127.0.0.1',
      hostname: 'mx.example.test',
      messageSizeLimit: 1024 * 1024,
      dns: '127.0.0.1:9',
      ports: { smtp: 0, submission: 0, submissions: 0 },
      ...config,
    },
    edge,
    login,
    log,
    spool,
    tls,
  });
  return {
    edge,
    login,
    log,
    spool,
    smtp,
    folder,
    ports: { ...smtp.ports },
    tls,
    async close() {
      await smtp.close();
      await spool.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One key for all worlds of a process and its children: making one takes longer than most tests. */
export const tlsFolder = process.env.POSTHOUSE_TEST_TLS ?? path.join(tmpdir(), `posthouse-test-tls-${process.pid}`);
let material: { key: Buffer; cert: Buffer } | undefined;

async function localTls(): Promise<{ current(): { key: Buffer; cert: Buffer } }> {
  material ??= await makeMaterial();
  const made = material;
  return { current: () => made };
}

/** The files go at once, unless a parent made them for its children. */
async function makeMaterial(): Promise<{ key: Buffer; cert: Buffer }> {
  const files = await ensureLocalCertificate(tlsFolder, ['mx.example.test']);
  const made = { key: await readFile(files.key), cert: await readFile(files.certificate) };
  if (!process.env.POSTHOUSE_TEST_TLS) await rm(tlsFolder, { recursive: true });
  return made;
}

/** Waits until it holds; fails after ten seconds. */
export async function until(holds: () => boolean | Promise<boolean>, what = 'the condition'): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export function digest(octets: Uint8Array): string {
  return createHash('sha256').update(octets).digest('hex');
}

async function readOctets(payload: Uint8Array | Readable): Promise<Buffer> {
  if (!(payload instanceof Readable)) return Buffer.from(payload);
  const chunks: Buffer[] = [];
  for await (const chunk of payload) chunks.push(chunk);
  return Buffer.concat(chunks);
}
