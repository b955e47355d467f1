/** The processes of a running home, as `run.json` names them. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { listProcesses } from '../../receiver/embedded/processes.ts';
import type { Posthouse } from './posthouse.ts';

/** The pid of the receiver that runs now. */
export function receiverPid(posthouse: Posthouse): Promise<number> {
  return pidOf(posthouse, 'dist/receiver/main.js');
}

/** The pid of the local edge's process that runs now. */
export function edgePid(posthouse: Posthouse): Promise<number> {
  return pidOf(posthouse, 'receiver/embedded/edge-main.ts');
}

/** The pid of workerd itself. */
export async function workerdPid(posthouse: Posthouse): Promise<number> {
  const edge = await edgePid(posthouse);
  const found = listProcesses().find(({ parent, command }) => parent === edge && command.includes('workerd'));
  if (!found) throw new Error('no workerd runs');
  return found.pid;
}

async function pidOf(posthouse: Posthouse, script: string): Promise<number> {
  const { supervisor } = JSON.parse(await readFile(path.join(posthouse.home, 'run.json'), 'utf8')) as { supervisor: number };
  for (;;) {
    const found = listProcesses().find(({ parent, command }) => parent === supervisor && command.includes(script));
    if (found) return found.pid;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
