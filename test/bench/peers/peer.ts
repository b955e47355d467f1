/** A server of Debian's to compare with: started from a temporary configuration on a free port, ended and removed with the run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { until } from '../../support/posthouse.ts';
import { freePort } from '../ports.ts';

export interface Peer {
  name: string;
  port: number;
  folder: string;
  child: ChildProcess;
  stop: (folder: string) => Promise<unknown>;
}

export interface Recipe {
  name: string;
  /** Absolute path of the program, and its arguments before and after the configuration is there. */
  program: string;
  args: (folder: string) => string[];
  env?: NodeJS.ProcessEnv;
  /** Files of the configuration, by name. */
  files: (folder: string, port: number) => Record<string, string>;
  /** Prepares the folder once the files are there. */
  prepare?: (folder: string) => Promise<void>;
  /** Ends what a signal to the program started does not. */
  stop?: (folder: string) => Promise<unknown>;
  /** What a person types to have it. */
  install: string;
}

export function isInstalled({ program }: Recipe): boolean {
  try {
    accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why it cannot be compared with, for the table. */
export function absence({ name, install }: Recipe): string {
  return `${name} is not installed, so nothing is compared with it; on Debian: ${install}`;
}

/** Starts it and waits until it listens. Throws with its log when it ends instead. */
export async function startPeer(recipe: Recipe): Promise<Peer> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'posthouse-peer-'));
  await chmod(folder, 0o755);
  const port = await freePort();
  for (const [name, text] of Object.entries(recipe.files(folder, port))) await writeFile(path.join(folder, name), text);
  await recipe.prepare?.(folder);
  const child = spawn(recipe.program, recipe.args(folder), { env: recipe.env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (chunk) => (said += chunk));
  const peer: Peer = { name: recipe.name, port, folder, child, stop: recipe.stop ?? (async () => child.kill('SIGTERM')) };
  try {
    await until(`${recipe.name} to listen`, async () => {
      if (child.exitCode !== null) throw new Error(`${recipe.name} ended with ${child.exitCode}: ${said}${await logOf(folder)}`);
      return listens(port);
    });
    return peer;
  } catch (error) {
    await stopPeer(peer);
    throw error;
  }
}

export async function stopPeer({ child, folder, stop }: Peer): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    await stop(folder);
    await ended;
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

function logOf(folder: string): Promise<string> {
  return readFile(path.join(folder, 'log'), 'utf8').catch(() => '');
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
