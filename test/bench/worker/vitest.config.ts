/** What runs inside workerd for the bench: the Worker with local D1 and R2, as in the tests, and the sizes asked for. */
import path from 'node:path';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

const root = path.resolve(import.meta.dirname, '../../..');
const migrations = {
  directory: await readD1Migrations(path.join(root, 'workers/migrations/directory')),
  mail: await readD1Migrations(path.join(root, 'workers/migrations/mail')),
};
const bindings = { TEST_MIGRATIONS: migrations, PEPPER: 'bench-pepper', BENCH_SIZES: process.env.BENCH_SIZES ?? '200' };

export default defineConfig({
  root,
  plugins: [cloudflareTest({ wrangler: { configPath: path.join(root, 'wrangler.toml') }, miniflare: { bindings, serviceBindings: {} } })],
  test: {
    include: ['test/bench/worker/*.bench.ts'],
    setupFiles: ['test/support/worker-setup.ts'],
    testTimeout: 1_800_000,
    disableConsoleIntercept: true,
  },
});
