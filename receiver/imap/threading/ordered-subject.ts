/** THREAD=ORDEREDSUBJECT (RFC 5256 §3): messages of one base subject are one thread, the earliest above all others. */
import { NOBODY } from './forest.ts';

/** The parent of each message, or NOBODY. `bases`: equal for equal base subjects; `order`: the messages by sent date, ties in mailbox order. */
export function threadBySubject(bases: ArrayLike<number>, order: Uint32Array): Int32Array {
  const parents = new Int32Array(bases.length).fill(NOBODY);
  const heads = new Map<number, number>();
  for (const message of order) {
    const base = bases[message] ?? 0;
    const head = heads.get(base);
    if (head === undefined) heads.set(base, message);
    else parents[message] = head;
  }
  return parents;
}
