/**
 * Byte strings: JavaScript strings whose every code unit is one octet. Header bytes travel in them
 * verbatim, whatever their charset (index-types.ts). NUL, which neither IMAP nor SQLite text can
 * carry, becomes U+0080, so lengths and offsets stay what they were.
 */

/** Arguments one call of `fromCharCode` takes safely in every engine. */
const APPLY_MAX = 8192;

/** Octets → byte string; NUL becomes U+0080. */
export function byteString(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const text = rawString(bytes, start, end);
  return text.includes('\0') ? text.replaceAll('\0', '\u0080') : text;
}

/** Octets → one code unit each, NUL included: for octets that are still to be decoded. */
export function rawString(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = '';
  for (let at = start; at < end; at += APPLY_MAX) {
    // An array-like is what `apply` takes; spreading it would copy it through an iterator first.
    text += String.fromCharCode.apply(null, bytes.subarray(at, Math.min(at + APPLY_MAX, end)) as unknown as number[]);
  }
  return text;
}

/** Byte string → octets; code units above 255 (none in a byte string) lose their high octet. */
export function octetsOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

const UTF8 = new TextEncoder();

/** Unicode text → UTF-8 octets as a byte string. */
export function utf8ByteString(text: string): string {
  return isAscii(text) ? text : byteString(UTF8.encode(text));
}

export function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** Unicode text without NUL and without halves of surrogate pairs, as SQLite and JSON need it. */
export function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

/** The first `max` code units, never half a surrogate pair. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max);
}

/** One array of several. */
export function concatOctets(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/**
 * A byte string without outer white space. Not `trim()`, which takes octet 0xA0 for a no-break space and so cuts
 * UTF-8 in two: `à` is C3 A0.
 */
export function trimOctets(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** SP, HT, LF, VT, FF, CR. */
function isSpace(octet: number): boolean {
  return octet === 0x20 || (octet >= 0x09 && octet <= 0x0d);
}
