/**
 * The two directions of POP3's lines (RFC 1939 §3): commands cut out of what arrives, bounded; and a message on its way out, with every line
 * ended by CRLF and a dot put before each line that begins with one.
 */

/** RFC 2449 §4 gives a command 255 octets; an initial response of AUTH (RFC 5034 §4) may be longer. */
export const LINE_MAX = 4096;
const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;

/** Lines of what arrives, as byte strings. */
export class LineReader {
  #waiting: Buffer = Buffer.alloc(0);

  write(chunk: Buffer): void {
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
  }

  /** The next whole line without its end; null when there is none yet; `too long` once it cannot become one. */
  next(): string | null | { tooLong: true } {
    const end = this.#waiting.indexOf(LF);
    if (end > LINE_MAX || (end === -1 && this.#waiting.length > LINE_MAX)) return { tooLong: true };
    if (end === -1) return null;
    const line = this.#waiting.toString('latin1', 0, end > 0 && this.#waiting[end - 1] === CR ? end - 1 : end);
    this.#waiting = this.#waiting.subarray(end + 1);
    return line;
  }

  /** Throws away what waits. */
  drop(): void {
    this.#waiting = Buffer.alloc(0);
  }
}

/** Makes a multi-line answer of a message; one per message. */
export class Stuffing {
  #atStart = true;
  #lastWasCr = false;

  /** The octets as they go out. */
  take(chunk: Uint8Array): Uint8Array {
    const out = Buffer.allocUnsafe(chunk.length * 2);
    let length = 0;
    for (const octet of chunk) {
      if (octet === LF && !this.#lastWasCr) out[length++] = CR;
      if (octet === DOT && this.#atStart) out[length++] = DOT;
      out[length++] = octet;
      this.#atStart = octet === LF;
      this.#lastWasCr = octet === CR;
    }
    return out.subarray(0, length);
  }

  /** The end of the last line, unless it has one, and the dot that ends the answer. */
  end(): string {
    return this.#atStart ? '.\r\n' : '\r\n.\r\n';
  }
}

/** What TOP sends of a message (RFC 1939 §7): the header, the empty line and so many lines of the body. */
export class Top {
  #bodyLines: number;
  #inBody = false;
  #lineOctets = 0;
  done = false;

  constructor(bodyLines: number) {
    this.#bodyLines = bodyLines;
  }

  /** The part of this chunk that belongs to it; sets `done` at the end. */
  take(chunk: Uint8Array): Uint8Array {
    for (let at = 0; at < chunk.length; at++) {
      if (chunk[at] !== LF) {
        if (chunk[at] !== CR) this.#lineOctets++;
        continue;
      }
      this.#endLine();
      if (this.done) return chunk.subarray(0, at + 1);
    }
    return chunk;
  }

  #endLine(): void {
    if (this.#inBody) this.#bodyLines--;
    else if (this.#lineOctets === 0) this.#inBody = true;
    this.#lineOctets = 0;
    this.done = this.#inBody && this.#bodyLines <= 0;
  }
}
