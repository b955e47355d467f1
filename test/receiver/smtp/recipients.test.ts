/** What the receiver remembers of the directory, and for how long. */
import { describe, expect, it } from 'vitest';
import { EdgeRefused, EdgeUnavailable } from '../../../receiver/edge.ts';
import { Recipients, TooManyUnknown } from '../../../receiver/smtp/recipients.ts';
import type { RecipientAnswer } from '../../../shared/protocol.ts';

const MINUTE = 60_000;

function directory(answers: Record<string, RecipientAnswer>) {
  const state = {
    now: 0,
    asked: [] as string[],
    failure: null as Error | null,
    back: 0,
    answers,
    answer: { status: 'unknown' } as RecipientAnswer,
  };
  const edge = {
    async recipient(address: string): Promise<RecipientAnswer> {
      state.asked.push(address);
      if (state.failure) throw state.failure;
      return state.answers[address] ?? state.answer;
    },
  };
  const recipients = new Recipients({ edge, now: () => state.now, onBack: () => state.back++ });
  return { state, recipients };
}

describe('recipients', () => {
  it('are asked once and remembered for ten minutes', async () => {
    const { state, recipients } = directory({ 'me@example.test': { status: 'deliverable', account: 1 } });
    await Promise.all([recipients.find('me@example.test'), recipients.find('ME@Example.Test')]);
    state.now = 9 * MINUTE;
    expect(await recipients.find('me@example.test')).toEqual({ status: 'deliverable', account: 1 });
    expect(state.asked).toHaveLength(1);
    state.now = 11 * MINUTE;
    await recipients.find('me@example.test');
    expect(state.asked).toHaveLength(2);
  });

  it('that are unknown are asked again after a minute', async () => {
    const { state, recipients } = directory({});
    expect(await recipients.find('new@example.test')).toEqual({ status: 'unknown' });
    state.answers['new@example.test'] = { status: 'deliverable', account: 3 };
    state.now = MINUTE / 2;
    expect(await recipients.find('new@example.test')).toEqual({ status: 'unknown' });
    state.now = 2 * MINUTE;
    expect(await recipients.find('new@example.test')).toEqual({ status: 'deliverable', account: 3 });
  });

  it.each([
    ['away', new EdgeUnavailable('away')],
    ['refusing our key', new EdgeRefused(401, 'revoked')],
  ])('stay known while the edge is %s; strangers do not become known', async (_, failure) => {
    const { state, recipients } = directory({ 'me@example.test': { status: 'deliverable', account: 1 } });
    await recipients.find('me@example.test');
    await recipients.find('nobody@example.test');
    state.failure = failure;
    state.now = 24 * 60 * MINUTE;
    expect(await recipients.find('me@example.test')).toEqual({ status: 'deliverable', account: 1 });
    await expect(recipients.find('nobody@example.test')).rejects.toThrow(EdgeUnavailable);
    await expect(recipients.find('other@example.test')).rejects.toThrow(EdgeUnavailable);
  });

  it('are not asked about at every RCPT while the edge is away, and its return is told', async () => {
    const { state, recipients } = directory({ 'me@example.test': { status: 'deliverable', account: 1 } });
    await recipients.find('me@example.test');
    state.failure = new EdgeUnavailable('away');
    state.now = 11 * MINUTE;
    for (let i = 0; i < 10; i++) await recipients.find('me@example.test');
    expect(state.asked).toHaveLength(2);
    state.failure = null;
    state.now += MINUTE;
    await recipients.find('me@example.test');
    expect(state.back).toBe(1);
  });

  it('that are no addresses are nobody’s, without asking', async () => {
    const { state, recipients } = directory({});
    for (const text of ['', 'x', '@', 'a@', 'a@b c', `${'x'.repeat(300)}@example.test`]) {
      expect(await recipients.find(text)).toEqual({ status: 'foreign' });
    }
    expect(state.asked).toEqual([]);
  });

  it('guessed by strangers do not push out known ones', async () => {
    const { state, recipients } = directory({ 'me@example.test': { status: 'deliverable', account: 1 } });
    await recipients.find('me@example.test');
    for (let i = 0; i < 12_000; i++) await recipients.find(`guess${i}@example.test`);
    const asked = state.asked.length;
    await recipients.find('me@example.test');
    expect(state.asked).toHaveLength(asked);
  });

  it('of a domain that is not ours are asked about once a minute, whatever their names', async () => {
    const { state, recipients } = directory({});
    state.answer = { status: 'foreign' };
    for (let i = 0; i < 100; i++) expect(await recipients.find(`r${i}@Elsewhere.test`)).toEqual({ status: 'foreign' });
    expect(state.asked).toEqual(['r0@elsewhere.test']);
    state.now = 2 * MINUTE;
    await recipients.find('r100@elsewhere.test');
    expect(state.asked).toHaveLength(2);
  });

  it('of a domain that becomes ours, or ceases to be, follow it', async () => {
    const { state, recipients } = directory({ 'me@new.test': { status: 'foreign' } });
    expect(await recipients.find('me@new.test')).toEqual({ status: 'foreign' });
    state.answers['me@new.test'] = { status: 'deliverable', account: 1 };
    state.now = 2 * MINUTE;
    expect(await recipients.find('me@new.test')).toEqual({ status: 'deliverable', account: 1 });
    expect(await recipients.find('nobody@new.test')).toEqual({ status: 'unknown' });
    state.answer = { status: 'foreign' };
    state.now = 4 * MINUTE;
    await recipients.find('nobody@new.test');
    expect(await recipients.find('me@new.test')).toEqual({ status: 'foreign' });
    state.failure = new EdgeUnavailable('away');
    state.now = 6 * MINUTE;
    await expect(recipients.find('me@new.test')).rejects.toThrow(EdgeUnavailable);
  });

  it('that a network guesses cost 30 questions a minute; others, and known recipients, do not notice', async () => {
    const { state, recipients } = directory({ 'me@example.test': { status: 'deliverable', account: 1 } });
    await recipients.find('me@example.test', '192.0.2.1');
    const guess = (i: number, network: string | null) => recipients.find(`guess${i}@d${i % 2}.test`, network);
    for (let i = 0; i < 30; i++) expect(await guess(i, '192.0.2.1')).toEqual({ status: 'unknown' });
    const asked = state.asked.length;
    await expect(guess(30, '192.0.2.1')).rejects.toThrow(TooManyUnknown);
    expect(await guess(29, '192.0.2.1')).toEqual({ status: 'unknown' });
    expect(await recipients.find('me@example.test', '192.0.2.1')).toEqual({ status: 'deliverable', account: 1 });
    expect(state.asked).toHaveLength(asked);
    expect(await guess(31, '192.0.2.2')).toEqual({ status: 'unknown' });
    expect(await guess(32, null)).toEqual({ status: 'unknown' });
    state.now = 11 * MINUTE;
    for (let i = 100; i < 130; i++) await guess(i, '192.0.2.1');
    expect(await recipients.find('me@example.test', '192.0.2.1')).toEqual({ status: 'deliverable', account: 1 });
    state.now = 12 * MINUTE;
    expect(await guess(33, '192.0.2.1')).toEqual({ status: 'unknown' });
  });

  it('that are found, or cannot be asked about, are no guesses', async () => {
    const { state, recipients } = directory({});
    state.answer = { status: 'deliverable', account: 1 };
    for (let i = 0; i < 100; i++) await recipients.find(`me+${i}@example.test`, '192.0.2.1');
    state.failure = new EdgeUnavailable('away');
    for (let i = 0; i < 100; i++) await expect(recipients.find(`x${i}@example.test`, '192.0.2.1')).rejects.toThrow(EdgeUnavailable);
  });
});
