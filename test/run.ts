/**
 * `npm test`: types, lint, the deployable bundle, then every test. Says clearly what was left out on this
 * machine and why; ends with the number of what failed as its exit code's reason.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { findChromium } from './support/chromium.ts';
import { loadDataset } from './support/dataset.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

const STEPS: { name: string; command: string[] }[] = [
  { name: 'types', command: ['npm', 'run', '--silent', 'types'] },
  { name: 'lint', command: ['npm', 'run', '--silent', 'lint'] },
  { name: 'deployable', command: ['npm', 'run', '--silent', 'deployable'] },
  { name: 'tests', command: ['vitest', 'run', ...process.argv.slice(2)] },
];

/** What this machine lacks, and the tests that are left out for it. */
const leftOut: string[] = [];
if (!findChromium())
  leftOut.push(
    'test/scenarios/browser.test.ts and most of test/webmail/browser.test.ts: no Chromium was found (Debian: apt-get install chromium)',
  );
for (const program of ['curl', 'msmtp']) {
  if (spawnSync(program, ['--version']).error)
    leftOut.push(`the tests of ${program} in test/scenarios/clients.test.ts: it is not installed (Debian: apt-get install ${program})`);
}
try {
  await loadDataset(1);
} catch (error) {
  process.env.POSTHOUSE_WITHOUT_DATASET = '1';
  leftOut.push(`test/scenarios/delivery.test.ts and the tests on real mail: ${error instanceof Error ? error.message : error}`);
}

for (const { name, command } of STEPS) {
  const started = Date.now();
  console.log(`\n— ${name}`);
  const [program = '', ...args] = command;
  const { status } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } });
  if (status !== 0) {
    console.error(`\nposthouse: ${name} failed; what it said stands above`);
    process.exit(1);
  }
  console.log(`— ${name} passed in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}
for (const reason of leftOut) console.log(`\nposthouse: LEFT OUT on this machine: ${reason}`);
