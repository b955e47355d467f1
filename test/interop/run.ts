/**
 * `npm run interop`: mail programs that people have, against `npm start`. Installs them from Debian's packages when it may, says which are missing when
 * it may not, then runs the tests of this folder.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { PROGRAMS } from './programs.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const isMissing = ({ command }: { command: string }) => spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0;

const missing = Object.values(PROGRAMS).filter(isMissing);
if (missing.length > 0 && process.getuid?.() === 0 && !isMissing({ command: 'apt-get' })) {
  const packages = missing.map((program) => program.package);
  console.log(`interop: installing ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit', env });
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { stdio: ['ignore', 'ignore', 'inherit'], env });
}
const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'interop', ...process.argv.slice(2)], { cwd: ROOT, stdio: 'inherit' });
const absent = missing.filter(isMissing);
for (const { command, package: name } of absent)
  console.log(`interop: LEFT OUT, ${command} is not installed (Debian: apt-get install ${name})`);
process.exitCode = status ?? 1;
