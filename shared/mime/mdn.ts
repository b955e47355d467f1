/**
 * Writing a message disposition notification (RFC 8098 §3): a report that says what became of a message, with words for a
 * person, fields for a program, and the message itself when that is wanted.
 */
import { printableLine } from './bounce.ts';
import { composeEntity, type Entity, makeMessageId } from './compose.ts';
import { addressField, dateField, idField, type Person, rawField, textField } from './fields.ts';

export interface MdnComposition {
  from: Person;
  to: Person[];
  subject: string;
  /** The words for a person. */
  text: string;
  reportingUA: string | null;
  disposition: { actionMode: string; sendingMode: string; type: string };
  /** `rfc822; joe@example.com` each. */
  originalRecipient: string | null;
  finalRecipient: string;
  /** Without brackets; null when the message has none. */
  originalMessageId: string | null;
  extensionFields: Record<string, string>;
  /** The message itself; null to leave it out. */
  original: Uint8Array | null;
}

/** The notification as a message. Throws UnsafeHeader when a value cannot stand in a header. */
export function composeMdn(mdn: MdnComposition): Uint8Array {
  const ids = mdn.originalMessageId !== null && /^[!-;=?-~]{1,250}$/.test(mdn.originalMessageId) ? [mdn.originalMessageId] : [];
  const fields = [
    dateField('Date', Date.now()),
    addressField('From', [mdn.from]),
    addressField('To', mdn.to),
    idField('Message-ID', [makeMessageId(mdn.from.email)]),
    ...(ids.length > 0 ? [idField('In-Reply-To', ids), idField('References', ids)] : []),
    textField('Subject', mdn.subject),
    rawField('Auto-Submitted', 'auto-replied'),
  ];
  const parts: Entity[] = [
    { type: 'text/plain', content: mdn.text },
    { type: 'message/disposition-notification', content: new TextEncoder().encode(notificationText(mdn)) },
  ];
  if (mdn.original) parts.push({ type: 'message/rfc822', content: mdn.original });
  return composeEntity(fields, { type: 'multipart/report', parameters: [['report-type', 'disposition-notification']], parts });
}

/** §3.1: one block of fields, each a line of printable ASCII. */
function notificationText(mdn: MdnComposition): string {
  const { actionMode, sendingMode, type } = mdn.disposition;
  const fields: [string, string | null][] = [
    ['Reporting-UA', mdn.reportingUA],
    ['Original-Recipient', mdn.originalRecipient],
    ['Final-Recipient', mdn.finalRecipient],
    ['Original-Message-ID', mdn.originalMessageId === null ? null : `<${mdn.originalMessageId}>`],
    ['Disposition', `${actionMode}/${sendingMode}; ${type}`],
    ...Object.entries(mdn.extensionFields),
  ];
  return fields.flatMap(([name, value]) => (value === null ? [] : `${name}: ${printableLine(value)}\r\n`)).join('');
}
