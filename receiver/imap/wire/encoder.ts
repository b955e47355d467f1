/**
 * Writing IMAP (RFC 9051 §4.3, §7): strings, mailbox names and response text as byte strings. A string goes
 * out quoted when it may and as a literal when it must; response text is made harmless, because what a
 * client sent may be in it.
 */
import { encodeUtf8, isAscii } from './bytes.ts';
import { encodeUtf7 } from './utf7.ts';

/** Quoted strings above this are legal but some clients cut them: a literal is safe. */
const QUOTED_MAX = 4096;

/** A byte string as `quoted` or `literal`. Eight-bit text may be quoted only where UTF-8 is agreed on (RFC 9051 §4.3). */
export function string(bytes: string, utf8 = false): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 9051 forbids exactly these in a quoted string
  const quotable = bytes.length <= QUOTED_MAX && !/[\x00\r\n]/.test(bytes) && (utf8 || isAscii(bytes));
  return quotable ? `"${bytes.replace(/["\\]/g, '\\$&')}"` : `{${bytes.length}}\r\n${bytes}`;
}

export function nstring(bytes: string | null, utf8 = false): string {
  return bytes === null ? 'NIL' : string(bytes, utf8);
}

/** As an atom where that is enough, else as a string. */
export function astring(bytes: string, utf8 = false): string {
  return /^[!#$&'+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+$/.test(bytes) && bytes.toUpperCase() !== 'NIL' ? bytes : string(bytes, utf8);
}

/** A mailbox name (Unicode) in the form this client understands. INBOX is an atom by custom. */
export function mailboxName(name: string, utf8: boolean): string {
  return name === 'INBOX' ? name : string(utf8 ? encodeUtf8(name) : encodeUtf7(name), utf8);
}

/** One line of human-readable text: printable ASCII, bounded. */
export function responseText(text: string): string {
  const clean = text.slice(0, 400).replace(/[^\x20-\x7e]+/g, '?');
  return clean === '' || clean.startsWith('[') ? `-${clean}` : clean;
}
