/** The mailbox sizes this run measures at, and how a figure leaves workerd. */
import { env } from 'cloudflare:test';
import type { Figure } from '../figures.ts';

export const SIZES = String((env as unknown as { BENCH_SIZES: string }).BENCH_SIZES)
  .split(',')
  .map(Number);

/** Logs a figure in the form that test/bench/worker-figures.ts reads. */
export function report(figure: Figure): void {
  console.log(`figure ${JSON.stringify(figure)}`);
}
