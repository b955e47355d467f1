/**
 * Commands that a client sent one behind the other without waiting (RFC 9051 §5.5), and that may go to the edge in one commit: a
 * STORE of few messages, as clients that synchronise send them by the hundred. Each is answered in its turn and only
 * when it is done; nothing is written behind the client's back. STOREs of ranges run alone: they are large already.
 */
import type { CommandParts } from './wire/decoder.ts';

/** Commands started at once: what the queue of writes holds several times over. */
export const TOGETHER_MAX = 1000;
/** Numbers without ranges and in a short list, so that what a thousand of them hold is small. */
const STORE_OF_FEW = /^[^ ]{1,255} (?:UID )?STORE [\d,]{1,100} /i;

/** Whether a command may run together with its neighbours of the same sort. */
export function runsTogether(parts: CommandParts): boolean {
  const [text] = parts;
  return parts.length === 1 && typeof text === 'string' && STORE_OF_FEW.test(text);
}
