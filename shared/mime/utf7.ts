/**
 * UTF-7 (RFC 2152), which no platform decodes any more and old mail still carries: `+` starts
 * base64 of UTF-16, anything outside that alphabet ends it. Broken input gives what can be read.
 */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const DASH = 0x2d;
const PLUS = 0x2b;
const VALUES = new Int8Array(256).fill(-1);
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value;

export function decodeUtf7(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at] ?? 0;
    if (octet !== PLUS) text += String.fromCharCode(octet);
    else if (bytes[at + 1] === DASH) {
      text += '+';
      at++;
    } else {
      const end = shiftEnd(bytes, at + 1);
      text += shifted(bytes, at + 1, end);
      at = bytes[end] === DASH ? end : end - 1;
    }
  }
  return text.toWellFormed();
}

function shiftEnd(bytes: Uint8Array, start: number): number {
  let end = start;
  while (end < bytes.length && (VALUES[bytes[end] ?? 0] ?? -1) >= 0) end++;
  return end;
}

function shifted(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  let bits = 0;
  let count = 0;
  for (let at = start; at < end; at++) {
    bits = ((bits << 6) | (VALUES[bytes[at] ?? 0] ?? 0)) & 0x3fffff;
    count += 6;
    if (count >= 16) {
      count -= 16;
      text += String.fromCharCode((bits >> count) & 0xffff);
    }
  }
  return text;
}
