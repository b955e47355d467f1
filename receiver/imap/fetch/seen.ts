/**
 * Reading a body marks the message `\Seen` (RFC 9051 §6.4.5), which is a write and goes to the edge. Reading must not wait
 * for long for it nor fail with it: when the edge is slow or away the text is sent all the same.
 */
import { Refusal, type SelectedMailbox } from '../session.ts';

/** After this the answer goes out without the new flag; the client is told of it when it is there. */
const WAIT_MS = 2_000;

/** Marks those of `uids` that are not seen yet; the UIDs whose flags changed, if that is known in time. */
export async function markSeen(box: SelectedMailbox, uids: number[]): Promise<Set<number>> {
  const unseen = box.readOnly ? [] : uids.filter((uid) => box.flags(uid)?.has('\\Seen') === false);
  if (unseen.length === 0) return new Set();
  const stored = box.store({ uids: unseen, mode: 'add', flags: ['\\Seen'] }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Refusal) return false;
      throw error;
    },
  );
  return (await within(stored, WAIT_MS)) ? new Set(unseen) : new Set();
}

async function within(promise: Promise<boolean>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  // The loser of the race may still fail: that is nobody's rejection then.
  promise.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
