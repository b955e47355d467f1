/**
 * Mod-sequences on the wire (RFC 7162 §7): unsigned 63-bit numbers. Ours are counts of changes and stay far below 2^53, so a larger one
 * from a client compares the same when it is cut there.
 */
import { type Arguments, Malformed } from './wire/arguments.ts';

const MODSEQ_MAX = 2n ** 63n - 1n;

/** `mod-sequence-value`, or with `zero` `mod-sequence-valzer`. Throws `Malformed` out of bounds. */
export function readModseq(args: Arguments, zero = false): number {
  const value = BigInt(args.digits('a mod-sequence'));
  if (value > MODSEQ_MAX || (value === 0n && !zero)) throw new Malformed('Mod-sequence out of bounds');
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}
