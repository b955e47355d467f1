/** Whether octets pass a 7-bit transport as they are (RFC 5322 §2.1.1, RFC 2045 §2.7): ASCII, CRLF line ends, short lines. */

/** Octets of a line. */
const LINE_OCTETS_MAX = 998;
const CR = 0x0d;
const LF = 0x0a;

export interface Survey {
  isClean: boolean;
  hasNul: boolean;
  /** Of all octets, those that are not ASCII. */
  highShare: number;
}

/** Looks at octets that come in chunks, cut anywhere. */
export class OctetSurvey {
  #octets = 0;
  #high = 0;
  #hasNul = false;
  #isStray = false;
  #isLong = false;
  #column = 0;
  #afterCr = false;

  write(chunk: Uint8Array): void {
    this.#octets += chunk.length;
    for (const octet of chunk) {
      if (this.#afterCr !== (octet === LF)) this.#isStray = true;
      this.#afterCr = octet === CR;
      if (octet > 0x7e) this.#high++;
      else if (octet === 0) this.#hasNul = true;
      this.#column = octet === LF ? 0 : this.#column + 1;
      // The CR of the line end is no octet of the line.
      if (this.#column > LINE_OCTETS_MAX + (octet === CR ? 1 : 0)) this.#isLong = true;
    }
  }

  finish(): Survey {
    const isClean = this.#high === 0 && !this.#isStray && !this.#afterCr && !this.#hasNul && !this.#isLong;
    return { isClean, hasNul: this.#hasNul, highShare: this.#octets === 0 ? 0 : this.#high / this.#octets };
  }
}

/** The survey of octets in memory. */
export function survey(octets: Uint8Array): Survey {
  const looking = new OctetSurvey();
  looking.write(octets);
  return looking.finish();
}
