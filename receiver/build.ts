/**
 * The receiver as one JavaScript file, `dist/receiver/main.js`. Node runs the sources as they are, but keeps the
 * compiler that strips their types in memory: 30 MB of a small VPS, and a second of every start.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';

const ROOT = path.resolve(import.meta.dirname, '..');
export const RECEIVER_SCRIPT = path.join(ROOT, 'dist/receiver/main.js');

/** Builds it when the sources changed; answers its path. A running receiver keeps the file it was started from. */
export async function buildReceiver(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(ROOT, 'receiver/main.ts')],
    outfile: RECEIVER_SCRIPT,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    packages: 'external',
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'error',
    write: false,
  });
  await mkdir(path.dirname(RECEIVER_SCRIPT), { recursive: true });
  await Promise.all(outputFiles.map(({ path: file, contents }) => replaceIfChanged(file, contents)));
  return RECEIVER_SCRIPT;
}

async function replaceIfChanged(file: string, contents: Uint8Array): Promise<void> {
  const known = await readFile(file).catch(() => null);
  if (known?.equals(contents)) return;
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, contents);
  await rename(fresh, file);
}

if (import.meta.main) console.log(await buildReceiver());
