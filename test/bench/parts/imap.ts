/**
 * IMAP over the mirror beside Dovecot over a Maildir: the same messages, the same client, one server after the other. Each figure
 * is the median of five; caches are warm. Writes of ours go to the edge before they are answered, Dovecot's to its disk.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { loadDataset } from '../../support/dataset.ts';
import type { Posthouse } from '../../support/posthouse.ts';
import { type Letter, letterOf } from '../correspondence.ts';
import { using } from '../ending.ts';
import type { Figure, Part } from '../figures.ts';
import { ImapConnection } from '../imap-connection.ts';
import { median, perSecond, timed, timedRuns } from '../measure.ts';
import { dovecot, PASSWORD } from '../peers/dovecot.ts';
import { absence, isInstalled, startPeer, stopPeer } from '../peers/peer.ts';
import { APPENDED, appendLetters, letter, openImapConnection, RECIPIENT, withPosthouse } from '../world.ts';

const RUNS = 5;
/** The data set's messages. */
const REAL_MESSAGES = 6046;
const FIRST_RECEIVED_AT = Date.UTC(2026, 0, 1);
const THUNDERBIRD_FIELDS =
  'From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type Reply-To';
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
      const messages = quick ? 200 : full ? 100_000 : 20_000;
      const mail = await loadMail(messages);
      await appendLetters(await openImapConnection(posthouse), mail);
      const steps = quick ? 10 : 100;
      const synchronisation = await synchroniseAnew(posthouse);
      const imap = await openImapConnection(posthouse);
      const first = [synchronisation, ...(await firstReads(imap, messages, steps))];
      const ours = await measureAll({ port: posthouse.ready.imap, imap, messages, steps });
      const present = isInstalled(dovecot);
      const theirs = present ? await measureDovecot(mail, steps) : null;
      const figures = tasks(messages, steps).map(({ what, unit, better }, index): Figure => {
        const value = theirs?.[index];
        return { what, unit, better, ours: ours[index] ?? 0, peer: value === undefined ? undefined : { name: 'Dovecot', value } };
      });
      const size = {
        remark: `${messages.toLocaleString('en')} messages, the first ${Math.min(messages, REAL_MESSAGES).toLocaleString('en')} of them real`,
      };
      return [size, ...figures, ...first, ...(present ? [] : [{ remark: absence(dovecot) }])];
    }),
};

/** The data set, and made-up letters once it is used up. */
async function loadMail(messages: number): Promise<Letter[]> {
  const real = await loadDataset(Math.min(messages, REAL_MESSAGES));
  return Array.from({ length: messages }, (_value, number) => {
    const letter = letterOf(number);
    return { raw: Buffer.from(real[number]?.raw ?? letter.raw), receivedAt: letter.receivedAt };
  });
}

/** A receiver that has nothing yet: from its start to the first login, which waits for the whole mirror. */
async function synchroniseAnew(posthouse: Posthouse): Promise<Figure> {
  await posthouse.stop();
  for (const folder of ['mirror', 'cache']) await rm(path.join(posthouse.home, folder), { recursive: true, force: true });
  await posthouse.start();
  const seconds = (await timed(async () => (await openImapConnection(posthouse)).close())) / 1000;
  return { what: 'first synchronisation of the account, until login is answered', ours: seconds, unit: 's' };
}

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
    ms('FETCH 1:* (UID FLAGS)', 'FETCH 1:* (UID FLAGS)'),
    ms('FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)', 'FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)'),
    ms("FETCH 1:* of Thunderbird's header fields", `FETCH 1:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (${THUNDERBIRD_FIELDS})])`),
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
    { what: `${steps} STOREs sent at once`, unit: '/s', better: 'more', measure: storePipelined },
    {
      what: 'STORE 1:* of a flag',
      unit: 'ms',
      measure: async ({ imap }) =>
        median(await timedRuns(RUNS + 1, (run) => imap.command(`STORE 1:* ${'+-'.charAt(run % 2)}FLAGS.SILENT (\\Seen)`))),
    },
    { what: 'APPEND of 4 KB, one by one', unit: '/s', better: 'more', measure: (server) => appendRate(server) },
    { what: 'MULTIAPPEND of 4 KB, 32 at a time', unit: '/s', better: 'more', measure: multiAppendRate },
    ms('SEARCH SUBJECT', 'SEARCH SUBJECT "linux"'),
    ms('SEARCH TEXT', 'SEARCH TEXT "meeting"'),
    ms('SEARCH BODY', 'SEARCH BODY "meeting"'),
    ms('SORT (REVERSE DATE)', 'SORT (REVERSE DATE) UTF-8 ALL'),
    ms('SORT (SUBJECT)', 'SORT (SUBJECT) UTF-8 ALL'),
    ms('THREAD REFERENCES', 'THREAD REFERENCES UTF-8 ALL'),
    { what: 'reconnect by QRESYNC after 100 changes', unit: 'ms', measure: reconnect },
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
function measureDovecot(mail: readonly Letter[], steps: number): Promise<number[]> {
  return using(
    () => startPeer(dovecot),
    stopPeer,
    async ({ port }) => {
      const open = async () => {
        const imap = await ImapConnection.open(port);
        await imap.logIn(RECIPIENT, PASSWORD);
        return imap;
      };
      await appendLetters(await open(), mail);
      return measureAll({ port, imap: await open(), messages: mail.length, steps });
    },
  );
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

async function multiAppendRate({ imap }: Server): Promise<number> {
  const letters = Array.from({ length: APPENDED }, (_value, n) => ({ raw: letter(n, LETTER_OCTETS), receivedAt: FIRST_RECEIVED_AT }));
  return perSecond(APPENDED, median(await timedRuns(RUNS, () => imap.appendAll('Bench', letters))));
}

/** Commands that do not wait for each other (RFC 9051 §5.5). */
async function storePipelined({ imap, steps }: Server): Promise<number> {
  const runs = await timedRuns(RUNS + 1, (run) => {
    const sign = '+-'.charAt(run % 2);
    return imap.pipelined(Array.from({ length: steps }, (_value, n) => `STORE ${n + 1} ${sign}FLAGS (\\Answered)`));
  });
  return perSecond(steps, median(runs));
}

/** From connecting to the end of SELECT, with the state of before 100 flags changed (RFC 7162 §3.2.5). */
async function reconnect({ port, imap }: Server): Promise<number> {
  const { text } = await imap.command('STATUS INBOX (UIDVALIDITY HIGHESTMODSEQ)');
  const [validity, modseq] = ['UIDVALIDITY', 'HIGHESTMODSEQ'].map((name) => new RegExp(`${name} (\\d+)`).exec(text)?.[1]);
  await imap.command('STORE 1:100 +FLAGS.SILENT ($Changed)');
  const runs = await warmRuns(async () => {
    const again = await ImapConnection.open(port);
    await again.logIn(RECIPIENT, PASSWORD);
    await again.command('ENABLE QRESYNC');
    await again.command(`SELECT INBOX (QRESYNC (${validity} ${modseq}))`);
    again.close();
  });
  return median(runs);
}
