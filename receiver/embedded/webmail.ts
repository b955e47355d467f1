/** Builds the webmail when its sources changed since the last build, so that `npm start` needs no build step. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './root.ts';

const SOURCES = ['workers/webmail', 'shared', 'package-lock.json'];
const OUTPUT = path.join(ROOT, 'workers/webmail/dist');
const STAMP = path.join(OUTPUT, '.built-from');

/** Resolves when `workers/webmail/dist` is up to date. Throws with the build's output when it fails. */
export async function ensureWebmail(): Promise<void> {
  const wanted = fingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  await build();
  writeFileSync(STAMP, wanted);
}

function build(): Promise<void> {
  return new Promise((resolve, reject) => {
    const vite = spawn('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    vite.stdout.on('data', (chunk) => (output += chunk));
    vite.stderr.on('data', (chunk) => (output += chunk));
    vite.on('error', reject);
    vite.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`the webmail does not build:\n${output}`))));
  });
}

/** Names, sizes and times of all sources: cheap, and any edit changes it. */
function fingerprint(): string {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    for (const file of listFiles(path.join(ROOT, source))) {
      const { size, mtimeMs } = statSync(file);
      hash.update(`${file} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}

function listFiles(place: string): string[] {
  if (!statSync(place).isDirectory()) return [place];
  return readdirSync(place, { withFileTypes: true })
    .filter((entry) => entry.name !== 'dist' && entry.name !== 'node_modules')
    .flatMap((entry) => listFiles(path.join(place, entry.name)))
    .sort();
}
