/**
 * Addresses as people type and paste them: `Anna <anna@example.org>, bob@example.org; "Doe, J." <j@…>`.
 * What is no address is handed back so that it can be shown, never dropped.
 */
import { parseAddress } from '../../../shared/address.ts';
import type { EmailAddress } from '../jmap/types.ts';

/** Recipients one paste may bring; more belongs to a mailing list. */
const RECIPIENTS_MAX = 500;

export interface ParsedRecipients {
  addresses: EmailAddress[];
  /** Pieces that are no address. */
  rest: string[];
}

export function parseRecipients(text: string): ParsedRecipients {
  const addresses: EmailAddress[] = [];
  const rest: string[] = [];
  for (const piece of splitList(text).slice(0, RECIPIENTS_MAX)) {
    const address = parseRecipient(piece);
    if (address) addresses.push(address);
    else rest.push(piece);
  }
  return { addresses, rest };
}

/** Splits at commas, semicolons and line ends outside quotes and angle brackets. */
function splitList(text: string): string[] {
  const pieces: string[] = [];
  let piece = '';
  let quoted = false;
  let angled = false;
  for (const char of text) {
    if (char === '"') quoted = !quoted;
    if (!quoted && char === '<') angled = true;
    if (!quoted && char === '>') angled = false;
    if (!quoted && !angled && /[,;\uff0c\uff1b\n]/.test(char)) {
      pieces.push(piece);
      piece = '';
    } else piece += char;
  }
  return [...pieces, piece].map((part) => part.trim()).filter(Boolean);
}

function parseRecipient(piece: string): EmailAddress | null {
  const angle = piece.endsWith('>') ? piece.lastIndexOf('<') : -1;
  const email = (angle < 0 ? piece : piece.slice(angle + 1, -1)).trim();
  const name =
    angle < 0
      ? ''
      : piece
          .slice(0, angle)
          .trim()
          .replace(/^"(.*)"$/, '$1')
          .replace(/\\(.)/g, '$1');
  return /^\S+$/.test(email) && parseAddress(email) ? { name: name || null, email } : null;
}

export function sameAddress(a: EmailAddress, b: EmailAddress): boolean {
  return a.email.toLowerCase() === b.email.toLowerCase();
}

/** Each address once, the first one kept. */
export function distinct(addresses: EmailAddress[]): EmailAddress[] {
  return addresses.filter((address, index) => addresses.findIndex((other) => sameAddress(other, address)) === index);
}
