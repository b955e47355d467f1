/**
 * Header blocks (RFC 5322 §2.2): a byte string in, fields in order out, values verbatim with their
 * folding. Lines that are no field (RFC 7103 §7) are passed over, never guessed at. Here too: which
 * fields the index keeps, so that the header fetches of mail clients need no original.
 */
import { trimOctets } from './octets.ts';

export interface HeaderField {
  /** As written, without the colon. */
  name: string;
  /** Everything after the colon, folding included, without the last line break. */
  value: string;
  /** Offsets in the block: first octet of the name, one past the last line break. */
  start: number;
  end: number;
}

/** Fields of one block beyond which the rest is left alone: real mail stays below 200. */
export const FIELDS_MAX = 2000;

/** All fields of a header block, in order; both CRLF and bare LF end lines. */
export function parseHeaderBlock(block: string): HeaderField[] {
  const fields: HeaderField[] = [];
  let open: HeaderField | null = null;
  for (let start = 0; start < block.length && fields.length < FIELDS_MAX; ) {
    const lf = block.indexOf('\n', start);
    const end = lf < 0 ? block.length : lf + 1;
    if (isBlank(block, start, end)) break;
    if (isContinuation(block, start)) {
      if (open) open.end = end;
    } else {
      open = fieldAt(block, start, end);
      if (open) fields.push(open);
    }
    start = end;
  }
  for (const field of fields) field.value = withoutBreak(block.slice(block.indexOf(':', field.start) + 1, field.end));
  return fields;
}

/** Folding undone and outer white space gone (RFC 5322 §2.2.3): line breaks vanish, the white space after them stays. */
export function unfold(value: string): string {
  return trimOctets(value.includes('\n') || value.includes('\r') ? value.replace(/\r?\n|\r/g, '') : value);
}

/** The unfolded value of the first field of that name (lower case); undefined when there is none. */
export function headerValue(fields: readonly HeaderField[], name: string): string | undefined {
  const field = fields.find((candidate) => candidate.name.toLowerCase() === name);
  return field && unfold(field.value);
}

/** The same of the last field, which counts when a message repeats what it may say once (RFC 8621 §4.1.3, and Dovecot). */
export function lastHeaderValue(fields: readonly HeaderField[], name: string): string | undefined {
  const field = fields.findLast((candidate) => candidate.name.toLowerCase() === name);
  return field && unfold(field.value);
}

/** Unfolded values of all fields of that name, in order. */
export function headerValues(fields: readonly HeaderField[], name: string): string[] {
  return fields.filter((field) => field.name.toLowerCase() === name).map((field) => unfold(field.value));
}

/** Where the fields of these names (lower case) lie in a raw message or header block: octet ranges, line breaks included. */
export function headerFieldRanges(block: string, names: readonly string[]): { start: number; end: number }[] {
  return parseHeaderBlock(block)
    .filter((field) => names.includes(field.name.toLowerCase()))
    .map(({ start, end }) => ({ start, end }));
}

function fieldAt(block: string, start: number, end: number): HeaderField | null {
  const colon = block.indexOf(':', start);
  if (colon < 0 || colon >= end) return null;
  const name = trimOctets(block.slice(start, colon));
  return isFieldName(name) ? { name, value: '', start, end } : null;
}

/** RFC 5322 §3.6.8 `ftext`: printable ASCII without the colon. */
export function isFieldName(name: string): boolean {
  return /^[!-9;-~]+$/.test(name);
}

function isContinuation(block: string, start: number): boolean {
  return block[start] === ' ' || block[start] === '\t';
}

function isBlank(block: string, start: number, end: number): boolean {
  return block[start] === '\n' || (block[start] === '\r' && block[start + 1] === '\n' && end - start === 2);
}

function withoutBreak(value: string): string {
  return value.replace(/\r?\n$/, '');
}

// ---------------------------------------------------------------- what the index keeps

/** Fields ENVELOPE is made of (RFC 9051 §7.5.2). */
export const ENVELOPE_FIELDS: ReadonlySet<string> = new Set(
  'date subject from sender reply-to to cc bcc in-reply-to message-id'.split(' '),
);

/**
 * Fields kept verbatim in the index: ENVELOPE, JMAP's convenience properties, and what Thunderbird,
 * Apple Mail, Outlook and K-9 ask for in a listing. `List-`, `Resent-`, `Content-`, `X-Spam-` by prefix.
 */
export const KEPT_FIELDS: ReadonlySet<string> = new Set([
  ...ENVELOPE_FIELDS,
  ...'references mime-version priority x-priority x-msmail-priority importance newsgroups followup-to'.split(' '),
  ...'return-path delivered-to x-original-to authentication-results disposition-notification-to return-receipt-to'.split(' '),
  ...'auto-submitted precedence x-mailer user-agent autocrypt keywords comments organization thread-topic'.split(' '),
  ...'thread-index x-uniform-type-identifier x-universally-unique-identifier x-label x-keywords'.split(' '),
  ...'x-draft-info x-identity-key x-account-key fcc mail-followup-to feedback-id x-auto-response-suppress'.split(' '),
]);
const KEPT_PREFIX = /^(list|resent|content|x-spam)-/;

/** `name` in lower case. */
export function isKeptField(name: string): boolean {
  return KEPT_FIELDS.has(name) || KEPT_PREFIX.test(name);
}

/**
 * The raw lines of the fields wanted, each ended by CRLF, at most `max` octets. Not complete when a
 * field did not fit; smaller ones after it still get in.
 */
export function keepFields(
  block: string,
  fields: readonly HeaderField[],
  wanted: (name: string) => boolean,
  max: number,
): { headers: string; complete: boolean } {
  let headers = '';
  let complete = true;
  for (const field of fields) {
    if (!wanted(field.name.toLowerCase())) continue;
    const lines = withCrlf(block.slice(field.start, field.end));
    if (headers.length + lines.length > max) complete = false;
    else headers += lines;
  }
  return { headers, complete };
}

function withCrlf(lines: string): string {
  const ended = lines.endsWith('\n') ? lines : `${lines}\r\n`;
  return ended.replace(/\r?\n/g, '\r\n');
}
