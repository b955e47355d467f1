/**
 * Mailbox addresses as the directory compares them (RFC 5321 §4.1.2): the domain without case and in
 * its A-label form, our own local parts without case. Sub-addresses (`me+news@…`, RFC 5233) belong to
 * the address before the `+`.
 */

/** RFC 5321 §4.5.3.1: local part 64, domain 255, path 256 octets with its brackets. */
export const ADDRESS_LENGTH_MAX = 254;
const LOCAL_LENGTH_MAX = 64;

export interface Address {
  local: string;
  domain: string;
}

/**
 * Splits and normalises `local@domain` (no angle brackets). Null when it is no address we could hold:
 * empty halves, over-long, control characters, or a domain that is no host name.
 */
export function parseAddress(text: string): Address | null {
  const at = text.lastIndexOf('@');
  if (at < 1 || text.length > ADDRESS_LENGTH_MAX) return null;
  const local = unquoteLocal(text.slice(0, at)).normalize('NFC').toLowerCase();
  const domain = normaliseDomain(text.slice(at + 1));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (domain === null || local === '' || local.length > LOCAL_LENGTH_MAX || /[\u0000-\u001f\u007f]/.test(local)) return null;
  return { local, domain };
}

/** Whether it is written as RFC 5321 §4.1.2 writes a mailbox: outside quotes no white space and nothing that ends an address. Dots may stand anywhere. */
export function isMailbox(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  const isLocal = /^(?:[^\x00-\x20()<>[\]:;@\\,"\x7f]+|"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*")$/;
  return parseAddress(text) !== null && isLocal.test(text.slice(0, text.lastIndexOf('@')));
}

/** A host name in lower-case A-label form; null when it is none. An address literal `[192.0.2.1]` is none. */
export function normaliseDomain(text: string): string | null {
  if (text === '' || text.length > 253 || /[^\p{L}\p{N}\p{M}.-]/u.test(text)) return null;
  const domain = toAscii(text.replace(/\.$/, ''));
  return domain !== null && /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(domain) ? domain : null;
}

/** `local@domain` in the form the directory keeps. */
export function formatAddress({ local, domain }: Address): string {
  return `${local}@${domain}`;
}

/** The address before a `+detail`; the same when there is none (RFC 5233 §1). */
export function withoutDetail({ local, domain }: Address): Address {
  const plus = local.indexOf('+');
  return plus > 0 ? { local: local.slice(0, plus), domain } : { local, domain };
}

function toAscii(domain: string): string | null {
  try {
    return new URL(`http://${domain}/`).hostname;
  } catch {
    return null;
  }
}

function unquoteLocal(local: string): string {
  return /^".*"$/s.test(local) ? local.slice(1, -1).replace(/\\(.)/gs, '$1') : local;
}
