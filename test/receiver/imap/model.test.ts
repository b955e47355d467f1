/**
 * Several clients of every kind in one mailbox over real connections, while mail arrives and the webmail changes it (RFC 9051 §5.2, §7.5.1;
 * RFC 7162; RFC 9586). They act at the same time, break off and come back; the mailbox forgets its history, the receiver restarts. Whenever
 * all is quiet each client's picture, made of nothing but what it was told, is the mailbox. Over the memory session and over the mirror.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PASSWORD, startTestServer, USER } from '../../support/imap-server.ts';
import { makeWorld } from '../mirror/harness.ts';
import { type Kind, Picture } from './picture.ts';

const KINDS: Kind[] = ['plain', 'condstore', 'qresync', 'uidonly', 'rev2'];

/** The mailbox behind the server, and what happens to it without IMAP. */
interface Place {
  port: number;
  defects: string[];
  /** Uids and flags, in order. */
  truth(): { uid: number; flags: string }[];
  deliver(): void;
  flag(uid: number, add: boolean): void;
  expunge(uid: number): void;
  /** Nobody knows any more what was expunged when. */
  forget(): void;
  /** What a client that breaks off may come back to. */
  restart(fresh: boolean): Promise<void>;
  /** Everything that has happened can be known to the receiver. */
  settle(): Promise<void>;
  /** Pushes get lost from now on, or no longer. */
  mute(): void;
  close(): Promise<void>;
}

async function memoryPlace(): Promise<Place> {
  const server = await startTestServer();
  const { account } = server;
  const inbox = account.byName('INBOX');
  const placed = (uid: number) => inbox.those([uid]);
  return {
    port: server.imap,
    defects: server.defects,
    truth: () => inbox.placements.map((placement) => ({ uid: placement.uid, flags: account.flagsOf(placement).text })),
    deliver: () => void account.append(inbox, { flags: [], body: Buffer.from('Subject: x\r\n\r\n') }),
    flag: (uid, add) => account.changeFlags(placed(uid), add ? 'add' : 'remove', ['\\Answered', 'webmail']),
    expunge: (uid) => account.remove(inbox, placed(uid)),
    forget: () => inbox.forgetHistory(),
    restart: async () => {},
    settle: async () => {},
    mute: () => {},
    close: () => server.close(),
  };
}

async function mirrorPlace(): Promise<Place> {
  const world = makeWorld({ pageSize: 3 });
  const { account, bridge } = world;
  const { inbox } = account;
  account.createMailbox('Archive');
  const server = await startTestServer({
    backend: {
      login: async (username, password, connection) =>
        username === USER && password === PASSWORD ? world.mirrors.backend.login('user1', 'right', connection) : null,
    },
  });
  return {
    port: server.imap,
    defects: server.defects,
    truth: () => {
      const picture = [...(account.picture().get(inbox) ?? [])].sort(([a], [b]) => a - b);
      return picture.map(([uid, flags]) => ({ uid, flags: `(${flags.split(' ').filter(Boolean).sort(byKeyword).join(' ')})` }));
    },
    deliver: () => void account.deliver(),
    flag: (uid, add) => {
      const keywords = new Set(account.emailAt(inbox, uid)?.keywords);
      for (const keyword of ['$answered', 'webmail']) keywords[add ? 'add' : 'delete'](keyword);
      account.setKeywords(inbox, uid, [...keywords]);
    },
    expunge: (uid) => account.expunge(inbox, [uid]),
    forget: () => account.forgetHistory(),
    restart: async (fresh) => {
      await world.mirrors.close();
      if (fresh) rmSync(path.join(world.home, 'mirror'), { recursive: true });
      await world.restart();
    },
    settle: () => world.mirrors.checkHeads(),
    mute: () => {
      bridge.mutePush = !bridge.mutePush;
    },
    close: async () => {
      await server.close();
      await world.mirrors.close();
    },
  };
}

/** The order in which flags are listed: `\Deleted` first, then by keyword. */
function byKeyword(a: string, b: string): number {
  const key = (flag: string) => (flag === '\\Deleted' ? '' : flag.replace('\\', '$').toLowerCase());
  return key(a) < key(b) ? -1 : 1;
}

interface Turn {
  which: number;
  what: keyof typeof ACTS;
}
type Act = (picture: Picture, which: number) => Promise<unknown>;

/** `FETCH 3 …`, or `UID FETCH 17 …` for clients without sequence numbers and now and then for the others. */
function named(command: string, picture: Picture, which: number, range = ''): string | null {
  const { messages } = picture;
  const index = messages.length === 0 ? -1 : which % messages.length;
  const known = messages[index];
  if (index < 0) return null;
  if (!picture.uidOnly && which % 3 > 0) return command.replace('#', `${index + 1}${range}`);
  return known ? `UID ${command.replace('#', `${known.uid}${range}`)}` : null;
}

const numbered =
  (command: string, range = ''): Act =>
  async (picture, which) => {
    const text = named(command, picture, which, range);
    if (text !== null) await picture.run(text);
  };

const ACTS = {
  append: (picture) => picture.client.append('INBOX', 'x').then((answer) => picture.apply(answer, true)),
  delete: numbered('STORE # +FLAGS (\\Deleted)'),
  flag: numbered('STORE # +FLAGS (\\Flagged)', ':*'),
  unflag: numbered('STORE # -FLAGS (\\Flagged \\Deleted)'),
  replace: numbered('STORE # FLAGS (\\Draft blue)'),
  silent: (picture, which) => silently(picture, which),
  conditional: (picture, which) => conditionally(picture, which),
  expunge: (picture) => picture.run('EXPUNGE'),
  uidExpunge: (picture, which) => picture.run(`UID EXPUNGE ${1 + (which % 5)}:${3 + which}`),
  fetch: numbered('FETCH # (FLAGS)', ':*'),
  body: numbered('FETCH # BODY[]'),
  changes: (picture, which) =>
    picture.resyncs ? picture.run(`UID FETCH 1:* (FLAGS) (CHANGEDSINCE ${1 + which} VANISHED)`) : picture.run('UID SEARCH ALL'),
  search: (picture) => picture.run(picture.uidOnly ? 'UID SEARCH ALL' : 'SEARCH ALL'),
  noop: (picture) => picture.run('NOOP'),
  idle: (picture) => picture.idle(),
  move: numbered('MOVE # Archive'),
  copy: numbered('COPY # INBOX'),
  learn: (picture) => picture.learn(),
  comeBack: (picture) => picture.comeBack(),
} satisfies Record<string, Act>;

/** A silent STORE: the client works out the flags itself, unless it is told others. */
async function silently(picture: Picture, which: number): Promise<void> {
  const text = named('STORE # +FLAGS.SILENT (\\Seen)', picture, which);
  const known = picture.messages[which % Math.max(1, picture.messages.length)];
  if (text === null || !known) return;
  const before = known.flags;
  const answer = await picture.client.command(text);
  const now = picture.messages.find((one) => one?.uid === known.uid);
  if (now && !answer.code.startsWith('EXPUNGEISSUED')) now.flags = withSeen(before);
  picture.apply(answer, !text.startsWith('STORE'));
}

function withSeen(flags: string): string {
  const list = new Set(flags.slice(1, -1).split(' ').filter(Boolean)).add('\\Seen');
  return `(${[...list].sort(byKeyword).join(' ')})`;
}

/** A STORE that must not overwrite what the client has not seen: either MODIFIED names the message, or it was as the client knew it. */
async function conditionally(picture: Picture, which: number): Promise<void> {
  const known = picture.messages[which % Math.max(1, picture.messages.length)];
  if (!picture.aware || !known) return;
  const answer = await picture.run(`UID STORE ${known.uid} (UNCHANGEDSINCE ${known.modseq}) FLAGS (\\Seen only)`);
  const now = picture.known.find(({ uid }) => uid === known.uid);
  if (answer.code === '' && now) expect(now.modseq).toBeGreaterThanOrEqual(known.modseq);
  else if (now) expect(answer.code).toBe(`MODIFIED ${known.uid}`);
}

/** What happens in one round: clients act at once, each at most one thing, and the webmail with them. */
interface Round {
  turns: (Turn | null)[];
  outside: { what: 'deliver' | 'flag' | 'unflag' | 'expunge' | 'forget' | 'mute' | 'nothing'; which: number };
  /** The receiver goes down before; clients come back to it with or without its caches. */
  restart: 'no' | 'restart' | 'fresh';
}

const turn = fc.record({ which: fc.nat(30), what: fc.constantFrom(...(Object.keys(ACTS) as (keyof typeof ACTS)[])) });
const round: fc.Arbitrary<Round> = fc.record({
  turns: fc.array(fc.option(turn, { freq: 3 }), { minLength: 1, maxLength: KINDS.length }),
  outside: fc.record({
    what: fc.constantFrom('deliver', 'flag', 'unflag', 'expunge', 'forget', 'mute', 'nothing', 'deliver', 'flag', 'expunge'),
    which: fc.nat(30),
  }),
  restart: fc.oneof(
    { weight: 20, arbitrary: fc.constant('no' as const) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
    { weight: 1, arbitrary: fc.constant('fresh' as const) },
  ),
});

function outside(place: Place, { what, which }: Round['outside']): void {
  const truth = place.truth();
  const uid = truth[which % Math.max(1, truth.length)]?.uid;
  if (what === 'deliver' || what === 'forget' || what === 'mute') place[what]();
  else if (uid !== undefined && what === 'expunge') place.expunge(uid);
  else if (uid !== undefined && what !== 'nothing') place.flag(uid, what === 'flag');
}

async function play(place: Place, rounds: Round[]): Promise<void> {
  try {
    for (let count = 0; count < 5; count += 1) place.deliver();
    const pictures = await Promise.all(KINDS.map((kind) => Picture.open(kind, place.port)));
    for (const { turns, outside: event, restart } of rounds) {
      if (restart !== 'no') {
        for (const { client } of pictures) client.close();
        await place.restart(restart === 'fresh');
        await Promise.all(pictures.map((picture) => picture.comeBack()));
      }
      const acting = pictures.map((picture, index) => {
        const act = turns[index];
        return act ? ACTS[act.what](picture, act.which) : null;
      });
      outside(place, event);
      await Promise.all(acting);
    }
    await agree(place, pictures);
    for (const picture of pictures) picture.client.close();
  } finally {
    await place.close();
  }
}

/** Everybody has heard of everything: the pictures are the mailbox; and so they are for those who come back after that. */
async function agree(place: Place, pictures: Picture[]): Promise<void> {
  await place.settle();
  for (const picture of pictures) {
    await picture.run('NOOP');
    await picture.learn();
    await picture.run('NOOP');
  }
  const truth = place.truth();
  const seen = ({ known }: Picture) => known.map(({ uid, flags }) => ({ uid, flags }));
  for (const picture of pictures) expect({ kind: picture.kind, messages: seen(picture) }).toEqual({ kind: picture.kind, messages: truth });
  for (const picture of pictures) await picture.comeBack();
  for (const picture of pictures) expect({ kind: picture.kind, messages: seen(picture) }).toEqual({ kind: picture.kind, messages: truth });
  expect(place.defects).toEqual([]);
}

const PLACES = { 'memory session': memoryPlace, mirror: mirrorPlace };

for (const [name, make] of Object.entries(PLACES)) {
  test(`over the ${name}, every client that believes what it is told sees the mailbox as it is`, { timeout: 120_000 }, async () => {
    const rounds = fc.array(round, { minLength: 3, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(rounds, async (played) => play(await make(), played)),
      { numRuns: 60, interruptAfterTimeLimit: 20_000 },
    );
  });
}
