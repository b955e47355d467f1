/**
 * Random changes at the edge and random writes of two sessions, with pushes lost, answers lost, history forgotten and
 * the receiver restarted in between: when all is quiet, both sessions show exactly what the edge has, and
 * what the listeners were told, applied one after the other, gives the same.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SelectedMailbox, Session } from '../../../receiver/imap/session.ts';
import { makeWorld, picture, plain, select, type World } from './harness.ts';

const FLAGS = ['\\Seen', '\\Flagged', '\\Deleted', '$Forwarded', 'work'];
const NAMES = ['INBOX', 'Work', 'Work/Sub'];

interface Step {
  kind: keyof typeof STEPS;
  a: number;
  b: number;
}

/** A client that only believes what it was told, as an IMAP view does. */
class Listener {
  readonly box: SelectedMailbox;
  readonly known: Set<number>;
  destroyed = false;

  constructor(box: SelectedMailbox) {
    this.box = box;
    this.known = new Set(box.uids());
    box.subscribe((change) => {
      const highest = Math.max(0, ...this.known);
      for (const uid of change.expunged) expect(this.known.delete(uid)).toBe(true);
      for (const uid of change.added) {
        expect(uid).toBeGreaterThan(highest);
        this.known.add(uid);
      }
      for (const uid of change.flags) expect(this.known.has(uid)).toBe(true);
      this.destroyed ||= change.destroyed === true;
    });
  }
}

class Play {
  readonly world: World;
  sessions: Session[] = [];
  listeners: Listener[] = [];
  writes: Promise<unknown>[] = [];

  constructor(world: World) {
    this.world = world;
  }

  async open(): Promise<void> {
    this.sessions = [await this.world.session(), await this.world.session()];
    this.listeners = this.sessions.map((session) => new Listener(select(session, 'INBOX')));
  }

  session(a: number): Session {
    const session = this.sessions[a % 2];
    if (!session) throw new Error('no session');
    return session;
  }

  box(a: number): SelectedMailbox {
    const session = this.session(a);
    const mailbox = session.mailboxes()[a % session.mailboxes().length];
    if (!mailbox) throw new Error('no mailbox');
    return session.select(mailbox, false);
  }

  /** Writes may be refused when their mailbox went meanwhile or an answer stays lost. */
  write(work: Promise<unknown>): void {
    this.writes.push(work.catch((error: unknown) => expect(error).toHaveProperty('code')));
  }

  /** Some uids of a mailbox at the edge. */
  edgeUids(b: number): { mailbox: number; uids: number[] } {
    const boxes = [...this.world.account.picture()];
    const [mailbox, messages] = boxes[b % boxes.length] ?? [this.world.account.inbox, new Map<number, string>()];
    return { mailbox, uids: [...messages.keys()].filter((uid) => uid % 3 === b % 3) };
  }
}

function someUids(box: SelectedMailbox, b: number): number[] {
  return [...box.uids()].filter((uid) => (uid + b) % 3 === 0);
}

const STEPS = {
  deliver: (play: Play, a: number, b: number) => {
    const boxes = [...play.world.account.picture().keys()];
    play.world.account.deliver(boxes[a % boxes.length], { keywords: b % 2 ? ['$seen'] : [] });
  },
  edgeKeywords: (play: Play, a: number, b: number) => {
    const { mailbox, uids } = play.edgeUids(b);
    for (const uid of uids) play.world.account.setKeywords(mailbox, uid, a % 2 ? ['$flagged', 'later'] : []);
  },
  edgeExpunge: (play: Play, _: number, b: number) => {
    const { mailbox, uids } = play.edgeUids(b);
    play.world.account.expunge(mailbox, uids.slice(0, 2));
  },
  edgeMailbox: (play: Play, a: number, b: number) => {
    const { account } = play.world;
    const other = [...account.picture().keys()].find((id) => id !== account.inbox);
    if (a % 2 || other === undefined) account.createMailbox(`Edge${b}-${account.modseq}`);
    else account.destroyMailbox(other);
  },
  store: (play: Play, a: number, b: number) => {
    const box = play.box(a);
    const mode = (['add', 'remove', 'replace'] as const)[b % 3] ?? 'add';
    const conditional = b % 5 === 0 ? { unchangedSince: box.highestModseq() } : {};
    play.write(box.store({ uids: someUids(box, b), mode, flags: FLAGS.filter((_, i) => (a + b * i) % 2 === 0), ...conditional }));
  },
  place: (play: Play, a: number, b: number) => {
    const box = play.box(a);
    const target = NAMES[b % NAMES.length] ?? 'INBOX';
    play.write(b % 2 ? box.copy(someUids(box, b), target) : box.move(someUids(box, b), target));
  },
  expunge: (play: Play, a: number, b: number) => play.write(play.box(a).expunge(b % 2 ? null : [...play.box(a).uids()].slice(0, 3))),
  append: (play: Play, a: number, b: number) => {
    const body = Buffer.from(`Subject: Message ${a}\r\n\r\n${b}`);
    play.write(play.session(a).append(NAMES[b % NAMES.length] ?? 'INBOX', [{ flags: ['\\Seen'], body }]));
  },
  mailboxes: (play: Play, a: number, b: number) => {
    const session = play.session(a);
    const name = NAMES[1 + (b % 2)] ?? 'Work';
    const works = [
      () => session.create(name, null),
      () => session.delete(name),
      () => session.rename(name, `Work${a}`),
      () => session.setSubscribed(name, true),
    ];
    play.write((works[a % works.length] ?? (() => session.refresh()))());
  },
  refresh: (play: Play, a: number) => play.session(a).refresh(),
  settle: (play: Play) => Promise.all(play.writes),
  mutePush: (play: Play) => {
    play.world.bridge.mutePush = !play.world.bridge.mutePush;
  },
  cutPush: (play: Play) => play.world.bridge.cutPushes(),
  loseAnswer: (play: Play) => {
    play.world.bridge.loseCommitAnswers = 1;
  },
  forget: (play: Play, a: number) => {
    if (a % 4 === 0) play.world.account.forgetHistory();
  },
  restart: async (play: Play, a: number) => {
    if (a % 8 !== 0) return;
    await Promise.all(play.writes);
    await play.world.restart();
    await play.open();
  },
};

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...(Object.keys(STEPS) as (keyof typeof STEPS)[])),
  a: fc.nat(1000),
  b: fc.nat(1000),
});

async function run(steps: Step[], pageSize: number): Promise<void> {
  const world = makeWorld({ pageSize });
  const work = world.account.createMailbox('Work');
  world.account.createMailbox('Sub', { parent: work });
  for (let i = 0; i < 5; i++) world.account.deliver();
  const play = new Play(world);
  await play.open();
  for (const { kind, a, b } of steps) await STEPS[kind](play, a, b);
  await Promise.all(play.writes);
  for (const session of play.sessions) await session.refresh();
  const truth = plain(world.account.picture());
  for (const session of play.sessions) expect(plain(picture(session))).toEqual(truth);
  for (const { known, box } of play.listeners) expect([...known]).toEqual([...box.uids()]);
  await world.restart();
  expect(plain(picture(await world.session()))).toEqual(truth);
  await world.mirrors.close();
}

it('whatever happens, the mirror equals the edge when all is quiet', { timeout: 60_000 }, async () => {
  const steps = fc.array(step, { minLength: 5, maxLength: 40 });
  await fc.assert(fc.asyncProperty(steps, fc.constantFrom(1, 3, 500), run), { numRuns: 60, interruptAfterTimeLimit: 30_000 });
});
