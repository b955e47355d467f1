/** Requests of an account's WebSockets share its places, wait for them, and are refused when too many wait. */
import { expect, test } from 'vitest';
import { Admission } from '../../../workers/jmap/admission.ts';
import { Turnstile } from '../../../workers/jmap/push/turnstile.ts';

const ACCOUNT = 1;

/** Work that runs until it is told to end. */
function open() {
  const ends: (() => void)[] = [];
  const work = () => new Promise<string>((resolve) => ends.push(() => resolve('done')));
  return { ends, work };
}

test('two connections of an account share its places, first come first served', async () => {
  const turnstile = new Turnstile<object>(new Admission(2, 1000));
  const { ends, work } = open();
  const [one, other] = [{}, {}];
  const answers = [one, one, other, one].map((connection) => turnstile.pass(ACCOUNT, connection, 1, work));
  expect(ends).toHaveLength(2);
  ends[0]?.();
  await answers[0];
  await expect.poll(() => ends.length).toBe(3);
  for (let i = 1; i < 4; i++) {
    await expect.poll(() => ends[i]).toBeDefined();
    ends[i]?.();
  }
  expect(await Promise.all(answers)).toEqual(Array(4).fill('done'));
});

test('a connection of which 28 requests wait gets no more, another one does', async () => {
  const turnstile = new Turnstile<object>(new Admission(1, 1000));
  const { ends, work } = open();
  const [greedy, modest] = [{}, {}];
  const answers = Array.from({ length: 29 }, () => turnstile.pass(ACCOUNT, greedy, 1, work));
  expect(await turnstile.pass(ACCOUNT, greedy, 1, work)).toBeNull();
  answers.push(turnstile.pass(ACCOUNT, modest, 1, work));
  for (let i = 0; i < answers.length; i++) {
    await expect.poll(() => ends[i]).toBeDefined();
    ends[i]?.();
  }
  expect(await Promise.all(answers)).toEqual(Array(30).fill('done'));
});

test('work that failed leaves its place; what was cut off loses it in time', async () => {
  const turnstile = new Turnstile<object>(new Admission(1, 0));
  await expect(turnstile.pass(ACCOUNT, {}, 1, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  void turnstile.pass(ACCOUNT, {}, 1, () => new Promise(() => {}));
  expect(await turnstile.pass(ACCOUNT, {}, 1, async () => 'done')).toBe('done');
});
