/**
 * Telling a sender that mail did not arrive: a report (RFC 3464) in the sender's own Inbox, with the relay's words and
 * the message's header. Made once per submission, attempt and set of recipients, however often the attempt is recorded.
 */

import { composeBounce } from '../../shared/mime/bounce.ts';
import { UnsafeHeader } from '../../shared/mime/fields.ts';
import { headerValue, parseHeaderBlock } from '../../shared/mime/headers.ts';
import { indexMessage } from '../../shared/mime/indexer.ts';
import { parseMessageIds } from '../../shared/mime/messageids.ts';
import { byteString } from '../../shared/mime/octets.ts';
import { toHex } from '../../shared/signing.ts';
import type { Env } from '../env.ts';
import { deliver, openMail } from '../store/mail/index.ts';
import { addReport } from '../store/mail/submission-reports.ts';
import type { SubmissionRow } from '../store/mail/submission-rows.ts';
import type { Account } from '../store/mail/types.ts';
import type { RecipientOutcome } from './attempt.ts';
import { readHeader } from './header.ts';
import { leavingHeader } from './leaving.ts';

/** Puts the report into the sender's Inbox. Throws when it cannot be stored now. */
export async function reportFailure(env: Env, account: Account, row: SubmissionRow, failed: readonly RecipientOutcome[]): Promise<void> {
  const message = await composeReport(env, account, row, failed);
  const sha256 = await digest(message);
  await openMail(env, account).putBlob(sha256, message, message.length);
  const receivedAt = Date.now();
  const spool = await receiptOf(account, row, failed);
  const index = indexMessage(message);
  const [status] = await deliver(env, [
    { account, delivery: { spool, sha256, index, receivedAt, verdicts: null, role: 'inbox', keywords: [] } },
  ]);
  if (status === 'retry') throw new Error(`account ${account.id} is busy`);
  if (status === 'stored') await addReport(env, account, row.id, { kind: 'dsn', sha256, at: receivedAt, deliveryStatus: {} });
}

/** In the form of a spool id, whose first digits are the time after which the receipt is swept. */
async function receiptOf(account: Account, row: SubmissionRow, failed: readonly RecipientOutcome[]): Promise<string> {
  const who = await digest(new TextEncoder().encode(JSON.stringify(failed.map(({ recipient }) => recipient))));
  return `${row.sendAt.toString(16).padStart(12, '0')}-${account.id}-${row.id}-${row.attempts}-${who.slice(0, 16)}@bounce`;
}

async function composeReport(
  env: Env,
  account: Account,
  row: SubmissionRow,
  failed: readonly RecipientOutcome[],
): Promise<Uint8Array<ArrayBuffer>> {
  const found = await readHeader(openMail(env, account), row.sha256);
  // Bcc recipients are the sender's own secret, but a report is forwarded to others for help.
  const original = leavingHeader(found?.header ?? new Uint8Array());
  const [messageId] = parseMessageIds(headerValue(parseHeaderBlock(byteString(original)), 'message-id') ?? '');
  const domain = row.mailFrom.slice(row.mailFrom.lastIndexOf('@') + 1);
  const report = {
    from: { name: 'Mail delivery', email: `postmaster@${domain}` },
    to: { name: account.name || null, email: row.mailFrom },
    reportingMta: domain,
    recipients: failed.map(({ recipient, reply }) => ({
      address: recipient,
      action: 'failed' as const,
      status: statusOf(reply),
      diagnostic: reply,
    })),
    original,
    originalMessageId: messageId,
    arrivedAt: row.sendAt,
  };
  try {
    return new Uint8Array(composeBounce(report));
  } catch (error) {
    if (!(error instanceof UnsafeHeader)) throw error;
    // A catch-all takes local parts that no header should carry, and Message-IDs come as they come.
    return new Uint8Array(composeBounce({ ...report, to: { name: null, email: account.address }, originalMessageId: undefined }));
  }
}

/** The enhanced status code (RFC 3463) of a reply line; a temporary one became permanent by waiting too long. */
function statusOf(reply: string): string {
  const code = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})/.exec(reply)?.[1] ?? '5.0.0';
  return code.startsWith('4') ? '5.4.7' : code;
}

async function digest(octets: Uint8Array<ArrayBuffer>): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', octets)));
}
