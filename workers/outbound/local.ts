/**
 * Delivery to an account of ours: the message that leaves, under a trace block (RFC 5321 §4.4), put into the
 * account's Inbox as mail from outside would be. Read twice, once for its digest and index, once for R2, because
 * an original's name is its digest and a 50 MB message does not fit into the Worker.
 */
import { MessageIndexer } from '../../shared/mime/indexer.ts';
import { toHex } from '../../shared/signing.ts';
import type { Env } from '../env.ts';
import { deliver, openMail } from '../store/mail/index.ts';
import type { Account, Delivery } from '../store/mail/types.ts';
import { type LeavingMessage, leavingChunks, writeLeaving } from './leaving.ts';

/** Delivers once per submission and account, however often it is called. Answers the reply line. */
export async function deliverLocally(env: Env, message: LeavingMessage, account: Account): Promise<string> {
  const trace = new TextEncoder().encode(traceBlock(message));
  const { sha256, index } = await measure(trace, message);
  const store = openMail(env, account);
  const size = trace.length + message.size;
  const { readable, writable } = new FixedLengthStream(size);
  const [stored] = await Promise.all([
    store.putBlob(sha256, readable, size, { from: message.envelope.mailFrom }),
    writeLeaving(writable, trace, message),
  ]);
  if (!stored) throw new Error(`the original of submission ${message.id} changed while it was read`);
  const delivery = {
    spool: receiptOf(message),
    sha256,
    index,
    receivedAt: Date.now(),
    verdicts: null,
    role: 'inbox',
    keywords: [],
  } as const;
  const [status] = await deliver(env, [{ account, delivery: { ...delivery, keywords: [] } }]);
  if (status === 'retry') throw new Error(`account ${account.id} is busy`);
  return '250 2.1.5 delivered here';
}

/** The same at every attempt, so that a repeated delivery makes the same original. */
function traceBlock({ id, at, envelope }: LeavingMessage): string {
  const date = new Date(at).toUTCString().replace('GMT', '+0000');
  return `Return-Path: <${envelope.mailFrom}>\r\nReceived: by posthouse with HTTP id ${id};\r\n\t${date}\r\n`;
}

/** In the form of a spool id, whose first digits are the time after which the receipt is swept. */
function receiptOf({ id, at }: LeavingMessage): string {
  return `${at.toString(16).padStart(12, '0')}-${id}@outbox`;
}

async function measure(trace: Uint8Array, message: LeavingMessage) {
  const indexer = new MessageIndexer();
  const digest = new crypto.DigestStream('SHA-256');
  const writer = digest.getWriter();
  const take = async (chunk: Uint8Array) => {
    indexer.write(chunk);
    await writer.write(chunk);
  };
  await take(trace);
  for await (const chunk of leavingChunks(message)) await take(chunk);
  await writer.close();
  return { index: indexer.finish(), sha256: toHex(new Uint8Array(await digest.digest)) };
}
