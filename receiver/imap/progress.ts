/**
 * INPROGRESS (RFC 9585): a command that takes long says now and then how far it is, so that neither the client nor a
 * firewall between takes it for dead. Commands call it as often as they like; it speaks seldom.
 */
import { isOff } from './capabilities.ts';
import type { Client } from './client.ts';
import { coded } from './wire/codes.ts';
import { string } from './wire/encoder.ts';

/** Between two notes, and before the first: shorter commands say nothing. */
export const PROGRESS_INTERVAL_MS = 10_000;

/** `done` of `goal`; both may be left out where nobody knows. */
export type Progress = (done?: number, goal?: number) => void;

/** Progress notes for one command. */
export function progressOf(client: Client, tag: string, interval = PROGRESS_INTERVAL_MS): Progress {
  let next = performance.now() + interval;
  return (done, goal) => {
    if (performance.now() < next || isOff(client, 'INPROGRESS')) return;
    next = performance.now() + interval;
    client.output.line(inProgressLine(tag, done, goal));
    client.output.flush();
  };
}

/** The same for a command that waits for the edge and writes nothing meanwhile: by the clock, until the answer stops it. */
export function whileWaiting(client: Client, tag: string, interval = PROGRESS_INTERVAL_MS): () => void {
  const tell = progressOf(client, tag, 0);
  const timer = setInterval(() => tell(), interval);
  timer.unref();
  return () => clearInterval(timer);
}

/** RFC 9585 §3: a goal is told only with what is done, and is never below it. */
export function inProgressLine(tag: string, done?: number, goal?: number): string {
  const known = done !== undefined && goal !== undefined && goal > 0 && done <= goal;
  return `* OK ${coded(`INPROGRESS (${string(tag)} ${done ?? 'NIL'} ${known ? goal : 'NIL'})`, 'Still at it')}`;
}
