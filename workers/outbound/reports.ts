/**
 * A DSN or MDN that has arrived, brought to the submission it is about (RFC 8621 §7: deliveryStatus, dsnBlobIds,
 * mdnBlobIds). Anybody can write one, so it counts for recipients of that submission only, and never undoes what is final.
 */
import { formatAddress, parseAddress } from '../../shared/address.ts';
import { parseMessageIds } from '../../shared/mime/messageids.ts';
import { type DsnRecipient, readDsn, readMdn, reportKind } from '../../shared/mime/report.ts';
import { scanMessage } from '../../shared/mime/scan.ts';
import type { Env } from '../env.ts';
import { addReport, findSubmitted } from '../store/mail/submission-reports.ts';
import type { DeliveryStatusRow, ReportKind, SubmissionRow } from '../store/mail/submission-rows.ts';
import type { Account } from '../store/mail/types.ts';
import { replyLine } from './relay.ts';

/** RFC 8621 §7: these two of the actions change `delivered`, and no other. */
const DELIVERED_BY_ACTION: Partial<Record<string, 'yes' | 'no'>> = { delivered: 'yes', failed: 'no' };

type StatusChanges = Record<string, Partial<DeliveryStatusRow>>;

/** What a report is about, and what it says of a submission's recipients. */
interface ReadReport {
  kind: ReportKind;
  messageIds: string[];
  changes(row: SubmissionRow): StatusChanges;
}

/** Reads a report from a message's first octets and keeps it with its submission, if there is one. Five queries. */
export async function takeReport(env: Env, account: Account, head: Uint8Array, arrived: { sha256: string; at: number }): Promise<void> {
  const report = readReport(head);
  if (!report || report.messageIds.length === 0) return;
  const row = await findSubmitted(env, account, report.messageIds);
  if (row) await addReport(env, account, row.id, { ...arrived, kind: report.kind, deliveryStatus: report.changes(row) });
}

function readReport(octets: Uint8Array): ReadReport | null {
  const root = scanMessage(octets);
  const kind = reportKind(root);
  if (kind === 'dsn') {
    const dsn = readDsn(octets, root);
    return dsn && { kind, messageIds: dsn.messageIds, changes: (row) => deliveryChanges(row, dsn.recipients) };
  }
  const mdn = kind === 'mdn' ? readMdn(octets, root) : null;
  if (!mdn) return null;
  const recipients = [mdn.originalRecipient, mdn.finalRecipient].flatMap((value) => (value === null ? [] : withoutType(value)));
  const isDisplayed = mdn.disposition.type === 'displayed';
  return {
    kind: 'mdn',
    messageIds: parseMessageIds(mdn.originalMessageId ?? ''),
    changes: (row) => (isDisplayed ? Object.fromEntries(recipientsOf(row, recipients).map((one) => [one, { displayed: 'yes' }])) : {}),
  };
}

function deliveryChanges(row: SubmissionRow, recipients: readonly DsnRecipient[]): StatusChanges {
  const changes: StatusChanges = {};
  for (const { addresses, action, status, diagnostic } of recipients) {
    const delivered = DELIVERED_BY_ACTION[action];
    if (delivered === undefined) continue;
    for (const recipient of recipientsOf(row, addresses)) {
      const now = row.deliveryStatus[recipient]?.delivered;
      if (now === 'unknown' || now === 'queued') changes[recipient] = { delivered, smtpReply: smtpReplyOf(delivered, status, diagnostic) };
    }
  }
  return changes;
}

/** The reply as the DSN has it, or one of the form that RFC 8621 §7 gives. */
function smtpReplyOf(delivered: 'yes' | 'no', status: string, diagnostic: string): string {
  if (/^[245]\d\d[ -]/.test(diagnostic)) return replyLine(diagnostic);
  const code = delivered === 'yes' ? '250' : '550';
  return replyLine(`${code} ${status || (delivered === 'yes' ? '2.0.0' : '5.0.0')} ${diagnostic || 'as a delivery report says'}`);
}

/** The recipients of a submission that these addresses are. */
function recipientsOf({ rcptTo }: SubmissionRow, addresses: readonly string[]): string[] {
  const named = new Set(addresses.map(normal));
  return rcptTo.filter((recipient) => named.has(normal(recipient)));
}

function normal(text: string): string {
  const address = parseAddress(text);
  return address ? formatAddress(address) : text;
}

function withoutType(value: string): string {
  return value.slice(value.indexOf(';') + 1).trim();
}
