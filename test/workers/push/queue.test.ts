/** What is pushed when, without a clock or a network (RFC 8620 §7.2, RFC 8030 §8.4). */
import { expect, test } from 'vitest';
import { outcomeOf } from '../../../workers/jmap/push/post.ts';
import {
  isDue,
  LOST_MAX,
  nextTime,
  noteChanges,
  PACE_MIN_MS,
  putBack,
  RETRY_WAITS_MS,
  type Recipient,
  type Subscriber,
  settle,
  subscribersOf,
  take,
} from '../../../workers/jmap/push/queue.ts';

const NOW = 1_800_000_000_000;
const ENDS = NOW + 86_400_000;
const RECIPIENT: Recipient = {
  id: 1,
  url: 'https://push.example.net/1',
  keys: null,
  types: null,
  verified: true,
  code: 'c',
  ends: ENDS,
  serverKey: 'k',
};
const later = (slower = false, retryAfter: number | null = null) => ({ kind: 'later', slower, retryAfter }) as const;

function one(recipient: Partial<Recipient> = {}): Subscriber {
  const [subscriber] = subscribersOf([{ ...RECIPIENT, ...recipient }], []);
  if (!subscriber) throw new Error('no subscriber');
  return subscriber;
}

test('a new subscription has only its verification waiting, and is told no change before it is verified', () => {
  const subscriber = one({ verified: false });
  expect(noteChanges([subscriber], { Email: '5' })).toBe(false);
  expect([subscriber.verify, subscriber.pending, isDue(subscriber, NOW)]).toEqual([true, {}, true]);
  const [verified] = subscribersOf([RECIPIENT], [subscriber]);
  expect(verified?.verify).toBe(false);
});

test('changes that come while one waits are told together, the newest state of each type, and only of wanted types', () => {
  const [all, mail] = [one(), one({ types: ['Email', 'Mailbox'] })];
  for (const changed of [{ Email: '5', Thread: '5' }, { Email: '6' }, { PushSubscription: '7' }, { Identity: '8' }])
    noteChanges([all, mail], changed);
  expect([take(all), take(mail)]).toEqual([{ Email: '6', Thread: '5', Identity: '8' }, { Email: '6' }]);
});

test('what waits is forgotten when its type is wanted no more', () => {
  const subscriber = one();
  noteChanges([subscriber], { Email: '5', Mailbox: '5' });
  const [fewer] = subscribersOf([{ ...RECIPIENT, types: ['Mailbox', 'Thread'] }], [subscriber]);
  expect(fewer?.pending).toEqual({ Mailbox: '5' });
});

test('after a push the next one waits for the pace', () => {
  const subscriber = one();
  noteChanges([subscriber], { Email: '5' });
  take(subscriber);
  expect(settle(subscriber, { kind: 'sent' }, NOW)).toBe(true);
  expect(nextTime([subscriber])).toBe(ENDS);
  noteChanges([subscriber], { Email: '6' });
  expect(isDue(subscriber, NOW + PACE_MIN_MS - 1)).toBe(false);
  expect(nextTime([subscriber])).toBe(NOW + PACE_MIN_MS);
});

test('a failed push is tried again, longer and longer, with what changed meanwhile, and then given up', () => {
  const subscriber = one();
  let now = NOW;
  noteChanges([subscriber], { Email: '5', Mailbox: '5' });
  for (const [attempt, wait] of RETRY_WAITS_MS.entries()) {
    take(subscriber);
    noteChanges([subscriber], { Email: `${attempt + 6}` });
    settle(subscriber, later(), now);
    expect(subscriber.pending).toEqual({ Email: `${attempt + 6}`, Mailbox: '5' });
    expect(subscriber.restUntil).toBe(now + wait);
    now = subscriber.restUntil;
  }
  take(subscriber);
  expect(settle(subscriber, later(), now)).toBe(true);
  expect([subscriber.pending, subscriber.lost, subscriber.attempts]).toEqual([{}, 1, 0]);
});

test('a verification is tried again too, and not for ever', () => {
  const subscriber = one({ verified: false });
  for (let attempt = 0; attempt <= RETRY_WAITS_MS.length; attempt++) {
    expect(subscriber.verify).toBe(true);
    take(subscriber);
    settle(subscriber, later(), NOW);
  }
  expect(subscriber.verify).toBe(false);
});

test('"too many requests" slows down all pushes that follow, and success makes them faster again', () => {
  const subscriber = one();
  take(subscriber);
  settle(subscriber, later(true, 60_000), NOW);
  expect(subscriber.restUntil).toBe(NOW + 60_000);
  const slowed = subscriber.pace;
  expect(slowed).toBeGreaterThan(PACE_MIN_MS);
  settle(subscriber, later(true), NOW);
  expect(subscriber.pace).toBe(slowed * 2);
  for (let pushes = 0; pushes < 10; pushes++) settle(subscriber, { kind: 'sent' }, NOW);
  expect(subscriber.pace).toBe(PACE_MIN_MS);
});

test('an endpoint that is gone, or takes nothing many times in a row, loses its subscription', () => {
  expect(settle(one(), { kind: 'gone' }, NOW)).toBe(false);
  const subscriber = one();
  for (let pushes = 1; pushes < LOST_MAX; pushes++) expect(settle(subscriber, { kind: 'refused' }, NOW)).toBe(true);
  expect(settle(subscriber, { kind: 'refused' }, NOW)).toBe(false);
});

test('what was on its way when the hub died is told again, newer states first', () => {
  const subscriber = one();
  noteChanges([subscriber], { Email: '5', Thread: '5' });
  take(subscriber);
  noteChanges([subscriber], { Email: '6' });
  putBack(subscriber);
  expect(subscriber.pending).toEqual({ Email: '6', Thread: '5' });
});

test.each([
  [200, { kind: 'sent' }],
  [201, { kind: 'sent' }],
  [301, { kind: 'refused' }],
  [307, { kind: 'refused' }],
  [400, { kind: 'refused' }],
  [403, { kind: 'refused' }],
  [404, { kind: 'gone' }],
  [410, { kind: 'gone' }],
  [413, { kind: 'refused' }],
  [408, later()],
  [500, later()],
  [503, later()],
  [429, later(true)],
])('status %i means %j', (status, outcome) => {
  expect(outcomeOf(status, null, NOW)).toEqual(outcome);
});

test('Retry-After is read as seconds and as a date, and nonsense as nothing', () => {
  const wait = (text: string) => outcomeOf(429, text, NOW);
  expect(wait('120')).toMatchObject({ retryAfter: 120_000 });
  expect(wait(new Date(NOW + 90_000).toUTCString())).toMatchObject({ retryAfter: 90_000 });
  expect(wait(new Date(NOW - 90_000).toUTCString())).toMatchObject({ retryAfter: 0 });
  expect(wait('soon')).toMatchObject({ retryAfter: null });
  expect(wait('9'.repeat(400))).toMatchObject({ retryAfter: null });
});
