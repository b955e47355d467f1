/** The drain against an edge that misbehaves: every message reaches it exactly once, whatever happens on the way. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EdgeRefused, EdgeUnavailable } from '../../../receiver/edge.ts';
import { newSpoolId } from '../../../receiver/spool/entry.ts';
import { Original } from '../../../receiver/spool/original.ts';
import { openSpool, type Spool } from '../../../receiver/spool/spool.ts';
import { INGEST_PAIRS_MAX, type IngestRequest } from '../../../shared/protocol.ts';
import { EventLog, FakeEdge, until } from '../smtp/world.ts';

let directory: string;
let edge: FakeEdge;
let log: EventLog;
let spool: Spool;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'posthouse-drain-'));
  edge = new FakeEdge();
  log = new EventLog();
  spool = await openSpool({ folder: directory, edge, log, backOff: () => 1 });
});
afterEach(async () => {
  await spool.close();
  await rm(directory, { recursive: true, force: true });
});

async function add(to: string[] = ['me@example.test'], octets = 10): Promise<string> {
  const spoolId = newSpoolId();
  await spool.folder.add(
    {
      spoolId,
      envelope: { mailFrom: 'a@sender.test', rcptTo: to },
      receivedAt: Date.now(),
      remoteAddress: '192.0.2.1',
      helo: 'x',
      verdicts: { spf: 'none', dkim: 'none', dmarc: 'none', arc: 'none' },
    },
    new Original(Buffer.from(`Subject: ${spoolId}\r\n\r\n`), { bytes: Buffer.alloc(octets, 'x') }),
  );
  return spoolId;
}

const left = async () => (await readdir(directory)).filter((name) => name !== 'refused');

describe('the drain', () => {
  it('starts at once, and makes one batch of what arrives meanwhile', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const batches: number[] = [];
    const real = edge.ingest.bind(edge);
    edge.ingest = async (request, payloads) => {
      batches.push(request.messages.length);
      if (batches.length === 1) await gate;
      return real(request, payloads);
    };
    await add();
    await until(() => batches.length === 1, 'the first call');
    await Promise.all(Array.from({ length: 10 }, () => add()));
    release();
    await until(() => edge.stored.size === 11, 'all messages');
    expect(batches).toEqual([1, 10]);
  });

  it('never asks more of one call than its bound, also for a message to a hundred', async () => {
    let most = 0;
    edge.onIngest = ({ messages }) => {
      most = Math.max(
        most,
        messages.reduce((sum, { envelope }) => sum + envelope.rcptTo.length, 0),
      );
    };
    edge.away = true;
    const hundred = Array.from({ length: 100 }, (_, i) => `me+${i}@example.test`);
    await add(hundred);
    for (let i = 0; i < 20; i++) await add(['me@example.test', 'you@example.test']);
    edge.away = false;
    await until(() => edge.stored.size === 140, 'all recipients');
    expect(most).toBeLessThanOrEqual(INGEST_PAIRS_MAX);
  });

  it('puts large messages as blobs, for the postmaster where the recipient has vanished', async () => {
    edge.accounts.set('postmaster@example.test', 9);
    await add(['me@example.test', 'vanished@example.test'], 400_000);
    await until(() => edge.stored.size === 2, 'both recipients');
    expect(edge.calls.filter((call) => call.startsWith('putBlob'))).toEqual(['putBlob 1', 'putBlob 9']);
  });

  it('lets small messages pass while a large one is on its way', async () => {
    let release = () => {};
    edge.putBlob = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    await add(['me@example.test'], 400_000);
    await add();
    await until(() => edge.stored.size === 1, 'the small one');
    release();
  });

  it('sets a poisonous message apart; the others arrive', async () => {
    edge.away = true;
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push(await add());
    const poison = ids[7];
    edge.onIngest = ({ messages }) => {
      if (messages.some(({ spoolId }) => spoolId === poison)) throw new EdgeRefused(400, 'I choke on this');
    };
    edge.away = false;
    await until(() => spool.folder.size === 1, 'the other nineteen');
    expect(edge.stored.size).toBe(19);
    expect(spool.folder.waiting().map(([id]) => id)).toEqual([poison]);
    expect(log.has('drain.postponed')).toBe(true);
    edge.onIngest = () => {};
    await until(() => edge.stored.size === 20, 'the last one, once the edge is mended');
  });

  it('keeps everything when the receiver’s key is refused', async () => {
    edge.onIngest = () => {
      throw new EdgeRefused(401, 'revoked');
    };
    for (let i = 0; i < 3; i++) await add();
    await until(() => log.has('drain.away'), 'a refusal');
    expect(spool.folder.size).toBe(3);
    edge.onIngest = () => {};
    await until(() => edge.stored.size === 3);
  });

  it('keeps what a recipient’s edge refuses for good, and says so', async () => {
    edge.onRecipient = (_, address) => (address === 'you@example.test' ? 'refused' : null);
    await add(['me@example.test', 'you@example.test']);
    await until(async () => (await readdir(path.join(directory, 'refused'))).length === 2, 'the refused entry');
    expect(edge.stored.size).toBe(1);
    expect(log.has('drain.refused')).toBe(true);
    expect(await left()).toEqual([]);
  });

  it('takes up after a restart what was left', async () => {
    edge.away = true;
    for (let i = 0; i < 5; i++) await add();
    await spool.close();
    edge.away = false;
    spool = await openSpool({ folder: directory, edge, log, backOff: () => 1 });
    await until(() => edge.stored.size === 5, 'what was left');
    await until(async () => (await left()).length === 0, 'an empty spool');
  });

  it('delivers each message exactly once over an edge that fails in every way', async () => {
    const mood = fc.constantFrom('well', 'well', 'away', 'lost answer', 'some later', 'refused', 'nonsense');
    await fc.assert(
      fc.asyncProperty(
        fc.array(mood, { maxLength: 30 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }),
        async (moods, counts) => {
          const flaky = new FlakyEdge(moods);
          await spool.close();
          const folder = await mkdtemp(path.join(directory, 'run-'));
          spool = await openSpool({ folder, edge: flaky, log, backOff: () => 1 });
          const expected = counts.reduce((sum, count) => sum + count, 0);
          await Promise.all(
            counts.map((count, i) =>
              add(
                Array.from({ length: count }, (_, n) => `me+${n}@example.test`),
                i % 5 === 4 ? 300_000 : 100,
              ),
            ),
          );
          await until(() => spool.folder.size === 0, 'an empty spool');
          expect(flaky.stored.size).toBe(expected);
          expect((await readdir(folder)).filter((name) => name !== 'refused')).toEqual([]);
          expect(await readdir(path.join(folder, 'refused'))).toEqual([]);
        },
      ),
      { numRuns: 25 },
    );
  });
});

/** An edge with a list of moods, one a call; in the end it is well. */
class FlakyEdge extends FakeEdge {
  readonly #moods: string[];

  constructor(moods: string[]) {
    super();
    this.#moods = [...moods];
  }

  override async ingest(request: IngestRequest, payloads: Uint8Array[]) {
    const mood = this.#moods.shift() ?? 'well';
    if (mood === 'away') throw new EdgeUnavailable('away');
    if (mood === 'refused') throw new EdgeRefused(400, 'no');
    this.onRecipient = (_, address) => (mood === 'some later' && address.length % 2 === 0 ? 'retry' : null);
    const answer = await super.ingest(request, payloads);
    if (mood === 'lost answer') throw new EdgeUnavailable('lost');
    return mood === 'nonsense' ? { messages: [] } : answer;
  }
}
