/**
 * JMAP beside Cyrus: the same letters appended to both over IMAP, the same client, the two servers asked in turn, so that what else the machine does
 * slows both. Both authenticate every request by Basic; both are asked over HTTP without TLS.
 */
import type { Posthouse } from '../../support/posthouse.ts';
import { COMMON_WORD, lettersOf, RARE_WORD } from '../correspondence.ts';
import { using } from '../ending.ts';
import type { Figure, Part, Remark } from '../figures.ts';
import { ImapConnection } from '../imap-connection.ts';
import { JmapConnection } from '../jmap-connection.ts';
import { median, percentile, perSecond, timed } from '../measure.ts';
import { CYRUS_ADMIN, CYRUS_PASSWORD, CYRUS_USER, cyrus, indexWords } from '../peers/cyrus.ts';
import { absence, isInstalled, startPeer, stopPeer } from '../peers/peer.ts';
import { freePort } from '../ports.ts';
import { appendLetters, openImapConnection, withPosthouse } from '../world.ts';

const PAGE = 50;
const FLAGGED = 100;
const WARM_RUNS = 10;
/** What the list of the webmail shows of a message. */
const PROPERTIES = ['id', 'threadId', 'mailboxIds', 'keywords', 'from', 'subject', 'receivedAt', 'preview', 'hasAttachment', 'size'];
const NEWEST_FIRST = [{ property: 'receivedAt', isAscending: false }];

interface Server {
  jmap: JmapConnection;
  inbox: string;
  /** The newest emails. */
  newest: string[];
}
interface Task {
  what: string;
  run: (server: Server, run: number) => Promise<unknown>;
  /** Things done in one run, for a rate beside the times. */
  done?: { count: number; unit: string };
}

export const jmap: Part = {
  name: 'jmap',
  title: 'JMAP',
  measure: ({ quick, full }) =>
    withPosthouse(async (posthouse) => {
      const messages = quick ? 200 : full ? 100_000 : 20_000;
      const runs = quick ? 10 : 100;
      await fillOurs(posthouse, messages);
      const { http, accounts } = posthouse.ready;
      const ours = await openServer(http, accounts[0]?.address ?? '', accounts[0]?.appPassword ?? '');
      const recipe = cyrus(await freePort());
      if (!isInstalled(recipe)) return [...(await measureAll([ours], messages, runs)), { remark: absence(recipe) }];
      const imapPort = await freePort();
      return using(
        () => startPeer(cyrus(imapPort)),
        stopPeer,
        async ({ port, folder }) => {
          await fillCyrus(imapPort, messages);
          await indexWords(folder);
          const theirs = await openServer(`http://127.0.0.1:${port}`, CYRUS_USER, CYRUS_PASSWORD);
          return measureAll([ours, theirs], messages, runs);
        },
      );
    }),
};

const page = (filter: object) =>
  [
    ['Email/query', { filter, sort: NEWEST_FIRST, position: 0, limit: PAGE }],
    ['Email/get', { '#ids': { resultOf: 'c0', name: 'Email/query', path: '/ids' }, properties: PROPERTIES }],
  ] as [string, object][];

const TASKS: Task[] = [
  { what: `Email/query and Email/get of ${PAGE}`, run: ({ jmap, inbox }) => jmap.call(...page({ inMailbox: inbox })) },
  { what: `a search for a rare word, its page of ${PAGE}`, run: ({ jmap }) => jmap.call(...page({ text: RARE_WORD })) },
  { what: `a search for a word in every message, its page of ${PAGE}`, run: ({ jmap }) => jmap.call(...page({ text: COMMON_WORD })) },
  { what: 'the first search alone, Email/query', run: ({ jmap }) => jmap.call(...page({ text: RARE_WORD }).slice(0, 1)) },
  { what: 'Mailbox/get', run: ({ jmap }) => jmap.call(['Mailbox/get', { ids: null }]) },
  {
    what: `Email/set of ${FLAGGED} flags`,
    done: { count: FLAGGED, unit: 'flags/s' },
    run: ({ jmap, newest }, run) => {
      const change = { 'keywords/$flagged': run % 2 === 0 ? true : null };
      return jmap.call(['Email/set', { update: Object.fromEntries(newest.map((id) => [id, change])) }]);
    },
  },
];

/** Every task on every server in turn; the first server is ours. */
async function measureAll(servers: readonly Server[], messages: number, runs: number): Promise<(Figure | Remark)[]> {
  const figures: (Figure | Remark)[] = [
    { remark: `${messages.toLocaleString('en')} messages in one mailbox; ${runs} requests each, after ${WARM_RUNS}` },
  ];
  for (const task of TASKS) {
    const times = servers.map((): number[] => []);
    for (let run = 0; run < WARM_RUNS + runs; run++) {
      for (const [index, server] of servers.entries()) {
        const took = await timed(() => task.run(server, run));
        if (run >= WARM_RUNS) times[index]?.push(took);
      }
    }
    figures.push(...figuresOf(task, times));
  }
  for (const server of servers) server.jmap.close();
  return figures;
}

function figuresOf({ what, done }: Task, [ours = [], theirs]: number[][]): Figure[] {
  const figure = (name: string, unit: string, value: (times: number[]) => number, better?: 'more'): Figure => ({
    what: `${what}: ${name}`,
    unit,
    better,
    ours: value(ours),
    peer: theirs && { name: 'Cyrus', value: value(theirs) },
  });
  const total = (times: number[]) => times.reduce((sum, time) => sum + time, 0);
  const { count, unit } = done ?? { count: 1, unit: 'requests/s' };
  return [
    figure('rate', unit, (times) => perSecond(count * times.length, total(times)), 'more'),
    figure('median', 'ms', median),
    figure('p95', 'ms', (times) => percentile(times, 95)),
  ];
}

async function openServer(origin: string, user: string, password: string): Promise<Server> {
  const jmap = await JmapConnection.open(origin, user, password);
  const [mailboxes] = await jmap.call(['Mailbox/get', { ids: null }]);
  const list = (mailboxes?.list ?? []) as { id: string; role: string | null }[];
  const inbox = list.find(({ role }) => role === 'inbox')?.id ?? '';
  const [newest] = await jmap.call(['Email/query', { filter: { inMailbox: inbox }, sort: NEWEST_FIRST, limit: FLAGGED }]);
  const server = { jmap, inbox, newest: idsOf(newest) };
  for (const word of [COMMON_WORD, RARE_WORD]) await expectHits(server, word);
  return server;
}

function idsOf(answer: Record<string, unknown> | undefined): string[] {
  return (answer?.ids ?? []) as string[];
}

/** A search that finds nothing would be measured for nothing. */
async function expectHits({ jmap }: Server, word: string): Promise<void> {
  const [found] = await jmap.call(['Email/query', { filter: { text: word }, limit: 1 }]);
  if (idsOf(found).length === 0) throw new Error(`no message with "${word}" was found`);
}

async function fillOurs(posthouse: Posthouse, messages: number): Promise<void> {
  const imap = await openImapConnection(posthouse);
  await appendLetters(imap, lettersOf(messages));
}

async function fillCyrus(imapPort: number, messages: number): Promise<void> {
  const admin = await ImapConnection.open(imapPort);
  await admin.logIn(CYRUS_ADMIN, CYRUS_PASSWORD);
  for (const name of ['', '/Archive', '/Drafts', '/Junk', '/Sent', '/Trash']) await admin.command(`CREATE user/${CYRUS_USER}${name}`);
  admin.close();
  const imap = await ImapConnection.open(imapPort);
  await imap.logIn(CYRUS_USER, CYRUS_PASSWORD);
  await appendLetters(imap, lettersOf(messages));
}
