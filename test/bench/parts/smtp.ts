/**
 * Accepting mail: how many messages a second, how long a sender waits for the 250 after its dot, and how soon an IDLEing client
 * hears of it. Postfix, when installed, takes the same messages from the same client; both say 250 after their fsync.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { loadDataset } from '../../support/dataset.ts';
import { type Posthouse, until } from '../../support/posthouse.ts';
import { workerdPid } from '../../support/processes.ts';
import { using } from '../ending.ts';
import type { Figure, Part } from '../figures.ts';
import { percentile, perSecond, timed } from '../measure.ts';
import { absence, isInstalled, type Peer, startPeer, stopPeer } from '../peers/peer.ts';
import { postfix } from '../peers/postfix.ts';
import { SmtpConnection } from '../smtp-connection.ts';
import { letter, openImapConnection, RECIPIENT, SENDER, withPosthouse } from '../world.ts';

const LETTER_OCTETS = 4096;
/** Messages before the first that counts. */
const WARMING = 50;
/** What was accepted while the edge stood still takes its time. */
const DRAINING_PATIENCE_MS = 300_000;
/** Runs of each load; the median one is reported. */
const RUNS = 3;

interface Load {
  what: string;
  connections: number;
  messages: readonly Uint8Array[];
}
interface Pace {
  rate: number;
  waits: number[];
}

export const smtp: Part = {
  name: 'smtp',
  title: 'SMTP, from the world',
  measure: ({ quick }) =>
    withPosthouse(async (posthouse) => {
      const letters = Array.from({ length: quick ? 40 : 300 }, (_value, index) => letter(index, LETTER_OCTETS));
      const real = (await loadDataset(quick ? 60 : 1000)).map(({ raw }) => raw);
      const loads: Load[] = [
        { what: '4 KB, 1 connection', connections: 1, messages: letters },
        { what: '4 KB, 8 connections', connections: 8, messages: letters },
        { what: `${real.length.toLocaleString('en')} real messages, 8 connections`, connections: 8, messages: real },
      ];
      const ours = await paces(posthouse.ready.smtp, loads);
      const theirs = isAbsent() ? null : await withPostfix((peer) => paces(peer.port, loads));
      const figures = loads.flatMap((load, index) => describe(load, ours[index], theirs?.[index]));
      const alone = await withoutEdge(posthouse, () => paces(posthouse.ready.smtp, loads.slice(0, 2)));
      figures.push(
        ...alone.flatMap((pace, index) => describe({ ...loads[index], what: `${loads[index]?.what}, edge paused` } as Load, pace)),
      );
      return [...figures, ...(await untilIdle(posthouse, quick ? 10 : 100)), ...(theirs ? [] : [{ remark: whyAbsent() }])];
    }),
};

/**
 * Runs `work` while workerd stands still: in a deployment it has its own machines, here it takes both processors. Recipients are known by
 * now; what is accepted waits in the spool.
 */
async function withoutEdge<T>(posthouse: Posthouse, work: () => Promise<T>): Promise<T> {
  await drained(posthouse);
  const pid = await workerdPid(posthouse);
  process.kill(pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

/** Waits until nothing is in the spool. */
function drained({ home }: Posthouse): Promise<unknown> {
  const isEmpty = async () => (await readdir(path.join(home, 'spool'))).every((name) => !name.endsWith('.json'));
  return until('the spool to drain', isEmpty, DRAINING_PATIENCE_MS);
}

function isAbsent(): boolean {
  return !isInstalled(postfix) || process.getuid?.() !== 0;
}

function whyAbsent(): string {
  return isInstalled(postfix) ? 'Postfix is installed but starts only as root, so nothing is compared with it' : absence(postfix);
}

function withPostfix<T>(work: (peer: Peer) => Promise<T>): Promise<T> {
  return using(() => startPeer(postfix), stopPeer, work);
}

async function paces(port: number, loads: readonly Load[]): Promise<Pace[]> {
  await send(port, {
    what: 'warming',
    connections: 8,
    messages: Array.from({ length: WARMING }, (_value, index) => letter(index, LETTER_OCTETS)),
  });
  const figures: Pace[] = [];
  for (const load of loads) {
    const runs: Pace[] = [];
    for (let run = 0; run < RUNS; run++) runs.push(await send(port, load));
    const rate = percentile(
      runs.map((pace) => pace.rate),
      50,
    );
    figures.push({ rate, waits: runs.flatMap(({ waits }) => waits) });
  }
  return figures;
}

async function send(port: number, { connections, messages }: Load): Promise<Pace> {
  const queue = [...messages];
  const waits: number[] = [];
  const opened = await Promise.all(Array.from({ length: connections }, () => SmtpConnection.open(port)));
  const work = async (smtp: SmtpConnection) => {
    for (let raw = queue.shift(); raw; raw = queue.shift()) waits.push(await smtp.send(SENDER, RECIPIENT, raw));
    smtp.close();
  };
  const milliseconds = await timed(() => Promise.all(opened.map(work)));
  return { rate: perSecond(messages.length, milliseconds), waits };
}

function describe({ what }: Load, ours?: Pace, theirs?: Pace): Figure[] {
  const peer = (of: (pace: Pace) => number) => (theirs ? { name: 'Postfix', value: of(theirs) } : undefined);
  const figure = (name: string, unit: string, of: (pace: Pace) => number): Figure => ({
    what: name,
    unit,
    ours: ours ? of(ours) : 0,
    peer: peer(of),
  });
  return [
    { ...figure(`${what}: accepted`, '/s', ({ rate }) => rate), better: 'more' },
    figure(`${what}: dot to 250, median`, 'ms', ({ waits }) => percentile(waits, 50)),
    figure(`${what}: dot to 250, p95`, 'ms', ({ waits }) => percentile(waits, 95)),
  ];
}

/** From the 250 to the EXISTS that a client in IDLE is told. */
async function untilIdle(posthouse: Posthouse, count: number): Promise<Figure[]> {
  await drained(posthouse);
  const imap = await openImapConnection(posthouse);
  const [all, shown] = [await imap.count('INBOX'), async () => (await imap.command('SELECT INBOX')).text];
  await until('all that was sent before', async () => (await shown()).includes(`* ${all} EXISTS`));
  const sender = await SmtpConnection.open(posthouse.ready.smtp);
  const waits: number[] = [];
  for (let number = 0; number < count; number++) {
    const { exists } = await imap.idle();
    await sender.send(SENDER, RECIPIENT, letter(number, LETTER_OCTETS));
    const accepted = performance.now();
    waits.push(Math.max(0, (await exists) - accepted));
  }
  sender.close();
  imap.close();
  return [
    { what: '250 to EXISTS over IMAP IDLE, median', ours: percentile(waits, 50), unit: 'ms' },
    { what: '250 to EXISTS over IMAP IDLE, p95', ours: percentile(waits, 95), unit: 'ms', budget: 1000 },
  ];
}
