import { createHash } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { EdgeUnavailable } from '../../../receiver/edge.ts';
import { type Original, Originals } from '../../../receiver/mirror/originals.ts';
import { sampleIndex, sampleMessage } from '../../support/sample-message.ts';
import { makeWorld, scratchFolder, select, until } from './harness.ts';

const MEGABYTE = 1_000_000;

/** Originals made of a seed, and a count of what was fetched. */
function source(size: number, seed = 1) {
  const octets = Buffer.alloc(size, `seed ${seed} `);
  const fetched: string[] = [];
  const original: Original = {
    account: 1,
    sha256: createHash('sha256').update(octets).digest('hex'),
    size,
    fetch: async (range) => {
      fetched.push(range ? `${range.offset}+${range.length}` : 'whole');
      const wanted = range ? octets.subarray(range.offset, range.offset + range.length) : octets;
      return Readable.from(piecesOf(wanted), { objectMode: false });
    },
  };
  return { octets, original, fetched };
}

function* piecesOf(octets: Buffer): Iterable<Buffer> {
  for (let at = 0; at < octets.length; at += 10_000) yield octets.subarray(at, at + 10_000);
}

async function makeOriginals(limit = 100 * MEGABYTE, folder = scratchFolder()): Promise<Originals> {
  const originals = new Originals(folder, limit);
  await originals.open();
  return originals;
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

describe('small originals', () => {
  it('are fetched once, whole, however many want them, and then come from the disk', async () => {
    const originals = await makeOriginals();
    const { octets, original, fetched } = source(20_000);
    const reads = [originals.read(original), originals.read(original, { offset: 5, length: 10 }), collect(originals.stream(original))];
    expect(await Promise.all(reads)).toEqual([octets, octets.subarray(5, 15), octets]);
    expect(await originals.read(original, { offset: 19_990, length: 100 })).toEqual(octets.subarray(19_990));
    expect(await originals.read(original, { offset: 30_000, length: 5 })).toHaveLength(0);
    expect(fetched).toEqual(['whole']);
  });

  it('are refused when they are not what their digest says', async () => {
    const originals = await makeOriginals();
    const { original } = source(1000);
    const other = source(1000, 2);
    await expect(originals.read({ ...original, fetch: other.original.fetch })).rejects.toThrow(EdgeUnavailable);
    expect(originals.cachedOctets).toBe(0);
  });

  it('are fetched again when the disk holds something else, or nothing', async () => {
    const folder = scratchFolder();
    const { octets, original, fetched } = source(5000);
    await (await makeOriginals(MEGABYTE, folder)).read(original);
    const file = path.join(folder, '1', original.sha256);
    writeFileSync(file, Buffer.alloc(5000, 'x'));
    const originals = await makeOriginals(MEGABYTE, folder);
    expect(await originals.read(original)).toEqual(octets);
    rmSync(file);
    expect(await originals.read(original)).toEqual(octets);
    expect(fetched).toEqual(['whole', 'whole', 'whole']);
  });

  it('on the disk are read at once, others not', async () => {
    const folder = scratchFolder();
    const originals = await makeOriginals(MEGABYTE, folder);
    const [first, second, large] = [source(5000), source(7000, 2), source(300_000, 3)];
    expect(originals.readNow(first.original)).toBeNull();
    for (const { original } of [first, second]) await originals.read(original);
    const whole = await originals.read(first.original);
    expect(originals.readNow(first.original)).toEqual(first.octets);
    expect(originals.readNow(second.original, { offset: 6990, length: 100 })).toEqual(second.octets.subarray(6990));
    expect(whole).toEqual(first.octets);
    await originals.read(large.original);
    expect(originals.readNow(large.original)).toBeNull();
    for (const length of [4999, 5001]) {
      writeFileSync(path.join(folder, '1', first.original.sha256), Buffer.alloc(length));
      expect(originals.readNow(first.original)).toBeNull();
      expect(await originals.read(first.original)).toEqual(first.octets);
    }
  });

  it('go least recently used first when the bound is reached, over a restart as well', async () => {
    const folder = scratchFolder();
    const originals = await makeOriginals(10_000, folder);
    const sources = [1, 2, 3, 4, 5].map((seed) => source(2400, seed));
    for (const { original } of sources.slice(0, 4)) await originals.read(original);
    await originals.read(sources[0]?.original ?? Object.assign({}));
    await originals.read(sources[4]?.original ?? Object.assign({}));
    expect(originals.cachedOctets).toBeLessThanOrEqual(10_000);
    const kept = readdirSync(path.join(folder, '1'));
    expect(sources.map(({ original }) => kept.includes(original.sha256))).toEqual([true, false, false, true, true]);
    const again = await makeOriginals(10_000, folder);
    expect(again.cachedOctets).toBe(7200);
  });

  it('of an unfinished write are removed at the start', async () => {
    const folder = scratchFolder();
    const { original } = source(1000);
    await (await makeOriginals(MEGABYTE, folder)).read(original);
    writeFileSync(path.join(folder, '1', 'abc.part1-1'), 'x');
    await makeOriginals(MEGABYTE, folder);
    expect(readdirSync(path.join(folder, '1'))).toEqual([original.sha256]);
  });
});

describe('large originals', () => {
  it('pass ranges through until they are asked for again and again', async () => {
    const originals = await makeOriginals();
    const { octets, original, fetched } = source(MEGABYTE);
    for (let i = 0; i < 6; i++) {
      const range = { offset: i * 1000, length: 1000 };
      expect(await originals.read(original, range)).toEqual(octets.subarray(range.offset, range.offset + 1000));
    }
    expect(fetched).toEqual(['0+1000', '1000+1000', '2000+1000', 'whole']);
    await until(() => originals.cachedOctets === MEGABYTE);
    expect(await originals.read(original, { offset: 999_000, length: 5000 })).toEqual(octets.subarray(999_000));
    expect(fetched).toHaveLength(4);
  });

  it('are downloaded once for all who read them at the same time', async () => {
    const originals = await makeOriginals();
    const { octets, original, fetched } = source(2 * MEGABYTE);
    const first = originals.stream(original)[Symbol.asyncIterator]();
    const begun = await first.next();
    const whole = originals.read(original);
    const part = originals.read(original, { offset: 1_500_000, length: 7 });
    const rest = await collect({ [Symbol.asyncIterator]: () => first });
    expect(Buffer.concat([begun.value, rest]).equals(octets)).toBe(true);
    expect(Buffer.from(await whole).equals(octets)).toBe(true);
    expect(await part).toEqual(octets.subarray(1_500_000, 1_500_007));
    expect(fetched).toEqual(['whole']);
  });

  it('are never given out to the end when their digest is wrong', async () => {
    const originals = await makeOriginals();
    const { original } = source(MEGABYTE);
    const other = source(MEGABYTE, 2);
    let octets = 0;
    const reading = (async () => {
      for await (const chunk of originals.stream({ ...original, fetch: other.original.fetch })) octets += chunk.length;
    })();
    await expect(reading).rejects.toThrow(EdgeUnavailable);
    expect(octets).toBeLessThan(MEGABYTE);
    expect(originals.cachedOctets).toBe(0);
  });

  it('are passed through when they are too large to be kept', async () => {
    const folder = scratchFolder();
    const originals = await makeOriginals(2 * MEGABYTE, folder);
    const { octets, original, fetched } = source(MEGABYTE);
    expect((await collect(originals.stream(original))).equals(octets)).toBe(true);
    expect((await collect(originals.stream(original))).equals(octets)).toBe(true);
    expect(fetched).toEqual(['0+1000000', '0+1000000']);
  });

  it('tell that the edge broke off', async () => {
    const originals = await makeOriginals();
    const { original } = source(MEGABYTE);
    const short: Original = { ...original, fetch: async () => Readable.from([Buffer.alloc(10)], { objectMode: false }) };
    await expect(originals.read(short)).rejects.toThrow(EdgeUnavailable);
    await expect(originals.read(short, { offset: 0, length: 100 })).rejects.toThrow(EdgeUnavailable);
  });
});

describe('through a session', () => {
  it('a message of 150 MB passes without being held in memory', async () => {
    const world = makeWorld({ cacheBytes: 1024 ** 3 });
    const size = 150 * MEGABYTE;
    const raw = sampleMessage(1);
    const sha256 = world.account.putLargeBlob(size);
    world.account.change(() => world.account.place(world.account.inbox, { index: { ...sampleIndex(raw), sha256, size } }));
    const box = select(await world.session(), 'INBOX');
    const [message] = box.messages([1]);
    if (!message) throw new Error('no message');
    const digest = createHash('sha256');
    const before = process.memoryUsage().rss;
    let peak = before;
    for await (const chunk of box.stream(message)) {
      digest.update(chunk);
      peak = Math.max(peak, process.memoryUsage().rss);
    }
    expect(digest.digest('hex')).toBe(sha256);
    expect((peak - before) / MEGABYTE).toBeLessThan(80);
  });

  it('a client that walks a mailbox finds the next messages fetched, one that opens a message costs one call', async () => {
    const world = makeWorld();
    for (let i = 0; i < 100; i++) world.account.deliver();
    const box = select(await world.session(), 'INBOX');
    const messages = [...box.messages(box.uids())];
    const read = (uid: number) => messages[uid - 1] && box.read(messages[uid - 1] ?? Object.assign({}));
    for (const uid of [50, 10, 90]) await read(uid);
    expect(world.bridge.calls.getBlob).toBe(3);
    await read(1);
    await read(2);
    expect(world.bridge.calls.getBlob).toBe(3 + 2 + 15);
    for (let uid = 3; uid <= 100; uid++) await read(uid);
    expect(world.bridge.calls.getBlob).toBe(100);
  });

  it('an original that the edge does not have is UNAVAILABLE or a defect, never other octets', async () => {
    const world = makeWorld();
    world.account.deliver();
    const box = select(await world.session(), 'INBOX');
    world.account.blobs.clear();
    const [message] = box.messages([1]);
    await expect(message && box.read(message)).rejects.toMatchObject({ code: 'SERVERBUG' });
  });
});
