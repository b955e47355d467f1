/**
 * Octets to text. Labels as mail writes them map to the platform's decoders (WHATWG Encoding); UTF-7
 * has its own. A label nobody knows, or one that says nothing (`us-ascii` over 8-bit octets), is
 * guessed: UTF-8 when it is well-formed, else windows-1252. Never throws.
 */
import { decodeUtf7 } from './utf7.ts';

/** Labels met in mail that the Encoding standard does not list. */
const ALIASES = new Map<string, string>([
  ['utf8mb4', 'utf-8'],
  ['utf_8', 'utf-8'],
  ['cp65001', 'utf-8'],
  ['8859-1', 'iso-8859-1'],
  ['8859_1', 'iso-8859-1'],
  ['latin-1', 'iso-8859-1'],
  ['latin-2', 'iso-8859-2'],
  ['latin9', 'iso-8859-15'],
  ['latin-9', 'iso-8859-15'],
  ['cp932', 'shift_jis'],
  ['ms932', 'shift_jis'],
  ['windows-932', 'shift_jis'],
  ['jis', 'iso-2022-jp'],
  ['iso-2022-jp-1', 'iso-2022-jp'],
  ['iso-2022-jp-2', 'iso-2022-jp'],
  ['iso-2022-jp-3', 'iso-2022-jp'],
  ['iso-2022-jp-ms', 'iso-2022-jp'],
  ['cp50220', 'iso-2022-jp'],
  ['cp50221', 'iso-2022-jp'],
  ['euc_jp', 'euc-jp'],
  ['eucjp', 'euc-jp'],
  ['euckr', 'euc-kr'],
  ['uhc', 'euc-kr'],
  ['cp949', 'euc-kr'],
  ['ms949', 'euc-kr'],
  ['cp936', 'gbk'],
  ['ms936', 'gbk'],
  ['windows-936', 'gbk'],
  ['euc-cn', 'gbk'],
  ['gb_2312', 'gbk'],
  ['cp950', 'big5'],
  ['ms950', 'big5'],
  ['macroman', 'macintosh'],
  ['x-macroman', 'macintosh'],
  ['unicode-1-1-utf-8', 'utf-8'],
  ['unicode-2-0-utf-8', 'utf-8'],
]);
/** `ISO8859_15`, `iso 8859-15`, `win-1251`: spelled by pattern. */
const PATTERNS: [RegExp, string][] = [
  [/^iso[\s_-]?8859[\s_-]?(\d{1,2})(-[ei])?$/, 'iso-8859-'],
  [/^(?:win|windows|cp|x-cp|ms|microsoft-cp)[\s_-]?(125\d)$/, 'windows-'],
];
const UTF7 = new Set(['utf-7', 'utf7', 'unicode-1-1-utf-7', 'x-unicode-1-1-utf-7', 'x-unicode-2-0-utf-7']);
/** Labels that say no more than "8 bits": decided by the octets. */
const MEANINGLESS = new Set([
  '',
  'us-ascii',
  'ascii',
  'ansi_x3.4-1968',
  'iso-ir-6',
  'unknown',
  'unknown-8bit',
  'x-unknown',
  'default',
  '8bit',
]);

const decoders = new Map<string, TextDecoder | null>();
/** Labels remembered, known or not, so that hostile ones cannot fill memory. */
const DECODERS_MAX = 200;

/** Octets in the charset of that label (any case, quotes and RFC 2231 language tolerated) → text. */
export function decodeText(bytes: Uint8Array, label: string): string {
  const name = normaliseLabel(label);
  if (UTF7.has(name)) return decodeUtf7(bytes);
  if (MEANINGLESS.has(name)) return decodeGuessed(bytes);
  const decoder = decoderOf(name);
  return decoder ? decoder.decode(bytes) : decodeGuessed(bytes);
}

/** Is there a decoder for this label? */
export function isKnownCharset(label: string): boolean {
  const name = normaliseLabel(label);
  return UTF7.has(name) || MEANINGLESS.has(name) || decoderOf(name) !== null;
}

/** Labels of which every octet above 127 is a fault, the implied one among them (RFC 2045 §5.2). */
const SEVEN_BIT = new Set(['', 'us-ascii', 'ascii', 'ansi_x3.4-1968', 'iso-ir-6']);

/** Do the octets break the rules of their charset? `text` is what they were decoded to; a character cut off at the end is no fault. */
export function isMalformed(bytes: Uint8Array, label: string, text: string): boolean {
  const name = normaliseLabel(label);
  if (SEVEN_BIT.has(name)) return /[\u0080-\uffff]/.test(text);
  if (!text.includes('\ufffd')) return false;
  // The character may have been meant: then a strict decoder takes it too.
  try {
    new TextDecoder(decoderOf(name)?.encoding, { fatal: true }).decode(bytes, { stream: true });
    return false;
  } catch {
    return true;
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
const western = new TextDecoder('windows-1252');

/** UTF-8 when well-formed (a character cut off at the very end is forgiven when it is not the only one), else windows-1252. */
export function decodeGuessed(bytes: Uint8Array): string {
  const whole = bytes.length - cutOff(bytes);
  try {
    const text = strictUtf8.decode(bytes.subarray(0, whole));
    if (whole === bytes.length || text.length < whole) return text;
  } catch {}
  return western.decode(bytes);
}

/** Octets at the end that begin a UTF-8 sequence and do not finish it. */
function cutOff(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const octet = bytes[bytes.length - back] ?? 0;
    if (octet < 0x80) return 0;
    if (octet >= 0xc0) return back < (octet >= 0xf0 ? 4 : octet >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

function normaliseLabel(label: string): string {
  const name = label
    .toLowerCase()
    .replace(/["'<>]/g, '')
    .replace(/\*.*$/s, '')
    .trim();
  return ALIASES.get(name) ?? name;
}

function decoderOf(name: string): TextDecoder | null {
  const known = decoders.get(name);
  if (known !== undefined) return known;
  const decoder = makeDecoder(name) ?? makeDecoder(byPattern(name));
  if (decoders.size < DECODERS_MAX) decoders.set(name, decoder);
  return decoder;
}

function byPattern(name: string): string {
  for (const [pattern, prefix] of PATTERNS) {
    const number = pattern.exec(name)?.[1];
    if (number !== undefined) return prefix + number;
  }
  return '';
}

function makeDecoder(name: string): TextDecoder | null {
  try {
    return name === '' ? null : new TextDecoder(name);
  } catch {
    return null;
  }
}
