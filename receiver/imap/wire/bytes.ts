/**
 * Byte strings: JavaScript strings whose code units are octets, the form in which all IMAP text travels
 * here (RFC 9051 §4.3). Conversions between them, octets and Unicode.
 */
const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Octets → byte string. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).latin1Slice();
}

/** Unicode → byte string in UTF-8. */
export function encodeUtf8(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').latin1Slice();
}

/** Byte string in UTF-8 → Unicode; null when it is not UTF-8. */
export function decodeUtf8(bytes: string): string | null {
  if (isAscii(bytes)) return bytes;
  try {
    return STRICT.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return null;
  }
}

export function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
  return /^[\x00-\x7f]*$/.test(text);
}

export function hasControl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return /[\x00-\x1f\x7f]/.test(text);
}
