/** Somebody who guesses passwords over many connections must not keep others from logging in. */
import { expect, test } from 'vitest';
import { makeLogin } from '../../../receiver/login.ts';

const GUESSER = '203.0.113.9';
const GUESSES = 110;

test('guesses of one network fill only their share of the line; a person elsewhere logs in', async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const login = makeLogin({
    scramStart: async () => {
      await gate;
      return { exchange: 'x', serverFirst: 'no SCRAM exchange' };
    },
    scramFinish: async () => ({ status: 'failed' }),
  });
  const outcome = (promise: Promise<unknown>) => promise.then(String, (error: Error) => error.message);
  const guesses = Array.from({ length: GUESSES }, (_, i) => outcome(login.verify('victim@example.test', `guess ${i}`, GUESSER)));
  const person = outcome(login.verify('me@example.test', 'a password', '198.51.100.1'));
  release();
  const turnedAway = (await Promise.all(guesses)).filter((text) => text === 'too many logins at once');
  expect(turnedAway).toHaveLength(GUESSES - 22);
  // It had its turn, which here ends at the edge's nonsense.
  expect(await person).toContain('no SCRAM exchange of ours');
});
