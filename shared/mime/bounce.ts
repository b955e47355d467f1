/**
 * Delivery status notifications (RFC 3464 in a multipart/report, RFC 6522): what a sender gets when
 * mail could not be delivered. Sent from the null reverse-path, marked Auto-Submitted (RFC 3834), so
 * that nothing answers it.
 */
import { composeEntity, makeMessageId } from './compose.ts';
import { formatDate } from './date.ts';
import { addressField, dateField, idField, type Person, rawField, textField } from './fields.ts';

export interface BounceRecipient {
  address: string;
  action: 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';
  /** RFC 3463, `5.1.1`. */
  status: string;
  /** What the other side answered, verbatim: `550 5.1.1 No such user`. */
  diagnostic?: string;
  remoteMta?: string;
}
export interface Bounce {
  /** Usually the postmaster or mailer-daemon of our domain. */
  from: Person;
  to: Person;
  /** Our host name. */
  reportingMta: string;
  recipients: BounceRecipient[];
  /** The message that failed; only its header goes back unless `whole`. */
  original: Uint8Array;
  whole?: boolean;
  /** Its Message-ID without angle brackets, so that the report joins the conversation. */
  originalMessageId?: string;
  /** When it was accepted, epoch milliseconds; when this report is made, now when absent. */
  arrivedAt?: number;
  date?: number;
  messageId?: string;
  subject?: string;
  /** The words for a person, instead of ours. */
  text?: string;
}

/** Octets of an original's header that are quoted. */
const HEADER_MAX = 32 * 1024;
/** Characters quoted of an answer. */
const DIAGNOSTIC_MAX = 500;

/** The report as a message. Throws UnsafeHeader when an address cannot be written. */
export function composeBounce(bounce: Bounce): Uint8Array {
  const ids = bounce.originalMessageId ? [bounce.originalMessageId] : [];
  const failed = bounce.recipients.some(({ action }) => action === 'failed');
  const fields = [
    dateField('Date', bounce.date ?? Date.now()),
    addressField('From', [bounce.from]),
    addressField('To', [bounce.to]),
    idField('Message-ID', [bounce.messageId ?? makeMessageId(bounce.from.email)]),
    ...(ids.length > 0 ? [idField('In-Reply-To', ids), idField('References', ids)] : []),
    textField('Subject', bounce.subject ?? (failed ? 'Undelivered mail returned to sender' : 'Delivery status of your mail')),
    rawField('Auto-Submitted', 'auto-replied'),
  ];
  const quoted = bounce.whole
    ? { type: 'message/rfc822', content: bounce.original }
    : { type: 'text/rfc822-headers', content: headerOf(bounce.original) };
  return composeEntity(fields, {
    type: 'multipart/report',
    parameters: [['report-type', 'delivery-status']],
    parts: [
      { type: 'text/plain', content: bounce.text ?? explanation(bounce, failed) },
      { type: 'message/delivery-status', content: new TextEncoder().encode(statusText(bounce)) },
      quoted,
    ],
  });
}

/** RFC 3464 §2.2, §2.3: a block about the message, then one for each recipient. */
function statusText({ reportingMta, arrivedAt, recipients }: Bounce): string {
  const message = [
    `Reporting-MTA: dns; ${printableLine(reportingMta)}`,
    ...(arrivedAt === undefined ? [] : [`Arrival-Date: ${formatDate(arrivedAt)}`]),
  ];
  return [message, ...recipients.map(recipientLines)].map((block) => `${block.join('\r\n')}\r\n`).join('\r\n');
}

function recipientLines({ address, action, status, diagnostic, remoteMta }: BounceRecipient): string[] {
  return [
    `Final-Recipient: rfc822; ${printableLine(address)}`,
    `Action: ${action}`,
    `Status: ${/^[245]\.\d{1,3}\.\d{1,3}$/.test(status) ? status : action === 'failed' ? '5.0.0' : '4.0.0'}`,
    ...(remoteMta ? [`Remote-MTA: dns; ${printableLine(remoteMta)}`] : []),
    ...(diagnostic ? [`Diagnostic-Code: smtp; ${printableLine(diagnostic)}`] : []),
  ];
}

/** One line of printable ASCII, whatever the other side sent. */
export function printableLine(text: string): string {
  return text
    .slice(0, DIAGNOSTIC_MAX)
    .replace(/\s+/g, ' ')
    .replace(/[^\x20-\x7e]/g, '?')
    .trim();
}

function explanation({ recipients }: Bounce, failed: boolean): string {
  const opening = failed ? 'Your message could not be delivered to:' : 'This is the delivery status of your message to:';
  const reasons = recipients.map(
    ({ address, diagnostic, status }) => `  ${printableLine(address)}\n    ${diagnostic ? printableLine(diagnostic) : status}`,
  );
  return `${opening}\n\n${reasons.join('\n\n')}\n\nThe message${failed ? ' was not delivered to these recipients; its' : "'s"} header is attached.\n`;
}

function headerOf(original: Uint8Array): Uint8Array {
  const head = original.subarray(0, HEADER_MAX);
  for (let at = 0; at < head.length; at++) {
    if (head[at] === 0x0a && (head[at + 1] === 0x0a || (head[at + 1] === 0x0d && head[at + 2] === 0x0a))) return head.subarray(0, at + 1);
  }
  return head;
}
