/**
 * Telling the Queue: that a submission waits, that mail has arrived which somebody should think about. The Queue only says
 * where to look, and losing a word costs little: the cron finds submissions, and a missed vacation reply goes to the next message.
 */
import type { ArrivalNotice, Env, OutboxAddress } from '../env.ts';

/** The longest delay a Queue message may have (12 hours); what is due later is found by the cron. */
const DELAY_MAX_MS = 12 * 3_600_000;
/** Messages of one Queue batch. */
const BATCH_MAX = 100;

/** Says that a row is due at `dueAt`. A failure here costs a minute: the cron looks for it. */
export async function announce(env: Env, address: OutboxAddress, dueAt = 0, now = Date.now()): Promise<void> {
  if (dueAt - now > DELAY_MAX_MS) return;
  try {
    await env.OUTBOX.send(address, { delaySeconds: delaySeconds(dueAt, now) });
  } catch (error) {
    console.error(JSON.stringify({ event: 'outbox.announce-failed', ...address, reason: String(error) }));
  }
}

/** How long the Queue is to wait, in its whole seconds, so that it never comes too early. */
export function delaySeconds(dueAt: number, now: number): number {
  return Math.max(0, Math.ceil((dueAt - now) / 1000));
}

/** Says that mail has arrived; never throws, because it is stored already. */
export async function announceArrivals(env: Env, notices: readonly ArrivalNotice[]): Promise<void> {
  for (let start = 0; start < notices.length; start += BATCH_MAX) {
    try {
      await env.OUTBOX.sendBatch(notices.slice(start, start + BATCH_MAX).map((body) => ({ body })));
    } catch (error) {
      console.error(JSON.stringify({ event: 'arrivals.announce-failed', notices: notices.length, reason: String(error) }));
    }
  }
}
