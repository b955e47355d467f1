/**
 * `npm test`: types, lint, the deployable bundle, then every test. Says clearly what was left out on this
 * machine and why; ends with the number of what failed as its exit code's reason.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { CHROMIUM_PATHS } from './support/chromium.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

const STEPS: { name: string; command: string[] }[] = [
  { name: 'types', command: ['npm', 'run', '--silent', 'types'] },
  { name: 'lint', command: ['npm', 'run', '--silent', 'lint'] },
  { name: 'deployable', command: ['npm', 'run', '--silent', 'deployable'] },
  { name: 'tests', command: ['vitest', 'run', ...process.argv.slice(2)] },
];

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
if (!CHROMIUM_PATHS.some(existsSync)) {
  console.log(
    '\nposthouse: LEFT OUT on this machine: test/scenarios/browser.test.ts, because no Chromium was found. On Debian: apt-get install chromium',
  );
}
