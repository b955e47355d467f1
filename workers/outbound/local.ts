/**
 * Delivery to accounts of ours: the message that leaves, under a trace block (RFC 5321 §4.4), put into their Inboxes as
 * mail from outside would be. Read once for its digest and index and once for each account's original, because an
 * original's name is its digest and a 60 MB message does not fit into the Worker; a small one is read only once in all.
 */
import { formatDate } from '../../shared/mime/date.ts';
import type { MessageIndex } from '../../shared/mime/index-types.ts';
import { MessageIndexer } from '../../shared/mime/indexer.ts';
import { streamOf } from '../../shared/octet-stream.ts';
import { toHex } from '../../shared/signing.ts';
import type { Env } from '../env.ts';
import { deliver, openMail } from '../store/mail/index.ts';
import type { Account, Delivery } from '../store/mail/types.ts';
import { announceArrivals } from './announce.ts';
import { noticeOf } from './arrival.ts';
import { type LeavingMessage, leavingChunks } from './leaving.ts';

/**
 * Accounts one attempt delivers to: each costs an R2 put, a read of a large message and a word to its hub, of 50
 * subrequests. The others follow in the next attempt, at once.
 */
export const LOCAL_ACCOUNTS_MAX = 12;

/** An account of ours, and the recipients that lead to it. */
export interface LocalTarget {
  account: Account;
  rcptTo: string[];
}

/**
 * Delivers once per submission and account, however often it is called. Answers the ids of the accounts that have it;
 * the others are for later. One batch for all accounts of a database. Throws when nothing could be stored.
 */
export async function deliverLocally(env: Env, message: LeavingMessage, targets: readonly LocalTarget[]): Promise<Set<number>> {
  const trace = new TextEncoder().encode(traceBlock(message));
  const measured = await measure(trace, message);
  for (const { account } of targets) await putOriginal(env, account, message, trace, measured.sha256);
  const delivery: Delivery = {
    ...measured,
    spool: receiptOf(message),
    receivedAt: Date.now(),
    verdicts: null,
    role: 'inbox',
    keywords: [],
  };
  const answering = new Set<number>();
  const deliveries = targets.map(({ account }) => ({ account, delivery }));
  const statuses = await deliver(env, deliveries, answering);
  const stored = targets.filter((_target, index) => statuses[index] !== 'retry');
  const { mailFrom } = message.envelope;
  const arrivals = stored.map(({ account, rcptTo }) => ({
    account,
    delivery,
    envelope: { mailFrom, rcptTo },
    mayAnswer: answering.has(account.id),
  }));
  await announceArrivals(
    env,
    arrivals.flatMap((arrival) => noticeOf(arrival) ?? []),
  );
  return new Set(stored.map(({ account }) => account.id));
}

async function putOriginal(env: Env, account: Account, message: LeavingMessage, trace: Uint8Array, sha256: string): Promise<void> {
  const size = trace.length + message.size;
  const body = streamOf(traced(trace, message));
  const stored = await openMail(env, account).putBlob(sha256, body, size, { from: message.envelope.mailFrom });
  if (!stored) throw new Error(`the original of submission ${message.id} changed while it was read`);
}

async function* traced(trace: Uint8Array, message: LeavingMessage): AsyncGenerator<Uint8Array> {
  yield trace;
  yield* leavingChunks(message);
}

/** The same at every attempt, so that a repeated delivery makes the same original. Nobody else's address is in it. */
function traceBlock({ id, at, envelope }: LeavingMessage): string {
  return `Return-Path: <${envelope.mailFrom}>\r\nReceived: by posthouse with HTTP id ${id};\r\n\t${formatDate(at)}\r\n`;
}

/** In the form of a spool id, whose first digits are the time after which the receipt is swept. */
function receiptOf({ id, at }: LeavingMessage): string {
  return `${at.toString(16).padStart(12, '0')}-${id}@outbox`;
}

async function measure(trace: Uint8Array, message: LeavingMessage): Promise<{ index: MessageIndex; sha256: string }> {
  const indexer = new MessageIndexer();
  const digest = new crypto.DigestStream('SHA-256');
  const writer = digest.getWriter();
  const take = async (chunk: Uint8Array) => {
    indexer.write(chunk);
    await writer.write(chunk);
  };
  for await (const chunk of traced(trace, message)) await take(chunk);
  await writer.close();
  return { index: indexer.finish(), sha256: toHex(new Uint8Array(await digest.digest)) };
}
