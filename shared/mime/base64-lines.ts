/** Base64 in lines of 76 (RFC 2045 §6.8) of octets that come in chunks: the same as `encodeBase64` of all of them at once. */
import { concatOctets, octetsOf } from './octets.ts';
import { encodeBase64 } from './transfer.ts';

/** Octets that make a line. */
const LINE_OCTETS = 57;
const CRLF = octetsOf('\r\n');
const NOTHING = new Uint8Array();

export class Base64Lines {
  #rest: Uint8Array = NOTHING;
  #began = false;

  /** The lines that are full by now. */
  write(chunk: Uint8Array): Uint8Array {
    const octets = this.#rest.length > 0 ? concatOctets([this.#rest, chunk]) : chunk;
    const full = octets.length - (octets.length % LINE_OCTETS);
    // Whoever gave the chunk may use its buffer again.
    this.#rest = octets.slice(full);
    return this.#encode(octets.subarray(0, full));
  }

  /** The last line. */
  finish(): Uint8Array {
    return this.#encode(this.#rest);
  }

  #encode(octets: Uint8Array): Uint8Array {
    if (octets.length === 0) return NOTHING;
    const lines = encodeBase64(octets);
    const joined = this.#began ? concatOctets([CRLF, lines]) : lines;
    this.#began = true;
    return joined;
  }
}
