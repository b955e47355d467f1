/**
 * The outbox: submission rows are the truth, the Queue only says which one to look at now. A row is claimed before
 * it is worked on (the queue delivers at least once, the cron enqueues what is late), tried, and either finished,
 * put off, or bounced to its sender (RFC 5321 §4.5.4.1).
 */
import type { ArrivalNotice, Env, OutboxAddress, OutboxMessage } from '../env.ts';
import { openDirectory } from '../store/directory/index.ts';
import { abandonSubmission, claimSubmission } from '../store/mail/claims.ts';
import { openMail } from '../store/mail/index.ts';
import type { SubmissionRow } from '../store/mail/submission-rows.ts';
import { dueSubmissions } from '../store/mail/submissions.ts';
import type { Account, MailStore } from '../store/mail/types.ts';
import { announce, delaySeconds } from './announce.ts';
import { workOnArrival } from './arrival.ts';
import { attempt, type RecipientOutcome } from './attempt.ts';
import { reportFailure } from './bounce.ts';

/** Nobody else takes a claimed row for this long; longer than the slowest relay call. */
const CLAIM_MS = 10 * 60_000;
/** Waits after the 1st, 2nd, … failed attempt; the last one repeats. */
const RETRY_DELAYS_MS = [30_000, 2 * 60_000, 10 * 60_000, 30 * 60_000, 60 * 60_000, 3 * 3_600_000];
/** RFC 5321 §4.5.4.1 asks for 4–5 days; people want to know sooner. */
const GIVE_UP_AFTER_MS = 2 * 86_400_000;
/** The cron runs every minute (wrangler.toml). */
const CRON_PERIOD_MS = 60_000;
/** Rows one cron run enqueues: a Queue batch of messages, one subrequest. */
const ENQUEUE_MAX = 100;

/**
 * The queue handler. A row that fails in an unexpected way is left to the cron and its message acknowledged; an arrival is
 * in nobody's list, so the Queue brings it again.
 */
export async function consumeOutbox(batch: MessageBatch<OutboxMessage>, env: Env): Promise<void> {
  for (const message of batch.messages) {
    const { body } = message;
    try {
      await ('arrival' in body ? arrive(env, body) : workOn(env, body));
      message.ack();
    } catch (error) {
      console.error(JSON.stringify({ event: 'outbox.defect', ...body, reason: String(error) }));
      if ('arrival' in body) message.retry();
      else message.ack();
    }
  }
}

async function arrive(env: Env, notice: ArrivalNotice): Promise<void> {
  const account = await openDirectory(env).account(notice.account);
  if (account) await workOnArrival(env, account, notice);
}

/**
 * Puts into the Queue what is due and was not worked on, after a lost queue message, and what falls due before the next run,
 * to be brought at its second. Told twice of a row, the Queue's second message finds it claimed.
 */
export async function enqueueDue(env: Env, now = Date.now()): Promise<void> {
  const due = await dueSubmissions(env, now + CRON_PERIOD_MS, ENQUEUE_MAX);
  const messages = due.slice(0, ENQUEUE_MAX).map(({ dueAt, ...body }) => ({ body, delaySeconds: delaySeconds(dueAt, now) }));
  if (messages.length > 0) await env.OUTBOX.sendBatch(messages);
}

/** Eight queries for a usual message; 34 and 44 subrequests for a large one to twelve accounts, the relay, and a report (cost.test.ts). */
async function workOn(env: Env, address: OutboxAddress): Promise<void> {
  const account = await openDirectory(env).account(address.account);
  if (!account) return abandonSubmission(env, address);
  const store = openMail(env, account);
  const now = Date.now();
  const row = await claimSubmission(env, account, address.submission, now, now + CLAIM_MS);
  if (row) await settle(env, store, account, row, await attempt(env, store, account, row));
}

/** Records an attempt's outcome: who has it, who is refused, who is tried again, and when. */
async function settle(env: Env, store: MailStore, account: Account, row: SubmissionRow, outcomes: RecipientOutcome[]): Promise<void> {
  const now = Date.now();
  const isLate = now - row.sendAt > GIVE_UP_AFTER_MS;
  const settled = outcomes.map((outcome) =>
    isLate && outcome.delivered === 'queued' ? { ...outcome, delivered: 'no' as const } : outcome,
  );
  const failed = settled.filter(({ delivered }) => delivered === 'no');
  // The report first: a crash in between repeats an idempotent report instead of losing it. Nobody is told of what left
  // from the null reverse-path (RFC 5321 §4.5.5): a reply that cannot be delivered is nobody's loss.
  if (failed.length > 0 && row.mailFrom !== '') await reportFailure(env, account, row, failed);
  // What an MDN said meanwhile stays.
  const deliveryStatus = Object.fromEntries(settled.map(({ recipient, reply, delivered }) => [recipient, { smtpReply: reply, delivered }]));
  const tried = new Set(settled.map(({ recipient }) => recipient));
  const isUnreached = row.rcptTo.some((recipient) => row.deliveryStatus[recipient]?.delivered === 'queued' && !tried.has(recipient));
  const isWaiting = settled.some(({ delivered }) => delivered === 'queued');
  await store.updateSubmission(row.id, {
    deliveryStatus,
    undoStatus: 'final',
    // Whoever was not reached does not wait for those who have to.
    attempts: isUnreached ? row.attempts : row.attempts + 1,
    dueAt: isUnreached ? now : isWaiting ? now + retryDelay(row.attempts) : null,
  });
  if (isUnreached) await announce(env, { account: account.id, submission: row.id });
}

/** Milliseconds from one failed attempt to the next. */
function retryDelay(attempts: number): number {
  return RETRY_DELAYS_MS[Math.min(attempts, RETRY_DELAYS_MS.length - 1)] ?? 0;
}
