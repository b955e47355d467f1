/** What Linux says of a process and of the machine: processor time, resident memory (proc(5)). */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';

/** Milliseconds all threads of the process have spent on a processor so far, to the nanosecond where the kernel counts it. */
export async function processorTime(pid: number): Promise<number> {
  let nanoseconds = 0;
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const spent = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0');
    nanoseconds += Number(spent.split(' ')[0]);
  }
  return nanoseconds / 1e6;
}

export interface Memory {
  /** Megabytes (2^20 octets) in memory now. */
  resident: number;
  /** The most since the process began, or since `forgetPeak`. */
  peak: number;
}

export async function memoryOf(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024;
  return { resident: field('VmRSS'), peak: field('VmHWM') };
}

/** Lets the peak begin anew at what is resident now. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

/** The machine in one line, for the head of a table. */
export function machine(): string {
  const [processor] = os.cpus();
  const load = os.loadavg().map((value) => value.toFixed(1));
  const gigabytes = Math.round(os.totalmem() / 2 ** 30);
  return `${os.cpus().length} × ${processor?.model ?? 'unknown'}, ${gigabytes} GB, ${os.type()} ${os.release()}, Node ${process.version}; load average ${load.join(' ')}`;
}
