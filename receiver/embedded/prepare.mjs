/**
 * Runs before every npm script, under whatever Node the machine has (20 or newer): installs the packages when
 * they are missing or older than the lockfile. Everything after it runs under the Node 24 among them.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
const stamp = path.join(root, 'node_modules/.posthouse-installed');
const wanted = createHash('sha256')
  .update(readFileSync(path.join(root, 'package-lock.json')))
  .update(process.platform + process.arch)
  .digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  console.error('posthouse: installing packages, about a minute the first time');
  const started = Date.now();
  const npm = spawnSync('npm', ['install', '--no-save', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    console.error('posthouse: npm install failed; what it said stands above. Check the network and the disk, then run the command again.');
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
  console.error(`posthouse: packages installed in ${Math.round((Date.now() - started) / 1000)} s`);
}
