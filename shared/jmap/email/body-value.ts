/**
 * EmailBodyValue (RFC 8621 §4.1.4): a text part's octets, transfer and charset decoded, line breaks as
 * LF, cut at a character when it is too long and, in HTML, never inside a tag.
 */
import { decodeText, isKnownCharset, isMalformed } from '../../mime/charset.ts';
import { isIdentity } from '../../mime/content.ts';
import type { Part } from '../../mime/index-types.ts';
import { decodeParameter } from '../../mime/parameters.ts';
import { decodeTransfer } from '../../mime/transfer.ts';

/** Octets read of one part: what a person reads is below it, and a request must stay within 128 MB and its CPU. */
export const BODY_OCTETS_MAX = 1024 * 1024;

/** Octets of the longest character in UTF-8. */
const CHARACTER_OCTETS_MAX = 4;

export interface EmailBodyValue {
  value: string;
  isEncodingProblem: boolean;
  isTruncated: boolean;
}

/** The value of a part from its octets as they lie in the original; `isCut`: there are more of them. */
export function bodyValue(octets: Uint8Array, part: Part, maxBytes: number, isCut: boolean): EmailBodyValue {
  const charset = decodeParameter(part.parameters, 'charset') ?? '';
  const plain = decodeTransfer(octets, part.encoding);
  const decoded = decodeText(plain, charset);
  // A character cut in half at the end of what was read is no fault of the message.
  const text = (isCut ? decoded.replace(/\ufffd+$/, '') : decoded).replaceAll('\r\n', '\n');
  const value = maxBytes > 0 ? truncate(text, maxBytes, part.subtype === 'html') : text;
  return {
    value,
    isEncodingProblem: !isKnownCharset(charset) || !isKnownEncoding(part.encoding) || isMalformed(plain, charset, text),
    isTruncated: isCut || value.length < text.length,
  };
}

/** True when a value is as long as it may be, but for a character: reading on would not make it longer. */
export function isFilled({ value }: EmailBodyValue, maxBytes: number): boolean {
  return new TextEncoder().encode(value).length > maxBytes - CHARACTER_OCTETS_MAX;
}

function isKnownEncoding(encoding: string): boolean {
  return isIdentity(encoding) || encoding === 'base64' || encoding === 'quoted-printable';
}

/** The longest beginning of at most `max` octets in UTF-8, whole characters only; in HTML no tag is cut. */
export function truncate(text: string, max: number, isHtml: boolean): string {
  // One UTF-16 unit is at most three octets.
  if (text.length * 3 <= max) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(Math.min(max, text.length * 3)));
  if (read === text.length || !isHtml) return text.slice(0, read);
  return text.slice(0, outsideOfTags(text, read));
}

/** `end`, or where the tag or comment that goes on there begins. Linear. */
function outsideOfTags(text: string, end: number): number {
  for (let open = text.indexOf('<'); open >= 0 && open < end; ) {
    const close = /[a-z/!?]/i.test(text.charAt(open + 1)) ? closeOf(text, open, end) : open;
    if (close >= end) return open;
    open = text.indexOf('<', close + 1);
  }
  return end;
}

/** Where the tag that begins at `open` ends; `end` when not before it. `>` counts neither in a comment nor in a quoted attribute. */
function closeOf(text: string, open: number, end: number): number {
  if (text.startsWith('<!--', open)) return endBefore(text.indexOf('-->', open + 4), end - COMMENT_END) + COMMENT_END;
  for (let at = open + 1; at < end; at++) {
    const char = text[at];
    if (char === '>') return at;
    if (char === '=' && (text[at + 1] === '"' || text[at + 1] === "'")) at = endBefore(text.indexOf(text.charAt(at + 1), at + 2), end);
  }
  return end;
}

/** From the first to the last character of `-->`. */
const COMMENT_END = 2;

function endBefore(index: number, end: number): number {
  return index < 0 ? end : Math.min(index, end);
}
