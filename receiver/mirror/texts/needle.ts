/**
 * A text to look for, prepared: it is found by a short piece of it that begins with its rarest octet, because looking for one octet is
 * what a processor does fastest, and each one found costs a comparison.
 */

/** Octets of casemapped mail, the most frequent first; what is not here is rare. */
const FREQUENT = Buffer.from(' ETAONIRSLDCHUMP=.FG/BWY-0123,:>"V\n<4568K79;X_ZJQ');
/** Longer pieces are searched for by tables, which is slower. */
const PIECE_MAX = 6;

export class Needle {
  readonly octets: Buffer;
  readonly #offset: number;
  readonly #piece: Buffer;

  constructor(text: string) {
    this.octets = Buffer.from(text);
    this.#offset = rarest(this.octets);
    this.#piece = this.octets.subarray(this.#offset, this.#offset + PIECE_MAX);
  }

  /** Where it begins at or after `from`; −1 when it is not there. */
  find(octets: Buffer, from: number): number {
    const { length } = this.octets;
    for (let at = from; ; ) {
      const piece = octets.indexOf(this.#piece, at + this.#offset);
      if (piece < 0) return -1;
      at = piece - this.#offset;
      if (at + length > octets.length) return -1;
      if (this.#piece.length === length || octets.compare(this.octets, 0, length, at, at + length) === 0) return at;
      at += 1;
    }
  }
}

/** Where the rarest octet stands, of equals the first. */
function rarest(octets: Buffer): number {
  let best = 0;
  let rank = -1;
  for (let index = 0; index < octets.length; index++) {
    const found = FREQUENT.indexOf(octets[index] ?? 0);
    const own = found < 0 ? FREQUENT.length : found;
    if (own > rank) [best, rank] = [index, own];
  }
  return best;
}
