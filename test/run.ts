/**
 * `npm test`: types, lint, the deployable bundle, then every test: at once what runs inside workerd, the plain ones, and the scenarios,
 * which start the whole product and mostly wait. Says clearly what was left out on this machine and why, and counts at the end.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { findChromium } from './support/chromium.ts';
import { loadDataset } from './support/dataset.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

const CHECKS: { name: string; command: [string, ...string[]] }[] = [
  { name: 'types', command: ['npm', 'run', '--silent', 'types'] },
  { name: 'lint', command: ['npm', 'run', '--silent', 'lint'] },
  { name: 'deployable', command: ['npm', 'run', '--silent', 'deployable'] },
];
/** Arguments of each vitest, all at once; `npm test -- FILE…` is one run of those. Files of a run wait for each other and for timers: more runs than cores keep both busy. */
const chosen = process.argv.slice(2);
const RUNS =
  chosen.length > 0
    ? [chosen]
    : [
        ['--project', 'worker', '--maxWorkers', '2'],
        ['--project', 'node', '--maxWorkers', '1'],
        ['--project', 'scenarios'],
      ];

interface Counts {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
}

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

for (const { name, command } of CHECKS) {
  const started = Date.now();
  console.log(`\n— ${name}`);
  const [program, ...args] = command;
  const { status } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } });
  if (status !== 0) end(`${name} failed; what it said stands above`);
  console.log(`— ${name} passed in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

console.log('\n— tests');
const started = Date.now();
const reports = await mkdtemp(path.join(os.tmpdir(), 'posthouse-test-'));
const results = await Promise.all(RUNS.map(runTests));
const statuses = results.map(({ status }) => status);
const counts = results.map(({ count }) => count);
await rm(reports, { recursive: true, force: true });
console.log(`— tests took ${((Date.now() - started) / 1000).toFixed(1)} s`);
for (const reason of leftOut) console.log(`\nposthouse: LEFT OUT on this machine: ${reason}`);
const total = (name: keyof Counts) => counts.reduce((sum, count) => sum + count[name], 0);
console.log(`\n${total('numPassedTests')} passed, ${total('numFailedTests')} failed, ${total('numPendingTests')} skipped`);
if (statuses.some((status) => status !== 0)) end('tests failed; what they said stands above');

/** One vitest, with what it counted. Only the first may write as it goes; the others' words are kept until they are done. */
async function runTests(args: string[], index: number): Promise<{ status: number; count: Counts }> {
  const report = path.join(reports, `${index}.json`);
  const status = await runVitest(args, index === 0, report);
  return { status, count: await readCounts(report) };
}

function runVitest(args: string[], live: boolean, report: string): Promise<number> {
  const vitest = spawn('vitest', ['run', ...args, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`], {
    cwd: ROOT,
    stdio: ['ignore', live ? 'inherit' : 'pipe', live ? 'inherit' : 'pipe'],
  });
  let words = '';
  const keep = (chunk: Buffer) => {
    words += chunk;
  };
  vitest.stdout?.on('data', keep);
  vitest.stderr?.on('data', keep);
  return new Promise((resolve) => {
    vitest.on('error', (error) => end(`vitest did not start: ${error.message}`));
    vitest.on('close', (status) => {
      process.stdout.write(words);
      resolve(status ?? 1);
    });
  });
}

async function readCounts(report: string): Promise<Counts> {
  const none: Counts = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 };
  return readFile(report, 'utf8').then(
    (text) => JSON.parse(text) as Counts,
    () => none,
  );
}

function end(reason: string): never {
  console.error(`\nposthouse: ${reason}`);
  process.exit(1);
}
