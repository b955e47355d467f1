/**
 * One message that has its 250 and is not yet acknowledged by the edge for every recipient (DESIGN.md,
 * invariant 3). On disk it is two files: `<spoolId>.eml`, the original, and `<spoolId>.json`, this record.
 * Records are read back after a crash, so they are parsed like any other input: what does not fit is refused.
 */
import { randomBytes } from 'node:crypto';
import type { MessageIndex } from '../../shared/mime/index-types.ts';
import type { AuthResult, Envelope, IngestMessage, RecipientStatus, Verdicts } from '../../shared/protocol.ts';

/** `waiting` until the edge has answered for good: `done` (stored or duplicate) or `refused`. */
export type RecipientState = 'waiting' | 'done' | 'refused';

export interface SpoolRecipient {
  address: string;
  state: RecipientState;
  /** Why the edge refused it. */
  reason?: string;
}

/** What the SMTP session knows when a message has arrived. */
export interface Arrival {
  spoolId: string;
  envelope: Envelope;
  /** Epoch milliseconds. */
  receivedAt: number;
  remoteAddress: string;
  helo: string;
  verdicts: Verdicts;
}

export interface SpoolEntry extends Arrival {
  sha256: string;
  /** Octets of the original, trace block included. */
  size: number;
  index: MessageIndex;
  recipients: SpoolRecipient[];
}

/** The edge's word on one recipient. */
export interface Outcome {
  address: string;
  status: RecipientStatus;
  reason?: string;
}

/** The answers that end the waiting. */
const FINAL = new Map<RecipientStatus, RecipientState>([
  ['stored', 'done'],
  ['duplicate', 'done'],
  ['refused', 'refused'],
]);
const SPOOL_ID = /^[0-9a-f]{12}-[0-9a-f]{16}$/;
const RESULTS: readonly AuthResult[] = ['none', 'neutral', 'pass', 'fail', 'softfail', 'policy', 'temperror', 'permerror'];

/** A new id: 48 bits of time, so that files sort by arrival, and 64 random bits. */
export function newSpoolId(now: number = Date.now()): string {
  return `${now.toString(16).padStart(12, '0')}-${randomBytes(8).toString('hex')}`;
}

export function isSpoolId(text: string): boolean {
  return SPOOL_ID.test(text);
}

/** The entry as it lies in the spool before anybody was asked about it. */
export function makeEntry(arrival: Arrival, original: { sha256: string; size: number; index: MessageIndex }): SpoolEntry {
  return { ...arrival, ...original, recipients: arrival.envelope.rcptTo.map((address) => ({ address, state: 'waiting' })) };
}

/** The entry after the edge's answer; what it did not mention, or asked to try later, goes on waiting. */
export function applyOutcomes(entry: SpoolEntry, outcomes: Outcome[]): SpoolEntry {
  const settled = new Map(outcomes.map((outcome) => [outcome.address, outcome]));
  const recipients = entry.recipients.map((recipient) => {
    const outcome = settled.get(recipient.address);
    const state = FINAL.get(outcome?.status ?? 'retry');
    if (recipient.state !== 'waiting' || !state) return recipient;
    return { address: recipient.address, state, ...(outcome?.reason ? { reason: outcome.reason } : {}) };
  });
  return { ...entry, recipients };
}

export function waitingRecipients(entry: SpoolEntry): string[] {
  return entry.recipients.filter((recipient) => recipient.state === 'waiting').map((recipient) => recipient.address);
}

/** One message of an ingest call, for some of the entry's recipients. */
export function toIngestMessage(entry: SpoolEntry, rcptTo: string[], inline: number): IngestMessage {
  const { spoolId, sha256, receivedAt, remoteAddress, helo, verdicts, index, envelope } = entry;
  return { spoolId, inline, sha256, envelope: { mailFrom: envelope.mailFrom, rcptTo }, receivedAt, remoteAddress, helo, verdicts, index };
}

/** Reads a record back. Null when it is none of ours: cut off, another version, hand-edited. */
export function parseEntry(text: string): SpoolEntry | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return isEntry(value) ? value : null;
}

function isEntry(value: unknown): value is SpoolEntry {
  if (!isRecord(value) || !isRecord(value.envelope) || !isRecord(value.verdicts) || !isRecord(value.index)) return false;
  return (
    typeof value.spoolId === 'string' &&
    isSpoolId(value.spoolId) &&
    typeof value.sha256 === 'string' &&
    typeof value.size === 'number' &&
    typeof value.receivedAt === 'number' &&
    typeof value.remoteAddress === 'string' &&
    typeof value.helo === 'string' &&
    typeof value.envelope.mailFrom === 'string' &&
    isRecord(value.index.structure) &&
    [value.verdicts.spf, value.verdicts.dkim, value.verdicts.dmarc, value.verdicts.arc].every((result) =>
      RESULTS.some((known) => known === result),
    ) &&
    Array.isArray(value.recipients) &&
    value.recipients.every(isRecipient)
  );
}

function isRecipient(value: unknown): boolean {
  return isRecord(value) && typeof value.address === 'string' && ['waiting', 'done', 'refused'].includes(String(value.state));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
