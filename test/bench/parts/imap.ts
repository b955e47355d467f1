/**
 * IMAP over the mirror beside Dovecot over a Maildir: the same messages, the same client, one server after the other. Each figure
 * is the median of five; caches are warm. Writes of ours go to the edge before they are answered, Dovecot's to its disk.
 */
import { ImapFlow } from 'imapflow';
import { loadDataset } from '../../support/dataset.ts';
import type { Posthouse } from '../../support/posthouse.ts';
import { using } from '../ending.ts';
import type { Figure, Part } from '../figures.ts';
import { ImapConnection } from '../imap-connection.ts';
import { median, perSecond, timed, timedRuns } from '../measure.ts';
import { dovecot, PASSWORD } from '../peers/dovecot.ts';
import { absence, isInstalled, startPeer, stopPeer } from '../peers/peer.ts';
import { fill, letter, openImapConnection, RECIPIENT, withPosthouse } from '../world.ts';

const RUNS = 5;
const LETTER_OCTETS = 4096;

/** One thing a client does; its figure is in `unit`. */
interface Task {
  what: string;
  unit: string;
  better?: 'more';
  measure: (server: Server) => Promise<number>;
}
interface Server {
  port: number;
  imap: ImapConnection;
  messages: number;
  /** Steps of what is done one by one. */
  steps: number;
}

export const imap: Part = {
  name: 'imap',
  title: 'IMAP',
  measure: ({ quick, full }) =>
    withPosthouse(async (posthouse) => {
      const messages = quick ? 100 : full ? 6046 : 2000;
      await fill(
        posthouse,
        (await loadDataset(messages)).map(({ raw }) => raw),
      );
      const steps = quick ? 10 : 100;
      const imap = await openImapConnection(posthouse);
      const first = await firstReads(imap, messages, steps);
      const ours = await measureAll({ port: posthouse.ready.imap, imap, messages, steps });
      const present = isInstalled(dovecot);
      const theirs = present ? await measureDovecot(posthouse, { messages, steps }) : null;
      const figures = tasks(messages, steps).map(({ what, unit, better }, index): Figure => {
        const value = theirs?.[index];
        return { what, unit, better, ours: ours[index] ?? 0, peer: value === undefined ? undefined : { name: 'Dovecot', value } };
      });
      return [...figures, ...first, ...(present ? [] : [{ remark: absence(dovecot) }])];
    }),
};

/** Messages that this receiver has never read: each body comes from the edge, scattered so that nothing is read ahead, then in one command. */
async function firstReads(imap: ImapConnection, messages: number, steps: number): Promise<Figure[]> {
  await imap.command('SELECT INBOX');
  const half = Math.floor(messages / 2);
  const scattered = Array.from({ length: steps }, (_value, index) => 1 + ((index * 37) % half));
  const alone = await timedRuns(steps, (run) => imap.command(`FETCH ${scattered[run]} (BODY.PEEK[])`));
  const together = await timed(() => imap.command(`FETCH ${half + 1}:${half + steps} (BODY.PEEK[])`));
  return [
    { what: 'FETCH BODY.PEEK[] of one message not in the cache, median', ours: median(alone), unit: 'ms' },
    {
      what: `FETCH BODY.PEEK[] of ${steps} not in the cache, in one command`,
      ours: perSecond(steps, together),
      unit: '/s',
      better: 'more',
    },
  ];
}

function tasks(messages: number, steps: number): Task[] {
  const all = messages.toLocaleString('en');
  const bodies = Math.min(1000, messages);
  const ms = (what: string, command: string): Task => ({
    what,
    unit: 'ms',
    measure: async ({ imap }) => median(await warmRuns(() => imap.command(command))),
  });
  const flag =
    (sign: (run: number) => string) =>
    async ({ imap }: Server) =>
      median(
        await timedRuns(RUNS, async (run) => {
          for (let n = 1; n <= steps; n++) await imap.command(`STORE ${n} ${sign(run)}FLAGS (\\Flagged)`);
        }),
      );
  return [
    { what: 'connect, LOGIN (known to the server), SELECT', unit: 'ms', measure: logInAndSelect },
    ms(`FETCH 1:* (UID FLAGS), ${all} messages`, 'FETCH 1:* (UID FLAGS)'),
    ms('FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)', 'FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)'),
    {
      what: `FETCH BODY.PEEK[] of ${bodies.toLocaleString('en')}`,
      unit: 'MB/s',
      better: 'more',
      measure: (server) => bodyRate(server, bodies),
    },
    {
      what: 'STORE of a flag, one by one',
      unit: '/s',
      better: 'more',
      measure: async (server) => perSecond(steps, await flag((run) => '+-'.charAt(run % 2))(server)),
    },
    {
      what: `STORE 1:* of a flag, ${all} messages`,
      unit: 'ms',
      measure: async ({ imap }) =>
        median(await timedRuns(RUNS + 1, (run) => imap.command(`STORE 1:* ${'+-'.charAt(run % 2)}FLAGS.SILENT (\\Seen)`))),
    },
    { what: 'APPEND of 4 KB, one by one', unit: '/s', better: 'more', measure: (server) => appendRate(server) },
    ms('SEARCH SUBJECT', 'SEARCH SUBJECT "linux"'),
    ms('SEARCH TEXT', 'SEARCH TEXT "meeting"'),
  ];
}

async function measureAll(server: Server): Promise<number[]> {
  await server.imap.command('CREATE Bench');
  await server.imap.command('SELECT INBOX');
  await server.imap.command('FETCH 1:* (ENVELOPE BODYSTRUCTURE)');
  const figures: number[] = [];
  for (const { measure } of tasks(server.messages, server.steps)) figures.push(await measure(server));
  server.imap.close();
  return figures;
}

/** The same messages, octet by octet, APPENDed to a Dovecot of the moment. */
function measureDovecot(posthouse: Posthouse, size: { messages: number; steps: number }): Promise<number[]> {
  return using(
    () => startPeer(dovecot),
    stopPeer,
    async ({ port }) => {
      const imap = await ImapConnection.open(port);
      await imap.logIn(RECIPIENT, PASSWORD);
      for await (const raw of originals(posthouse)) await imap.append('INBOX', raw);
      return measureAll({ port, imap, ...size });
    },
  );
}

async function* originals({ ready }: Posthouse): AsyncGenerator<Buffer> {
  const { address = '', password = '' } = ready.accounts[0] ?? {};
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: ready.imap,
    secure: false,
    auth: { user: address, pass: password },
    logger: false,
    tls: { rejectUnauthorized: false },
  });
  await client.connect();
  await client.mailboxOpen('INBOX');
  for await (const { source } of client.fetch('1:*', { source: true })) if (source) yield source;
  await client.logout();
}

/** The first run warms caches and does not count. */
async function warmRuns(work: () => Promise<unknown>): Promise<number[]> {
  return (await timedRuns(RUNS + 1, work)).slice(1);
}

async function logInAndSelect({ port }: Server): Promise<number> {
  const runs = await warmRuns(async () => {
    const imap = await ImapConnection.open(port);
    await imap.logIn(RECIPIENT, PASSWORD);
    await imap.command('SELECT INBOX');
    imap.close();
  });
  return median(runs);
}

async function bodyRate({ imap }: Server, count: number): Promise<number> {
  let octets = 0;
  const runs = await warmRuns(async () => {
    ({ octets } = await imap.command(`FETCH 1:${count} (BODY.PEEK[])`));
  });
  return octets / 1e6 / (median(runs) / 1000);
}

async function appendRate({ imap, steps }: Server): Promise<number> {
  const milliseconds = await timed(async () => {
    for (let n = 0; n < steps; n++) await imap.append('Bench', letter(n, LETTER_OCTETS));
  });
  return perSecond(steps, milliseconds);
}
