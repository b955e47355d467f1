/** A message over which the edge breaks (a 5xx, not a refusal) must not stop everybody else's mail. */
import { afterEach, expect, it } from 'vitest';
import { Lane } from '../../../receiver/spool/lane.ts';
import { until } from '../smtp/world.ts';

let lane: Lane;
afterEach(() => lane.close());

/** Hands over 32 at once to an edge that fails whenever one of `poison` is among them. */
function openLane(poison: ReadonlySet<string>, delivered: string[]): Lane {
  return new Lane({
    batch: 32,
    backOff: () => 1,
    deliver: async (spoolIds) => {
      if (spoolIds.some((id) => poison.has(id))) return { later: [], again: [...spoolIds], away: true };
      delivered.push(...spoolIds);
      return { later: [], again: [], away: false };
    },
  });
}

it('delivers all other mail while the edge breaks over some messages', async () => {
  const delivered: string[] = [];
  const poison = new Set(['0', '7', '8', '40']);
  lane = openLane(poison, delivered);
  const ids = Array.from({ length: 100 }, (_, i) => String(i));
  for (const id of ids) lane.add(id);
  await until(() => delivered.length === 96, 'the other ninety-six');
  expect(new Set(delivered)).toEqual(new Set(ids.filter((id) => !poison.has(id))));
});

it('delivers each message once when the edge was away for all of them', async () => {
  const delivered: string[] = [];
  const ids = Array.from({ length: 50 }, (_, i) => String(i));
  const poison = new Set(ids);
  lane = openLane(poison, delivered);
  for (const id of ids) lane.add(id);
  poison.clear();
  await until(() => delivered.length === 50, 'all');
  expect(delivered.toSorted()).toEqual(ids.toSorted());
});
