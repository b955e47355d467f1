/**
 * Outbound mail under test: an account with what submits for it, a Queue that keeps what it is told, a `file` relay that
 * keeps what it is given, and the queue consumer called by hand.
 */
import { env } from 'cloudflare:test';
import { decodeFrame } from '../../../shared/frame.ts';
import { indexMessage } from '../../../shared/mime/indexer.ts';
import { rawString } from '../../../shared/mime/octets.ts';
import type { Envelope, SubmitAnswer } from '../../../shared/protocol.ts';
import type { Env, OutboxAddress } from '../../../workers/env.ts';
import { consumeOutbox } from '../../../workers/outbound/outbox.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import type { SubmissionRow } from '../../../workers/store/mail/submission-rows.ts';
import type { Account, EmailRow } from '../../../workers/store/mail/types.ts';
import { makeAccount, makeBridgeToken, makeReceiver, signedCall, type TestReceiver } from '../../support/directory.ts';
import { digest, mailboxOf, putMessage } from '../../support/mail.ts';

export interface Relayed {
  id: string;
  envelope: Envelope;
  message: string;
}

/** What a relay answers: a status, or an error thrown instead of an answer. */
export type RelayMood = { status: number } | { error: string };

interface Queued {
  body: OutboxAddress;
  delaySeconds?: number;
}

export interface World {
  env: Env;
  account: Account;
  receiver: TestReceiver;
  token: string;
  /** What the Queue was told and nobody has taken yet. */
  queue: OutboxAddress[];
  /** Seconds the Queue was to wait, by submission, where the cron told it any. */
  delays: Map<number, number>;
  /** What the `file` relay has taken. */
  relayed: Relayed[];
  mood: RelayMood;
}

let accounts = 0;

/** An address nobody has yet. */
export function newAddress(domain = 'example.test'): string {
  return `person${++accounts}@${domain}`;
}

export async function makeWorld(): Promise<World> {
  const account = await makeAccount(env, newAddress());
  const receiver = await makeReceiver(env, `receiver${accounts}`);
  const token = await makeBridgeToken(env, account.id, receiver.id);
  const world: World = { env, account, receiver, token, queue: [], delays: new Map(), relayed: [], mood: { status: 200 } };
  const OUTBOX = {
    send: async (body: OutboxAddress) => void world.queue.push(body),
    sendBatch: async (messages: Iterable<Queued>) => {
      for (const { body, delaySeconds = 0 } of messages) {
        world.queue.push(body);
        if (delaySeconds > 0) world.delays.set(body.submission, delaySeconds);
      }
    },
  };
  const FILE_RELAY = { fetch: (_url: string, init: RequestInit) => takeRelayed(world, new Request('http://relay/', init)) };
  world.env = { ...env, OUTBOX: OUTBOX as unknown as Env['OUTBOX'], FILE_RELAY: FILE_RELAY as unknown as Fetcher };
  return world;
}

async function takeRelayed(world: World, request: Request): Promise<Response> {
  const frame = decodeFrame(new Uint8Array(await request.arrayBuffer()));
  if ('error' in world.mood) throw new Error(world.mood.error);
  if (frame && world.mood.status === 200) {
    const { id, envelope } = frame.header as { id: string; envelope: Envelope };
    world.relayed.push({ id, envelope, message: latin1(frame.payload) });
  }
  return new Response('{}', { status: world.mood.status });
}

export interface Submitting {
  id?: string;
  mailFrom?: string;
  rcptTo?: string[];
  sha256?: string;
  /** As if put by `PUT /blob` before. */
  large?: boolean;
}

/** `POST /submit` of a raw message, as a receiver does it. */
export async function submitRaw(world: World, raw: string | Uint8Array, options: Submitting = {}): Promise<Response> {
  const payload = typeof raw === 'string' ? octets(raw) : raw;
  if (options.large) await putMessage(world.env, world.account, payload);
  const header = {
    id: options.id ?? crypto.randomUUID(),
    envelope: { mailFrom: options.mailFrom ?? world.account.address, rcptTo: options.rcptTo ?? ['friend@elsewhere.test'] },
    sha256: options.sha256 ?? (await digest(payload)),
    inline: options.large ? 0 : payload.length,
    index: indexMessage(payload),
  };
  return signedCall(world.env, world.receiver, {
    path: '/submit',
    header,
    payloads: options.large ? [] : [payload],
    token: world.token,
  });
}

/** The answer to a submission that must be taken or refused, not fail. */
export async function submit(world: World, raw: string | Uint8Array, options: Submitting = {}): Promise<SubmitAnswer> {
  const answer = await submitRaw(world, raw, options);
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
  return answer.json();
}

/** Submits what must be accepted; the submission's id. */
export async function accepted(world: World, raw: string | Uint8Array, options: Submitting = {}): Promise<number> {
  const answer = await submit(world, raw, options);
  if (answer.status !== 'accepted') throw new Error(JSON.stringify(answer));
  return answer.submission;
}

/** A message of this account's; `lines` are its header. */
export function written(world: World, lines: string[] = [], body = 'Hello\r\n'): string {
  const from = lines.some((line) => /^from:/i.test(line)) ? [] : [`From: ${world.account.address}`];
  const id = lines.some((line) => /^message-id:/i.test(line)) ? [] : [`Message-ID: <${crypto.randomUUID()}@example.test>`];
  const date = 'Date: Sat, 21 Nov 2026 10:00:00 +0000';
  return [...from, date, ...id, ...lines, '', body].join('\r\n');
}

/** The queue consumer takes all that waits, and what that makes wait. */
export async function work(world: World): Promise<void> {
  while (world.queue.length > 0) await consume(world, world.queue.splice(0));
}

/** The queue consumer takes these messages in one batch. Answers how many were acknowledged. */
export async function consume(world: World, bodies: OutboxAddress[]): Promise<number> {
  let acknowledged = 0;
  const messages = bodies.map((body) => ({ body, ack: () => acknowledged++, retry: () => {} }));
  await consumeOutbox({ messages } as unknown as MessageBatch<OutboxAddress>, world.env);
  return acknowledged;
}

export async function submissionOf(world: World, id: number): Promise<SubmissionRow> {
  const [row] = await openMail(world.env, world.account).submissions([id]);
  if (!row) throw new Error(`no submission ${id}`);
  return row;
}

/** Makes a row due now, as time would. */
export async function makeDue(world: World, id: number, change: { sendAt?: number } = {}): Promise<void> {
  const key = world.account.id * 2 ** 32 + id;
  await world.env.MAIL_0.prepare('UPDATE submission SET dueAt = 1, sendAt = coalesce(?2, sendAt) WHERE key = ?1')
    .bind(key, change.sendAt ?? null)
    .run();
  world.queue.push({ account: world.account.id, submission: id });
}

/** The emails in a mailbox, oldest first, and their source text. */
export async function mailIn(world: World, role: string, account = world.account): Promise<{ row: EmailRow; source: string }[]> {
  const mail = openMail(world.env, account);
  const found = await mail.query({
    filter: { inMailbox: await mailboxOf(world.env, account, role) },
    sort: [{ property: 'receivedAt', isAscending: true }],
    collapseThreads: false,
    position: 0,
    limit: 100,
    calculateTotal: false,
  });
  const rows = await mail.emails(found?.ids ?? []);
  return Promise.all(rows.map(async (row) => ({ row, source: await sourceOf(world, account, row.sha256) })));
}

async function sourceOf(world: World, account: Account, sha256: string): Promise<string> {
  const blob = await openMail(world.env, account).getBlob(sha256);
  if (!blob) throw new Error(`no original ${sha256}`);
  return latin1(new Uint8Array(await new Response(blob.body).arrayBuffer()));
}

/** Octets of a byte string. */
export function octets(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

export function latin1(bytes: Uint8Array): string {
  return rawString(bytes);
}
