/** The measuring nouns of every part: a median, a percentile, milliseconds of one piece of work. */

/** The middle of some figures; of an even number the upper middle. */
export function median(figures: readonly number[]): number {
  return percentile(figures, 50);
}

/** The figure that `percent` of all do not exceed (nearest rank). 0 of none. */
export function percentile(figures: readonly number[], percent: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
}

/** 0 of none. */
export function mean(figures: readonly number[]): number {
  return figures.reduce((sum, figure) => sum + figure, 0) / Math.max(1, figures.length);
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Milliseconds of each of `runs` runs, one after the other. */
export async function timedRuns(runs: number, work: (run: number) => Promise<unknown>): Promise<number[]> {
  const figures: number[] = [];
  for (let run = 0; run < runs; run++) figures.push(await timed(() => work(run)));
  return figures;
}

/** How often `count` things happen a second when they take so many milliseconds. */
export function perSecond(count: number, milliseconds: number): number {
  return (count * 1000) / milliseconds;
}
