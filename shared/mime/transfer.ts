/**
 * Content-Transfer-Encoding (RFC 2045 §6.7, §6.8), decoding as a stream and tolerant: octets outside
 * the base64 alphabet are passed over, padding in the middle ends a group, `=` that introduces
 * nothing stands for itself. Encoders give lines of at most 76 octets with CRLF.
 */
import { concatOctets } from './octets.ts';

/** Decodes one body chunk by chunk; chunks may be cut anywhere. */
export interface TransferDecoder {
  write(chunk: Uint8Array): Uint8Array;
  finish(): Uint8Array;
}

/** The decoder of an encoding (lower case); identity for what is none or unknown. */
export function transferDecoder(encoding: string): TransferDecoder {
  if (encoding === 'base64') return new Base64Decoder();
  if (encoding === 'quoted-printable') return new QuotedPrintableDecoder();
  return { write: (chunk) => chunk, finish: () => NOTHING };
}

/** A whole body at once. */
export function decodeTransfer(bytes: Uint8Array, encoding: string): Uint8Array {
  const decoder = transferDecoder(encoding);
  const body = decoder.write(bytes);
  const rest = decoder.finish();
  return rest.length === 0 ? body : concatOctets([body, rest]);
}

const NOTHING = new Uint8Array(0);
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const PAD = 64;
const VALUES = new Int8Array(256).fill(-1);
for (let value = 0; value < 64; value++) VALUES[ALPHABET.charCodeAt(value)] = value;
VALUES[0x3d] = PAD;

class Base64Decoder implements TransferDecoder {
  #bits = 0;
  #count = 0;

  write(chunk: Uint8Array): Uint8Array {
    const out = new Uint8Array(((chunk.length + 4) * 3) >> 2);
    let length = 0;
    let bits = this.#bits;
    let count = this.#count;
    for (let at = 0; at < chunk.length; at++) {
      const value = VALUES[chunk[at] as number] as number;
      if (value < 0) continue;
      if (value === PAD) {
        count = 0;
        continue;
      }
      bits = ((bits << 6) | value) & 0xffff;
      count += 6;
      if (count < 8) continue;
      count -= 8;
      out[length++] = bits >> count;
    }
    this.#bits = bits;
    this.#count = count;
    return out.subarray(0, length);
  }

  finish(): Uint8Array {
    return NOTHING;
  }
}

/** Counts what a body's octets stand for once decoded. */
export interface OctetCounter {
  write(chunk: Uint8Array): void;
  /** To be asked once, at the end. */
  octets(): number;
}

/** The counter of an encoding (lower case); null for those that change nothing. */
export function octetCounter(encoding: string): OctetCounter | null {
  if (encoding === 'base64') return new Base64Counter();
  return encoding === 'quoted-printable' ? new DecodingCounter(new QuotedPrintableDecoder()) : null;
}

/** Agrees with the decoder without decoding: attachments are most of all mail's octets. */
class Base64Counter implements OctetCounter {
  #count = 0;
  #octets = 0;

  write(chunk: Uint8Array): void {
    let count = this.#count;
    let octets = this.#octets;
    for (let at = 0; at < chunk.length; at++) {
      const value = VALUES[chunk[at] as number] as number;
      if (value < 0) continue;
      if (value === PAD) count = 0;
      else if (++count > 1) {
        octets++;
        if (count === 4) count = 0;
      }
    }
    this.#count = count;
    this.#octets = octets;
  }

  octets(): number {
    return this.#octets;
  }
}

class DecodingCounter implements OctetCounter {
  readonly #decoder: TransferDecoder;
  #octets = 0;

  constructor(decoder: TransferDecoder) {
    this.#decoder = decoder;
  }

  write(chunk: Uint8Array): void {
    this.#octets += this.#decoder.write(chunk).length;
  }

  octets(): number {
    return this.#octets + this.#decoder.finish().length;
  }
}

const EQUALS = 0x3d;
const SPACE = 0x20;
const TAB = 0x09;
const CR = 0x0d;
const LF = 0x0a;
/** White space before a line break is dropped (RFC 2045 §6.7 rule 3) unless there is more than a line of it. */
const HELD_MAX = 1000;

/**
 * Holds back what cannot be judged yet: an `=` and what follows it, or white space that a line break
 * may make void.
 */
class QuotedPrintableDecoder implements TransferDecoder {
  readonly #held: number[] = [];

  write(chunk: Uint8Array): Uint8Array {
    const out = new Uint8Array(this.#held.length + chunk.length);
    let length = 0;
    for (let at = 0; at < chunk.length; at++) {
      const octet = chunk[at] as number;
      if (this.#held.length === 0 && octet > EQUALS) out[length++] = octet;
      else length = this.#step(octet, out, length);
    }
    return out.subarray(0, length);
  }

  finish(): Uint8Array {
    const held = this.#held.splice(0);
    return held.every((octet) => octet === EQUALS || isBlank(octet) || octet === CR) && held[0] !== CR ? NOTHING : Uint8Array.from(held);
  }

  #step(octet: number, out: Uint8Array, length: number): number {
    const held = this.#held;
    if (held.length === 0) {
      if (octet === EQUALS || isBlank(octet)) held.push(octet);
      else out[length++] = octet;
      return length;
    }
    return held[0] === EQUALS ? this.#escape(octet, out, length) : this.#blank(octet, out, length);
  }

  /** `=` is held, perhaps with a hex digit or white space after it. */
  #escape(octet: number, out: Uint8Array, length: number): number {
    const held = this.#held;
    const second = held[1];
    if (octet === LF && (second === undefined || isBlank(second) || second === CR)) {
      held.length = 0;
      return length;
    }
    if (second === undefined && (hexValue(octet) >= 0 || isBlank(octet) || octet === CR)) held.push(octet);
    else if (second !== undefined && hexValue(second) >= 0 && hexValue(octet) >= 0) {
      out[length++] = hexValue(second) * 16 + hexValue(octet);
      held.length = 0;
    } else if (second !== undefined && isBlank(second) && (isBlank(octet) || octet === CR) && held.length < HELD_MAX && held.at(-1) !== CR)
      held.push(octet);
    else return this.#release(octet, out, length);
    return length;
  }

  /** White space is held. */
  #blank(octet: number, out: Uint8Array, length: number): number {
    const held = this.#held;
    if (isBlank(octet) && held.length < HELD_MAX) held.push(octet);
    else if (octet === LF || octet === CR) {
      held.length = 0;
      out[length++] = octet;
    } else return this.#release(octet, out, length);
    return length;
  }

  #release(octet: number, out: Uint8Array, length: number): number {
    for (const literal of this.#held.splice(0)) out[length++] = literal;
    return this.#step(octet, out, length);
  }
}

function isBlank(octet: number): boolean {
  return octet === SPACE || octet === TAB;
}

function hexValue(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const upper = octet & 0xdf;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : -1;
}

// ---------------------------------------------------------------- encoding

/** RFC 2045 §6.7: no line longer than 76 octets. */
const LINE_MAX = 76;

/** Base64 without line breaks, as a byte string. */
export function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const a = bytes[at] ?? 0;
    const b = bytes[at + 1];
    const c = bytes[at + 2];
    text += ALPHABET.charAt(a >> 2) + ALPHABET.charAt(((a & 3) << 4) | ((b ?? 0) >> 4));
    text += b === undefined ? '=' : ALPHABET.charAt(((b & 15) << 2) | ((c ?? 0) >> 6));
    text += c === undefined ? '=' : ALPHABET.charAt(c & 63);
  }
  return text;
}

/** Base64 in lines of 76, CRLF between them, as octets: built in place, so an attachment is held once. */
export function encodeBase64(bytes: Uint8Array): Uint8Array {
  const length = Math.ceil(bytes.length / 3) * 4;
  const out = new Uint8Array(length + 2 * Math.max(0, Math.ceil(length / LINE_MAX) - 1));
  let to = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    if (at > 0 && at % 57 === 0) {
      out[to++] = CR;
      out[to++] = LF;
    }
    const a = bytes[at] ?? 0;
    const b = bytes[at + 1];
    const c = bytes[at + 2];
    out[to++] = ALPHABET.charCodeAt(a >> 2);
    out[to++] = ALPHABET.charCodeAt(((a & 3) << 4) | ((b ?? 0) >> 4));
    out[to++] = b === undefined ? EQUALS : ALPHABET.charCodeAt(((b & 15) << 2) | ((c ?? 0) >> 6));
    out[to++] = c === undefined ? EQUALS : ALPHABET.charCodeAt(c & 63);
  }
  return out;
}

/** Quoted-printable of text octets whose line breaks are CRLF, as a byte string. */
export function encodeQuotedPrintable(bytes: Uint8Array): string {
  const lines: string[] = [];
  let line = '';
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at] ?? 0;
    if (octet === CR && bytes[at + 1] === LF) {
      lines.push(line);
      line = '';
      at++;
      continue;
    }
    const atLineEnd = at + 1 === bytes.length || (bytes[at + 1] === CR && bytes[at + 2] === LF);
    const unit = isLiteral(octet, line === '', atLineEnd) ? String.fromCharCode(octet) : `=${hex(octet)}`;
    if (line.length + unit.length > LINE_MAX - (atLineEnd ? 0 : 1)) {
      lines.push(`${line}=`);
      line = '';
    }
    line += unit;
  }
  lines.push(line);
  return lines.join('\r\n');
}

/** Also escaped: what transports mangle at line starts, a lone dot and mbox's `From `. */
function isLiteral(octet: number, first: boolean, last: boolean): boolean {
  if (isBlank(octet)) return !last;
  if (first && (octet === 0x2e || octet === 0x46)) return false;
  return octet > SPACE && octet < 0x7f && octet !== EQUALS;
}

/** Two upper-case hex digits. */
export function hex(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0');
}
