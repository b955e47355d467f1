/**
 * Telling a sender that mail did not arrive: a report (RFC 3464) in the sender's own Inbox, with the relay's words and
 * the message's header. Made once per submission and attempt, however often the attempt is recorded.
 */

import { composeBounce } from '../../shared/mime/bounce.ts';
import { headerValue, parseHeaderBlock } from '../../shared/mime/headers.ts';
import { indexMessage } from '../../shared/mime/indexer.ts';
import { parseMessageIds } from '../../shared/mime/messageids.ts';
import { byteString } from '../../shared/mime/octets.ts';
import { toHex } from '../../shared/signing.ts';
import type { Env } from '../env.ts';
import { deliver, openMail } from '../store/mail/index.ts';
import type { Account, SubmissionRow } from '../store/mail/types.ts';
import type { RecipientOutcome } from './attempt.ts';
import { openLeaving } from './leaving.ts';

/** Puts the report into the sender's Inbox. Throws when it cannot be stored now. */
export async function reportFailure(env: Env, account: Account, row: SubmissionRow, failed: RecipientOutcome[]): Promise<void> {
  const message = await composeReport(env, account, row, failed);
  const sha256 = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', message)));
  await openMail(env, account).putBlob(sha256, message, message.length);
  const now = Date.now();
  const spool = `${row.sendAt.toString(16).padStart(12, '0')}-${account.id}-${row.id}-${row.attempts}@bounce`;
  const [status] = await deliver(env, [
    { account, delivery: { spool, sha256, index: indexMessage(message), receivedAt: now, verdicts: null, role: 'inbox', keywords: [] } },
  ]);
  if (status === 'retry') throw new Error(`account ${account.id} is busy`);
}

async function composeReport(env: Env, account: Account, row: SubmissionRow, failed: RecipientOutcome[]): Promise<Uint8Array<ArrayBuffer>> {
  const domain = row.mailFrom.slice(row.mailFrom.lastIndexOf('@') + 1);
  const original = await openLeaving(openMail(env, account), row.sha256, {
    id: '',
    at: row.sendAt,
    envelope: { mailFrom: '', rcptTo: [] },
  });
  const header = original?.header ?? new Uint8Array();
  const fields = parseHeaderBlock(byteString(header));
  const [messageId] = parseMessageIds(headerValue(fields, 'message-id') ?? '');
  const report = composeBounce({
    from: { name: 'Mail delivery', email: `postmaster@${domain}` },
    to: { name: account.name || null, email: row.mailFrom },
    reportingMta: domain,
    recipients: failed.map(({ recipient, reply }) => ({
      address: recipient,
      action: 'failed',
      status: statusOf(reply),
      diagnostic: reply,
    })),
    original: header,
    originalMessageId: messageId,
    arrivedAt: row.sendAt,
  });
  return new Uint8Array(report);
}

/** The enhanced status code (RFC 3463) of a reply line; a temporary one became permanent by waiting too long. */
function statusOf(reply: string): string {
  const code = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})/.exec(reply)?.[1] ?? '5.0.0';
  return code.startsWith('4') ? '5.4.7' : code;
}
