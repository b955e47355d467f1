/**
 * Strings on the IMAP wire (RFC 9051 §4.3): quoted where that is allowed, a literal for 8-bit and line
 * breaks. All are byte strings; NUL cannot occur in them (index-types.ts).
 */

/** Longer strings go as literals: clients bound the lines they read. */
const QUOTED_MAX = 1000;

/** `string`: quoted, or `{n}` CRLF and the octets. */
export function imapString(text: string): string {
  if (text.length > QUOTED_MAX || !/^[\x20-\x7e\t]*$/.test(text)) return `{${text.length}}\r\n${text}`;
  return `"${text.includes('"') || text.includes('\\') ? text.replace(/["\\]/g, '\\$&') : text}"`;
}

/** `nstring`: NIL when absent. */
export function imapNstring(text: string | null | undefined): string {
  return text === null || text === undefined ? 'NIL' : imapString(text);
}

/** `(item item …)` without separators of its own, NIL when there is none. */
export function imapList(items: readonly string[], separator = ' '): string {
  return items.length === 0 ? 'NIL' : `(${items.join(separator)})`;
}
