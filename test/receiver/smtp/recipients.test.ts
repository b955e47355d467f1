/** What the receiver remembers of the directory, and for how long. */
import { describe, expect, it } from 'vitest';
import { EdgeRefused, EdgeUnavailable } from '../../../receiver/edge.ts';
import { Recipients } from '../../../receiver/smtp/recipients.ts';
import type { RecipientAnswer } from '../../../shared/protocol.ts';

const MINUTE = 60_000;

function directory(answers: Record<string, RecipientAnswer>) {
  const state = { now: 0, asked: [] as string[], failure: null as Error | null, back: 0, answers };
  const edge = {
    async recipient(address: string): Promise<RecipientAnswer> {
      state.asked.push(address);
      if (state.failure) throw state.failure;
      return state.answers[address] ?? { status: 'unknown' };
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
});
