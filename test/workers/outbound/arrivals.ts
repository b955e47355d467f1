/** Mail that arrives for an account of the outbound world, as a receiver brings it, and what becomes of that. */
import { indexMessage } from '../../../shared/mime/indexer.ts';
import type { IngestAnswer, IngestMessage } from '../../../shared/protocol.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import type { VacationRow } from '../../../workers/store/mail/types.ts';
import { signedCall } from '../../support/directory.ts';
import { digest } from '../../support/mail.ts';
import { octets, type World } from './world.ts';

let spool = 0;

export const ANN = 'ann@elsewhere.test';

/** A letter from Ann to this account; `lines` come before and beside its header. */
export function letter(world: World, lines: string[] = []): string {
  const has = (name: string) => lines.some((line) => line.toLowerCase().startsWith(`${name}:`));
  return [
    ...(has('from') ? [] : [`From: Ann <${ANN}>`]),
    ...(has('to') ? [] : [`To: ${world.account.address}`]),
    ...(has('message-id') ? [] : [`Message-ID: <${crypto.randomUUID()}@elsewhere.test>`]),
    ...lines,
    '',
    'Hello',
    '',
  ].join('\r\n');
}

/** `POST /ingest` of a message; the entry, so that it can be brought again. */
export async function arrive(world: World, raw: string, changes: Partial<IngestMessage> = {}): Promise<IngestMessage> {
  const payload = octets(raw);
  const entry: IngestMessage = {
    spoolId: `${(++spool).toString(16).padStart(12, '0')}-${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`,
    inline: payload.length,
    sha256: await digest(payload),
    envelope: { mailFrom: ANN, rcptTo: [world.account.address] },
    receivedAt: Date.now(),
    remoteAddress: '192.0.2.1',
    helo: 'mx.elsewhere.test',
    verdicts: { spf: 'pass', dkim: 'none', dmarc: 'none', arc: 'none' },
    index: indexMessage(payload),
    ...changes,
  };
  await bring(world, entry, raw);
  return entry;
}

/** Brings an entry, again perhaps. */
export async function bring(world: World, entry: IngestMessage, raw: string): Promise<IngestAnswer> {
  const answer = await signedCall(world.env, world.receiver, { path: '/ingest', header: { messages: [entry] }, payloads: [octets(raw)] });
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
  return answer.json();
}

export async function setVacation(world: World, change: Partial<VacationRow> = {}): Promise<void> {
  await openMail(world.env, world.account).setVacation({ isEnabled: true, ...change });
}
