/**
 * Which of this home's processes still run. A start after `kill -9` must wait for what the dead one left behind:
 * children that are still closing, and a workerd whose parent had no time to end it.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessEntry {
  pid: number;
  parent: number;
  command: string;
}

/** Time that children of a dead parent get to end by themselves; they notice at once and close within seconds. */
const LEFTOVER_PATIENCE_MS = 9_000;
const LOOK_INTERVAL_MS = 50;

/** All processes of this machine, from `ps`, or from /proc where there is no `ps`. */
export function listProcesses(): ProcessEntry[] {
  const ps = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (ps.status !== 0) return readProc();
  return ps.stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return match ? [{ pid: Number(match[1]), parent: Number(match[2]), command: match[3] ?? '' }] : [];
  });
}

/** Waits for the processes among `pids` whose command holds one of `names`; ends those that stay. */
export async function clearLeftovers(pids: number[], names: string[]): Promise<void> {
  const left = () => listProcesses().filter(({ pid, command }) => pids.includes(pid) && names.some((name) => command.includes(name)));
  const orphans = left().filter(({ command }) => command.includes('workerd'));
  const deadline = Date.now() + LEFTOVER_PATIENCE_MS;
  for (let rest = left(); rest.length > 0; rest = left()) {
    const late = Date.now() > deadline;
    // A workerd whose parent is gone never ends by itself; one whose parent closes it goes first anyway.
    const onlyOrphans = rest.every(({ pid }) => orphans.some((orphan) => orphan.pid === pid));
    if (late || onlyOrphans) for (const { pid } of rest) endNow(pid);
    await delay(LOOK_INTERVAL_MS);
  }
}

/** True while a process with this pid exists whose command holds `name`. */
export function isRunning(pid: number, name: string): boolean {
  return listProcesses().some((entry) => entry.pid === pid && entry.command.includes(name));
}

/** Ends those of `pids` whose command holds `name`, at once. */
export function endLeftovers(pids: number[], name: string): void {
  for (const { pid, command } of listProcesses()) if (pids.includes(pid) && command.includes(name)) endNow(pid);
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended in between.
  }
}

function readProc(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const parent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1];
        return [
          { pid: Number(name), parent: Number(parent), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ') },
        ];
      } catch {
        return [];
      }
    });
}
