/** The import rule of DESIGN.md, "Who may import whom": enforced over every source file. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..');
const NODE_MODULES = new Set(builtinModules);

interface Import {
  from: string;
  /** Repository path for relative imports, the bare specifier otherwise. */
  to: string;
  relative: boolean;
}

function listSources(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|tsx|mjs)$/.test(entry.name))
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)))
    .filter((file) => !/(^|\/)(dist|node_modules)\//.test(file));
}

function readImports(file: string): Import[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const specifiers = [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g),
  ];
  return specifiers.map((match) => {
    const to = match[1] ?? match[2] ?? '';
    const relative = to.startsWith('.');
    return { from: file, to: relative ? path.join(path.dirname(file), to) : to, relative };
  });
}

const IMPORTS = ['shared', 'workers', 'receiver'].flatMap(listSources).flatMap(readImports);

function isNodeModule(specifier: string): boolean {
  return specifier.startsWith('node:') || NODE_MODULES.has(specifier.split('/')[0] ?? '');
}

/** Imports of files under `from` that a rule forbids, as `file → what`. */
function offences(from: RegExp, isForbidden: (found: Import) => boolean): string[] {
  return IMPORTS.filter((found) => from.test(found.from) && isForbidden(found)).map((found) => `${found.from} → ${found.to}`);
}

test('the walk sees the sources: it finds imports in each of the three parts', () => {
  for (const part of ['shared/', 'workers/', 'receiver/'])
    expect(IMPORTS.filter(({ from }) => from.startsWith(part)).length).toBeGreaterThan(5);
});

test('shared is pure: it imports nothing with I/O and nothing of the other parts', () => {
  expect(
    offences(/^shared\//, ({ to, relative }) => (relative ? !to.startsWith('shared/') : isNodeModule(to) || to.startsWith('cloudflare:'))),
  ).toEqual([]);
});

test('workers and receiver never import each other', () => {
  expect(offences(/^workers\//, ({ to, relative }) => relative && to.startsWith('receiver/'))).toEqual([]);
  expect(offences(/^receiver\//, ({ to, relative }) => relative && to.startsWith('workers/'))).toEqual([]);
});

test('the Worker uses nothing of Node', () => {
  expect(offences(/^workers\/(?!webmail\/vite\.config)/, ({ to, relative }) => !relative && isNodeModule(to))).toEqual([]);
});

test('only workers/store holds SQL or touches R2 (one store, three doors)', () => {
  const touching = ['workers']
    .flatMap(listSources)
    .filter((file) => !/^workers\/(store|webmail)\//.test(file))
    .filter((file) =>
      /\benv\.(DIRECTORY|MAIL_\d|ORIGINALS)\b|\.prepare\(|\bSELECT\s.+\sFROM\b|\bINSERT INTO\b/.test(
        readFileSync(path.join(ROOT, file), 'utf8'),
      ),
    );
  expect(touching).toEqual([]);
});

test('the store imports no door', () => {
  expect(
    offences(/^workers\/store\//, ({ to, relative }) => relative && to.startsWith('workers/') && !/^workers\/(store\/|env\.ts)/.test(to)),
  ).toEqual([]);
});

test('the webmail imports only shared and itself', () => {
  expect(
    offences(/^workers\/webmail\/(?!vite\.config)/, ({ to, relative }) => relative && !/^(shared|workers\/webmail)\//.test(to)),
  ).toEqual([]);
});

test('imap/wire imports nothing of the project but shared', () => {
  expect(offences(/^receiver\/imap\/wire\//, ({ to, relative }) => relative && !/^(shared|receiver\/imap\/wire)\//.test(to))).toEqual([]);
});

test('imap/commands see the wire and the session, never the mirror or the edge', () => {
  expect(
    offences(
      /^receiver\/imap\/commands\//,
      ({ to, relative }) => relative && /^receiver\/(mirror\/|edge|imap\/(mirror|memory)-session)/.test(to),
    ),
  ).toEqual([]);
});

test('receiver/edge.ts and edge-admin.ts are the only callers of the Worker', () => {
  const callers = listSources('receiver')
    .filter((file) => !/^receiver\/(edge|edge-admin)\.ts$/.test(file))
    .filter((file) =>
      /(?:await|return|=>?|[(,])\s*fetch\(|\bhttps?\.(request|get)\(|new WebSocket\(/.test(readFileSync(path.join(ROOT, file), 'utf8')),
    );
  expect(callers).toEqual([]);
});

test('nothing in the lockfile carries a registry address', () => {
  expect(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"/);
});
