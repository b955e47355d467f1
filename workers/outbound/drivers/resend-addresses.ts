/**
 * Who Resend is told to send to: the envelope's recipients, each in the field that names them, and nobody else. One who is
 * named in no field was a Bcc and stays one (RFC 5322 §3.6.3).
 */
import { formatAddress, normaliseDomain, parseAddress } from '../../../shared/address.ts';
import { mailboxesOf, parseAddressList } from '../../../shared/mime/addresses.ts';
import { type HeaderField, headerValues } from '../../../shared/mime/headers.ts';
import { withoutControls } from './resend-headers.ts';

export interface SplitRecipients {
  to: string[];
  cc?: string[];
  bcc?: string[];
}

/**
 * Resend needs at least one `to`. Where only hidden recipients are left, a single one is it, because nobody else sees
 * that; of several none may see another, so `to` is the sender, who gets a copy.
 */
export function splitRecipients(rcptTo: readonly string[], fields: readonly HeaderField[], from: string): SplitRecipients {
  const shown = shownRecipients(fields);
  const split: Record<'to' | 'cc' | 'bcc', string[]> = { to: [], cc: [], bcc: [] };
  for (const recipient of rcptTo) {
    const { field, name } = shown.get(comparable(recipient)) ?? { field: 'bcc', name: null };
    split[field].push(addressText(name, recipient));
  }
  if (split.to.length === 0) {
    if (split.cc.length > 0) split.to = split.cc.splice(0, 1);
    else split.to = split.bcc.length === 1 ? split.bcc.splice(0) : [from];
  }
  const { to, cc, bcc } = split;
  return { to, ...(cc.length > 0 ? { cc } : {}), ...(bcc.length > 0 ? { bcc } : {}) };
}

/** The addresses of an unfolded field value, as JSON takes them; what has no domain is left out. */
export function addressTexts(value: string | undefined): string[] {
  return mailboxesOf(parseAddressList(value ?? ''))
    .filter(({ email }) => email.includes('@'))
    .map(({ name, email }) => addressText(name, email));
}

function shownRecipients(fields: readonly HeaderField[]): Map<string, { field: 'to' | 'cc'; name: string | null }> {
  const shown = new Map<string, { field: 'to' | 'cc'; name: string | null }>();
  for (const field of ['cc', 'to'] as const) {
    for (const value of headerValues(fields, field)) {
      for (const { name, email } of mailboxesOf(parseAddressList(value))) shown.set(comparable(email), { field, name });
    }
  }
  return shown;
}

function comparable(email: string): string {
  const address = parseAddress(email);
  return address ? formatAddress(address) : email.toLowerCase();
}

/** `Name <address>`, the name quoted where it must be, the domain in its A-label form. */
function addressText(name: string | null, email: string): string {
  const at = email.lastIndexOf('@');
  const domain = email.slice(at + 1);
  const address = `${quotedLocal(email.slice(0, at))}@${normaliseDomain(domain) ?? domain}`;
  const shown = withoutControls(name ?? '').trim();
  if (shown === '') return address;
  return `${/[()<>[\]:;@\\,."]/.test(shown) ? `"${shown.replace(/[\\"]/g, '\\$&')}"` : shown} <${address}>`;
}

/** RFC 5321 §4.1.2: what is no dot-string is quoted. */
function quotedLocal(local: string): string {
  if (/^".*"$/s.test(local) || /^[^\s()<>[\]:;@\\,"]+$/.test(local)) return local;
  return `"${local.replace(/[\\"]/g, '\\$&')}"`;
}
