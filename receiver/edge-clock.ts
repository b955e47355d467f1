/**
 * The edge's clock as this machine knows it. Signatures carry a time (shared/signing.ts); when ours is wrong the edge answers 401
 * with its `Date`, and from then on its clock is kept beside ours, whatever ours does.
 */
import { SIGNATURE_WINDOW_MS } from '../shared/signing.ts';

export class EdgeClock {
  readonly #onSkew: (milliseconds: number) => void;
  /** Milliseconds by which the edge's clock is ahead of ours. */
  offset = 0;

  /** `onSkew`: our clock had to be corrected. */
  constructor(onSkew: (milliseconds: number) => void) {
    this.#onSkew = onSkew;
  }

  /** Epoch milliseconds at the edge. */
  now(): number {
    return Date.now() + this.offset;
  }

  /**
   * True when a call signed with the offset `used` could not verify, and can now. Of several calls under way together only the
   * first finds something to correct.
   */
  correct(date: string | undefined, used: number): boolean {
    const theirs = Date.parse(date ?? '');
    const offset = theirs - Date.now();
    const isFar = (other: number) => Math.abs(offset - other) >= SIGNATURE_WINDOW_MS / 2;
    if (Number.isNaN(theirs) || !isFar(used)) return false;
    if (isFar(this.offset)) {
      this.offset = offset;
      this.#onSkew(offset);
    }
    return true;
  }
}
