/** Runs one of test/bench/worker's files inside workerd, as the tests run, and takes the figures it logs. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { using } from './ending.ts';
import type { Figure, Options } from './figures.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** The figures of `test/bench/worker/<name>.bench.ts`. Throws with vitest's output when it fails. */
export async function workerFigures(name: string, { quick, full }: Options): Promise<Figure[]> {
  const args = ['vitest', 'run', '--config', 'test/bench/worker/vitest.config.ts', `test/bench/worker/${name}.bench.ts`];
  const sizes = quick ? '200,500' : full ? '200,10000,100000' : '200,5000';
  const output = await using(
    async () =>
      spawn('npx', ['--no-install', ...args], {
        cwd: ROOT,
        env: { ...process.env, BENCH_SIZES: sizes },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    async (child) => child.kill(),
    collect,
  );
  const lines = [...output.matchAll(/^figure (\{.*\})$/gm)];
  if (lines.length === 0) throw new Error(`no figures came from workerd:\n${output}`);
  return lines.map((line) => JSON.parse(line[1] ?? '') as Figure);
}

function collect(child: ReturnType<typeof spawn>): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(output) : reject(new Error(`the measuring inside workerd failed:\n${output}`))));
  });
}
