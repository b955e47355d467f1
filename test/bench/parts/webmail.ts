/** The webmail's weight: all JavaScript the browser loads before the first screen, as a server sends it (gzip). */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { ensureWebmail } from '../../../receiver/embedded/webmail.ts';
import type { Part } from '../figures.ts';

const DIST = path.resolve(import.meta.dirname, '../../../workers/webmail/dist');
const KILOBYTE = 1000;
const BUDGET_KB = 100;

export const webmail: Part = {
  name: 'webmail',
  title: 'Webmail, what the browser loads',
  async measure() {
    await ensureWebmail();
    const html = await readFile(path.join(DIST, 'index.html'), 'utf8');
    const scripts = [...html.matchAll(/(?:src|href)="(\/[^"]+\.js)"/g)].map((match) => match[1] ?? '');
    const styles = [...html.matchAll(/href="(\/[^"]+\.css)"/g)].map((match) => match[1] ?? '');
    const loaded = await withImports(scripts);
    return [
      { what: 'JavaScript of the first screen, gzip', ours: await weight(loaded), unit: 'kB', budget: BUDGET_KB },
      { what: 'styles of the first screen, gzip', ours: await weight(styles), unit: 'kB' },
    ];
  },
};

/** The scripts and what they import at once; what they import when needed is not the first screen's. */
async function withImports(scripts: readonly string[]): Promise<string[]> {
  const found = new Set(scripts);
  for (const script of found) {
    const text = await readFile(path.join(DIST, script), 'utf8');
    for (const [, name = ''] of text.matchAll(/(?:\bfrom|\bimport)\s*"(\.[^"]+\.js)"/g))
      found.add(path.posix.join(path.posix.dirname(script), name));
  }
  return [...found];
}

async function weight(files: readonly string[]): Promise<number> {
  const contents = await Promise.all(files.map((file) => readFile(path.join(DIST, file))));
  return contents.reduce((sum, content) => sum + gzipSync(content).length, 0) / KILOBYTE;
}
