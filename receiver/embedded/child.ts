/**
 * The edge and the receiver as processes of their own, as in a deployment. One that dies is started again on the
 * same ports; when the supervisor dies, both notice (their channel closes) and end. They have their own process
 * groups, so that Ctrl-C reaches the supervisor alone and they are stopped in order.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Log } from '../log.ts';
import { ROOT } from './root.ts';

/** A process that dies sooner than this after its start is not started again at once. */
const STEADY_MS = 5_000;
/** Then it waits this long. */
const RESTART_DELAY_MS = 2_000;
/** Stopping both may take 10 s; one that does not end by itself is ended. */
const STOP_PATIENCE_MS = 4_500;
/**
 * Left to itself V8 lets a busy receiver grow to 300 MB, most of it garbage, before it looks: with these a mirror of 100,000 messages is
 * fetched and used in 150 MB, for a tenth more of processor time.
 */
const SMALL_HEAP = ['--max-semi-space-size=4', '--heap-growing-percent=30'];

export interface Child<Ready> {
  /** What it reported when it first became ready. */
  ready: Ready;
  pid(): number | undefined;
  stop(): Promise<void>;
}

export interface ChildOptions<Ready> {
  /** For the log. */
  name: string;
  /** Path below the repository. */
  script: string;
  env: Record<string, string>;
  /** Environment for later starts, made of what the first one reported: the ports it was given. */
  keep: (ready: Ready) => Record<string, string>;
  /** Ends what a dead one may have left behind: before it is started again, and after it was stopped. */
  cleanUp?: () => void;
  /** Told each time it is ready, the first included. */
  onReady?: (ready: Ready) => void;
  log: Log;
}

/** Starts it and waits for its `{ ready }` message. Throws when it ends before that. */
export async function startChild<Ready>(options: ChildOptions<Ready>): Promise<Child<Ready>> {
  const { name, log } = options;
  let stopping = false;
  let env = options.env;
  let child = launch(options.script, env);
  const ready = await readiness<Ready>(child, name);
  env = { ...env, ...options.keep(ready) };
  options.onReady?.(ready);
  const supervise = (started: number) => {
    child.once('exit', (code, signal) => {
      if (stopping) return;
      log.warn('process.died', { name, code, signal, now: 'starting it again' });
      setTimeout(relaunch, Date.now() - started < STEADY_MS ? RESTART_DELAY_MS : 0);
    });
  };
  const relaunch = () => {
    if (stopping) return;
    options.cleanUp?.();
    child = launch(options.script, env);
    readiness<Ready>(child, name).then(options.onReady, () => {});
    supervise(Date.now());
  };
  supervise(Date.now());
  return {
    ready,
    pid: () => child.pid,
    async stop() {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS);
      await ended;
      clearTimeout(patience);
      options.cleanUp?.();
    },
  };
}

function launch(script: string, env: Record<string, string>): ChildProcess {
  return fork(path.join(ROOT, script), [], {
    env: { ...process.env, ...env },
    execArgv: ['--enable-source-maps', ...SMALL_HEAP],
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

function readiness<Ready>(child: ChildProcess, name: string): Promise<Ready> {
  return new Promise((resolve, reject) => {
    child.once('message', (message: { ready: Ready }) => resolve(message.ready));
    child.once('exit', () => reject(new Error(`the ${name} did not start; its own message stands above`)));
  });
}
