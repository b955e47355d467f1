/**
 * Four kinds of tests: `node` (shared/ and receiver/, plain Node), `worker` (workers/, inside workerd
 * with local D1, R2, Queue and Durable Object; storage is isolated per file), `scenarios` (the whole
 * product over real sockets, one `npm start` each), and `interop` (other people's mail programs; `npm run interop`).
 */
import path from 'node:path';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

const migrations = {
  directory: await readD1Migrations(path.join(import.meta.dirname, 'workers/migrations/directory')),
  mail: await readD1Migrations(path.join(import.meta.dirname, 'workers/migrations/mail')),
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/shared/**/*.test.ts', 'test/receiver/**/*.test.ts', 'test/webmail/**/*.test.ts', 'test/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: { TEST_MIGRATIONS: migrations, PEPPER: 'test-pepper' },
              serviceBindings: {},
            },
          }),
        ],
        test: {
          name: 'worker',
          include: ['test/workers/**/*.test.ts'],
          setupFiles: ['test/support/worker-setup.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'scenarios',
          include: ['test/scenarios/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          // Seven processes on two cores beside the other tests: one more try tells a defect from a late timer.
          retry: 1,
        },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
