/**
 * What mail that has arrived sets off: a vacation reply, a report's entry with its submission. Delivery says so to the
 * Queue and answers; the work is a request of its own, so that delivery costs nothing more.
 */
import { parseHeaderBlock } from '../../shared/mime/headers.ts';
import type { Part } from '../../shared/mime/index-types.ts';
import { byteString } from '../../shared/mime/octets.ts';
import { reportKind } from '../../shared/mime/report.ts';
import type { Envelope } from '../../shared/protocol.ts';
import type { ArrivalNotice, Env } from '../env.ts';
import { openMail } from '../store/mail/index.ts';
import type { Account, Delivery } from '../store/mail/types.ts';
import { readHeader } from './header.ts';
import { takeReport } from './reports.ts';
import { answerArrival } from './vacation.ts';

/** Addresses of one account that a notice carries: a Queue message is small. */
const RECIPIENTS_MAX = 10;

/** A message that was stored, or stored before: who was told might have died. */
export interface Arrival {
  account: Account;
  delivery: Pick<Delivery, 'spool' | 'sha256' | 'receivedAt' | 'role'> & { index: { structure: Part } };
  /** Its recipients are those that led to this account. */
  envelope: Envelope;
  /** The account has a vacation reply, and nothing yet speaks against answering. */
  mayAnswer: boolean;
}

/** What to say of an arrival; null when there is nothing to do, as with nearly all mail. */
export function noticeOf({ account, delivery, envelope, mayAnswer }: Arrival): ArrivalNotice | null {
  const isReport = reportKind(delivery.index.structure) !== null;
  const isAnswered = mayAnswer && !isReport && envelope.mailFrom !== '' && delivery.role !== 'junk';
  if (!isReport && !isAnswered) return null;
  const { spool, sha256, receivedAt: at } = delivery;
  const { mailFrom, rcptTo } = envelope;
  const arrival = { spool, sha256, at, envelope: { mailFrom, rcptTo: rcptTo.slice(0, RECIPIENTS_MAX) }, mayAnswer: isAnswered, isReport };
  return { account: account.id, arrival };
}

/** Does what a notice asks for; again and again if need be. Eight queries at most, and one R2 read. */
export async function workOnArrival(env: Env, account: Account, { arrival }: ArrivalNotice): Promise<void> {
  const original = await readHeader(openMail(env, account), arrival.sha256);
  if (!original) return;
  if (arrival.isReport) await takeReport(env, account, original.head, arrival);
  if (arrival.mayAnswer && original.header) await answerArrival(env, account, parseHeaderBlock(byteString(original.header)), arrival);
}
