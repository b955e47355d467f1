import { describe, expect, it } from 'vitest';
import { Backoff, pauseAfter } from '../../receiver/backoff.ts';

describe('the pause after failures', () => {
  it('doubles from the first to the longest, shortened at random by up to half', () => {
    expect(pauseAfter(1, 1000, 300_000, 0)).toBe(1000);
    expect(pauseAfter(1, 1000, 300_000, 0.999)).toBeLessThan(510);
    expect(pauseAfter(4, 1000, 300_000, 0)).toBe(8000);
    expect(pauseAfter(4, 1000, 300_000, 0.999)).toBeLessThan(4100);
    expect(pauseAfter(30, 1000, 300_000, 0)).toBe(300_000);
    expect(pauseAfter(1e6, 1000, 300_000, 0)).toBe(300_000);
  });

  it('begins anew after a success', () => {
    const backoff = new Backoff(1000, 300_000);
    for (const least of [500, 1000, 2000]) expect(backoff.next()).toBeGreaterThan(least);
    backoff.reset();
    expect(backoff.next()).toBeLessThanOrEqual(1000);
  });
});
