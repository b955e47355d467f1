/** A receiver's calls to the edge without a receiver: its key, an account's token, and messages framed as the spool's drain frames them. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Edge } from '../../receiver/edge.ts';
import { type LoggedIn, makeLogin } from '../../receiver/login.ts';
import { newSpoolId } from '../../receiver/spool/entry.ts';
import { indexMessage } from '../../shared/mime/indexer.ts';
import type { IngestMessage } from '../../shared/protocol.ts';
import { fromHex } from '../../shared/signing.ts';
import type { Posthouse } from '../support/posthouse.ts';
import { RECIPIENT, SENDER } from './world.ts';

export interface SignedCalls {
  edge: Edge;
  user: LoggedIn;
  close(): void;
}

/** Where the edge is, who calls and for whom. */
export interface Caller {
  url: string;
  receiver: { id: number; key: Uint8Array };
  account: { address: string; password: string };
}

/** The running product's own receiver and its first demo account. */
export async function callerOf({ home, ready }: Posthouse): Promise<Caller> {
  const [id = '', key = ''] = (await readFile(path.join(home, 'receiver.key'), 'utf8')).trim().split(':');
  const { address = '', password = '' } = ready.accounts[0] ?? {};
  return { url: ready.http, receiver: { id: Number(id), key: fromHex(key) }, account: { address, password } };
}

export async function openSignedCalls({ url, receiver, account }: Caller): Promise<SignedCalls> {
  const edge = new Edge({ url, receiver: receiver.id, key: receiver.key });
  const user = await makeLogin(edge).verify(account.address, account.password, '127.0.0.1');
  if (!user) throw new Error('the demo account cannot log in');
  return { edge, user, close: () => edge.close() };
}

/** One message of an ingest call. */
export function ingestMessage(raw: Uint8Array): IngestMessage {
  return {
    spoolId: newSpoolId(),
    inline: raw.length,
    sha256: createHash('sha256').update(raw).digest('hex'),
    envelope: { mailFrom: SENDER, rcptTo: [RECIPIENT] },
    receivedAt: Date.now(),
    remoteAddress: '127.0.0.1',
    helo: 'client.sender.test',
    verdicts: { spf: 'pass', dkim: 'none', dmarc: 'pass', arc: 'none' },
    index: indexMessage(raw),
  };
}

/** Delivers messages in calls of 32, as a full spool does; fast enough for 100,000. */
export async function ingestAll({ edge }: SignedCalls, count: number, make: (number: number) => Uint8Array): Promise<void> {
  for (let start = 0; start < count; start += 32) {
    const raws = Array.from({ length: Math.min(32, count - start) }, (_value, index) => make(start + index));
    const { messages } = await edge.ingest({ messages: raws.map(ingestMessage) }, raws);
    const failed = messages.flatMap(({ recipients }) => recipients).find(({ status }) => status !== 'stored');
    if (failed) throw new Error(`an ingest answered ${failed.status}: ${failed.reason}`);
  }
}
