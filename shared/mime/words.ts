/**
 * Encoded words in header fields (RFC 2047), both ways. Reading: adjacent words of one charset are
 * joined as octets before they are decoded, because real mail cuts characters in two; a word that is
 * not understood stays as it is; raw 8-bit around words is guessed (RFC 7103 §7, RFC 6532). Writing: UTF-8,
 * at most 75 characters a word, never cutting a character (§5.3).
 */
import { decodeGuessed, decodeText, isKnownCharset } from './charset.ts';
import { isAscii, octetsOf, rawString, trimOctets } from './octets.ts';
import { base64, decodeTransfer, hex } from './transfer.ts';

interface Word {
  start: number;
  end: number;
  charset: string;
  encoding: 'b' | 'q';
  text: string;
}

/** An unfolded header value (byte string) → Unicode text. */
export function decodeWords(value: string): string {
  if (!value.includes('=?')) return decodeRaw(value);
  let text = '';
  let at = 0;
  let run: Word[] = [];
  for (const word of wordsIn(value)) {
    const between = value.slice(at, word.start);
    if (run.length > 0 && trimOctets(between) === '') run.push(word);
    else {
      text += decodeRun(run) + decodeRaw(between);
      run = [word];
    }
    at = word.end;
  }
  return text + decodeRun(run) + decodeRaw(value.slice(at));
}

/** Raw octets of a header value: ASCII, or UTF-8 (RFC 6532), or a guess. */
export function decodeRaw(value: string): string {
  return isAscii(value) ? value : decodeGuessed(octetsOf(value));
}

/** Every encoded word, left to right. Linear: the next `?=` is looked for once. */
function* wordsIn(value: string): Generator<Word> {
  let close = 0;
  for (let start = value.indexOf('=?'); start >= 0; ) {
    const head = headAt(value, start);
    if (head && close < head.textStart) close = value.indexOf('?=', head.textStart);
    if (close < 0) return;
    const text = head && value.slice(head.textStart, close);
    if (!head || text === null || text.includes('=?')) {
      start = value.indexOf('=?', start + 2);
      continue;
    }
    yield { start, end: close + 2, charset: head.charset, encoding: head.encoding, text };
    start = value.indexOf('=?', close + 2);
  }
}

const HEAD = /=\?([^?\s]{1,64})\?([bBqQ])\?/y;

function headAt(value: string, start: number): { charset: string; encoding: 'b' | 'q'; textStart: number } | null {
  HEAD.lastIndex = start;
  const [whole, charset, encoding] = HEAD.exec(value) ?? [];
  if (whole === undefined || charset === undefined || !isKnownCharset(charset)) return null;
  return { charset, encoding: encoding?.toLowerCase() === 'b' ? 'b' : 'q', textStart: start + whole.length };
}

function decodeRun(words: readonly Word[]): string {
  let text = '';
  for (let at = 0; at < words.length; ) {
    const charset = words[at]?.charset.toLowerCase() ?? '';
    let end = at + 1;
    while (words[end]?.charset.toLowerCase() === charset) end++;
    text += decodeText(octetsOf(octetsIn(words.slice(at, end))), charset);
    at = end;
  }
  return text;
}

/** Words of one charset as octets. Base64 that stops inside a group goes on in the next word. */
function octetsIn(words: readonly Word[]): string {
  let octets = '';
  let open = '';
  for (const { encoding, text } of words) {
    if (encoding === 'b') open += text;
    if (encoding === 'q' || open.length % 4 === 0 || text.endsWith('=')) {
      octets += fromBase64(open);
      open = '';
    }
    if (encoding === 'q') octets += fromQ(text);
  }
  return octets + fromBase64(open);
}

function fromBase64(text: string): string {
  return text === '' ? '' : rawString(decodeTransfer(octetsOf(text), 'base64'));
}

function fromQ(text: string): string {
  return text.replaceAll('_', ' ').replace(/=([0-9a-fA-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

// ---------------------------------------------------------------- writing

/** Below §2's 63, so that `Subject: ` and a first word fit into one line of 76. */
const PAYLOAD_MAX = 52;
const UTF8 = new TextEncoder();

/** A word that no line can hold with its field's name before it (RFC 5322 §2.1.1: 998 characters). */
const LONG_WORD = /[^ ]{900}/;

/** Text that is safe in an unstructured field as it is: printable ASCII that looks like no encoded word and can be folded. */
export function isPlainText(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text) && !text.includes('=?') && !LONG_WORD.test(text);
}

/** Unstructured text → itself when plain, else encoded words separated by one space (to be folded there). */
export function encodeUnstructured(text: string): string {
  return isPlainText(text) ? text : encodeWords(text).join(' ');
}

/** A display name (RFC 5322 §3.2.5): atoms as they are, else a quoted string, else encoded words. */
export function encodePhrase(name: string): string {
  if (/^[!#$%&'*+\-/0-9=?A-Z^_`a-z{|}~]+( [!#$%&'*+\-/0-9=?A-Z^_`a-z{|}~]+)*$/.test(name) && isPlainText(name)) return name;
  return isPlainText(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : encodeWords(name).join(' ');
}

/** The text as encoded words, each at most 75 characters and each decodable alone. B or Q, whichever is shorter. */
export function encodeWords(text: string): string[] {
  const octets = UTF8.encode(text);
  const escaped = octets.reduce((sum, octet) => sum + qUnit(octet).length, 0);
  const byQ = escaped <= Math.ceil(octets.length / 3) * 4;
  const size = (character: Uint8Array, used: number) =>
    byQ ? character.reduce((sum, octet) => sum + qUnit(octet).length, used) : used + character.length;
  const max = byQ ? PAYLOAD_MAX : Math.floor(PAYLOAD_MAX / 4) * 3;
  const words: number[][] = [[]];
  let used = 0;
  for (const character of text) {
    const encoded = UTF8.encode(character);
    if (size(encoded, used) > max) {
      words.push([]);
      used = 0;
    }
    used = size(encoded, used);
    words.at(-1)?.push(...encoded);
  }
  return words.map((word) => (byQ ? `=?utf-8?Q?${word.map(qUnit).join('')}?=` : `=?utf-8?B?${base64(Uint8Array.from(word))}?=`));
}

/** RFC 2047 §5 (3): the set that is safe in a phrase is used everywhere. */
function qUnit(octet: number): string {
  if (octet === 0x20) return '_';
  const char = String.fromCharCode(octet);
  return /[A-Za-z0-9!*+\-/]/.test(char) ? char : `=${hex(octet)}`;
}

/** A parameter: token, quoted string, or RFC 2231 `name*=utf-8''…` in sections short enough to fold. Each piece `name=value`. */
export function encodeParameter(name: string, value: string): string[] {
  if (/^[!#$&+\-.^_`{|}~0-9A-Za-z]{1,60}$/.test(value)) return [`${name}=${value}`];
  if (/^[\x20-\x7e]{0,60}$/.test(value)) return [`${name}="${value.replace(/["\\]/g, '\\$&')}"`];
  const sections = sectionsOf(value);
  if (sections.length === 1) return [`${name}*=utf-8''${sections[0]}`];
  return sections.map((section, index) => `${name}*${index}*=${index === 0 ? "utf-8''" : ''}${section}`);
}

/** RFC 2231 sections of at most this many characters keep a folded line below 78. */
const SECTION_MAX = 50;

function sectionsOf(value: string): string[] {
  const sections = [''];
  for (const character of value) {
    const unit = Array.from(UTF8.encode(character), percentUnit).join('');
    if ((sections.at(-1)?.length ?? 0) + unit.length > SECTION_MAX) sections.push('');
    sections[sections.length - 1] += unit;
  }
  return sections;
}

function percentUnit(octet: number): string {
  const char = String.fromCharCode(octet);
  return /[A-Za-z0-9.\-_!#$&+^`{|}~]/.test(char) ? char : `%${hex(octet)}`;
}
