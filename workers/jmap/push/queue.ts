/**
 * What is to be pushed to an account's subscriptions, and when (RFC 8620 §7.2, RFC 8030 §5): decisions only. Changes that
 * come while a push waits are told with it; a push service that is slow, busy or gone is asked less, later, or never again.
 */
import type { PushKeys } from '../../../shared/jmap/push-subscription.ts';
import type { TypeStates } from './state-change.ts';
import { latest, wantedChanges } from './state-change.ts';

/** Milliseconds between two pushes to one subscription: what changes meanwhile goes as one. */
export const PACE_MIN_MS = 1000;
/** The least and the most after a push service said "too many requests" (RFC 8030 §8.4). */
const PACE_SLOWED_MS = 30_000;
const PACE_MAX_MS = 15 * 60_000;
/** Waits before a failed push is tried again; after the last one it is given up: a later change tells the same. */
export const RETRY_WAITS_MS = [5_000, 30_000, 120_000, 600_000, 3_600_000];
/** `Retry-After` is obeyed up to here. */
const RETRY_AFTER_MAX_MS = 6 * 3_600_000;
/** Pushes given up or refused in a row after which the endpoint counts as gone. */
export const LOST_MAX = 10;

/** One subscription, as far as pushing to it needs to know. */
export interface Recipient {
  id: number;
  url: string;
  keys: PushKeys | null;
  types: string[] | null;
  verified: boolean;
  code: string;
  ends: number;
  serverKey: string;
}

/** A recipient with what waits for it. */
export interface Subscriber extends Recipient {
  /** Its verification has still to be pushed. */
  verify: boolean;
  pending: TypeStates;
  /** On its way: told again if we do not live to see the answer. */
  sending: TypeStates | null;
  attempts: number;
  lost: number;
  pace: number;
  /** Nothing is pushed before. */
  restUntil: number;
}

/** What became of a push. */
export type PushOutcome =
  | { kind: 'sent' }
  /** 404 or 410: the subscription is no more (RFC 8030 §7.3). */
  | { kind: 'gone' }
  /** To be tried again; `slower` after 429. */
  | { kind: 'later'; slower: boolean; retryAfter: number | null }
  /** This push will never be taken. */
  | { kind: 'refused' };

/** The subscribers after the subscriptions changed: what waits for one that stays goes on waiting, if it still wants it. */
export function subscribersOf(recipients: readonly Recipient[], before: readonly Subscriber[]): Subscriber[] {
  const known = new Map(before.map((subscriber) => [subscriber.id, subscriber]));
  return recipients.map((recipient) => {
    const waiting = known.get(recipient.id) ?? fresh(recipient);
    const pending = wantedChanges(waiting.pending, recipient.types) ?? {};
    return { ...waiting, ...recipient, pending, verify: waiting.verify && !recipient.verified };
  });
}

function fresh({ verified }: Recipient): Omit<Subscriber, keyof Recipient> {
  return { verify: !verified, pending: {}, sending: null, attempts: 0, lost: 0, pace: PACE_MIN_MS, restUntil: 0 };
}

/** Adds changes to what waits for those who asked for them; a notice that was overtaken takes nothing back. True when somebody did. */
export function noteChanges(subscribers: readonly Subscriber[], changed: TypeStates): boolean {
  let noted = false;
  for (const subscriber of subscribers) {
    const wanted = subscriber.verified ? wantedChanges(changed, subscriber.types) : null;
    if (!wanted) continue;
    subscriber.pending = latest(subscriber.pending, wanted);
    noted = true;
  }
  return noted;
}

/** Something waits, and may go now. */
export function isDue(subscriber: Subscriber, now: number): boolean {
  return subscriber.sending === null && isWaiting(subscriber) && subscriber.restUntil <= now;
}

/** What is on its way counts: if nobody lives to see its answer, it must be looked after. */
function isWaiting({ verify, pending, sending }: Subscriber): boolean {
  return verify || sending !== null || Object.keys(pending).length > 0;
}

/** Epoch milliseconds at which something is to be done next: a push, or an end. Null: nothing. */
export function nextTime(subscribers: readonly Subscriber[]): number | null {
  const times = subscribers.flatMap((each) => (isWaiting(each) ? [each.restUntil, each.ends] : [each.ends]));
  return times.length === 0 ? null : Math.min(...times);
}

/** Takes what waits onto its way. */
export function take(subscriber: Subscriber): TypeStates {
  subscriber.sending = subscriber.pending;
  subscriber.pending = {};
  return subscriber.sending;
}

/** Puts back what was on its way; newer states win. */
export function putBack(subscriber: Subscriber): void {
  subscriber.pending = latest(subscriber.sending ?? {}, subscriber.pending);
  subscriber.sending = null;
}

/** Notes what became of the push. False: the subscription is to be destroyed. */
export function settle(subscriber: Subscriber, outcome: PushOutcome, now: number): boolean {
  if (outcome.kind === 'gone') return false;
  if (outcome.kind === 'later' && subscriber.attempts < RETRY_WAITS_MS.length) {
    retry(subscriber, outcome, now);
    return true;
  }
  subscriber.lost = outcome.kind === 'sent' ? 0 : subscriber.lost + 1;
  if (outcome.kind === 'sent') subscriber.pace = Math.max(PACE_MIN_MS, subscriber.pace / 2);
  // Whoever has just verified waits for the first change.
  const rest = subscriber.verify ? 0 : subscriber.pace;
  Object.assign(subscriber, { verify: false, sending: null, attempts: 0, restUntil: now + rest });
  return subscriber.lost < LOST_MAX;
}

function retry(subscriber: Subscriber, { slower, retryAfter }: PushOutcome & { kind: 'later' }, now: number): void {
  putBack(subscriber);
  if (slower) subscriber.pace = Math.min(PACE_MAX_MS, Math.max(PACE_SLOWED_MS, subscriber.pace * 2));
  const wait = Math.max(RETRY_WAITS_MS[subscriber.attempts] ?? 0, Math.min(retryAfter ?? 0, RETRY_AFTER_MAX_MS), subscriber.pace);
  subscriber.attempts++;
  subscriber.restUntil = now + wait;
}
