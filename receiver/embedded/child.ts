/**
 * The receiver as a process of its own, as on a VPS. When it dies it is started again on the same ports: what it
 * answered 250 for lies in its spool. When this process dies, it notices and ends.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Ports } from '../config.ts';
import type { Log } from '../log.ts';
import { ROOT } from './root.ts';

/** A receiver that dies sooner than this after its start is not started again at once. */
const STEADY_MS = 5_000;
/** Then it waits this long. */
const RESTART_DELAY_MS = 2_000;
/** What is left of the 10 s that stopping may take, when a receiver does not end by itself. */
const STOP_PATIENCE_MS = 8_000;

export interface ReceiverProcess {
  ports: Ports;
  stop(): Promise<void>;
}

/** Starts it and waits until it listens. Throws when it ends before that. */
export async function startReceiverProcess(env: Record<string, string>, log: Log): Promise<ReceiverProcess> {
  let stopping = false;
  let child = launch(env);
  const ports = await readiness(child);
  const fixed = { ...env, ...portVariables(ports) };
  const supervise = (started: number) => {
    child.once('exit', (code, signal) => {
      if (stopping) return;
      log.warn('receiver.died', { code, signal, now: 'starting it again' });
      setTimeout(relaunch, Date.now() - started < STEADY_MS ? RESTART_DELAY_MS : 0);
    });
  };
  const relaunch = () => {
    if (stopping) return;
    child = launch(fixed);
    supervise(Date.now());
  };
  supervise(Date.now());
  return {
    ports,
    async stop() {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS);
      await ended;
      clearTimeout(patience);
    },
  };
}

function launch(env: Record<string, string>): ChildProcess {
  return fork(path.join(ROOT, 'receiver/main.ts'), [], { env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

function readiness(child: ChildProcess): Promise<Ports> {
  return new Promise((resolve, reject) => {
    child.once('message', (message: { ready: Ports }) => resolve(message.ready));
    child.once('exit', () => reject(new Error('the receiver did not start; its own message stands above')));
  });
}

function portVariables(ports: Ports): Record<string, string> {
  return Object.fromEntries(Object.entries(ports).map(([name, port]) => [`POSTHOUSE_${name.toUpperCase()}_PORT`, String(port)]));
}
