/** The spool's folder: what is durable, what is swept, what a full disk leaves. */
import { mkdtemp, open as openFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SyncedFolder } from '../../../receiver/spool/durable.ts';
import { type Arrival, newSpoolId } from '../../../receiver/spool/entry.ts';
import { openSpoolFolder, SpoolFull } from '../../../receiver/spool/folder.ts';
import { Original } from '../../../receiver/spool/original.ts';
import { digest, EventLog, until } from '../smtp/world.ts';

let directory: string;
let log: EventLog;
const open = () => openSpoolFolder(directory, { log });

beforeEach(async () => {
  log = new EventLog();
  directory = await mkdtemp(path.join(tmpdir(), 'posthouse-spool-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function arrival(to: string[] = ['me@example.test']): Arrival {
  return {
    spoolId: newSpoolId(),
    envelope: { mailFrom: 'a@sender.test', rcptTo: to },
    receivedAt: Date.now(),
    remoteAddress: '192.0.2.1',
    helo: 'client.test',
    verdicts: { spf: 'none', dkim: 'none', dmarc: 'none', arc: 'none' },
  };
}

function original(body = 'hello\r\n'): Original {
  return new Original(Buffer.from('Subject: x\r\n\r\n'), { bytes: Buffer.from(body) });
}

const files = async () => (await readdir(directory)).filter((name) => name !== 'refused').sort();

describe('an entry', () => {
  it('is two files under their own names, and survives a restart', async () => {
    const folder = await open();
    const entry = await folder.add(arrival(), original());
    expect(await files()).toEqual([`${entry.spoolId}.eml`, `${entry.spoolId}.json`]);
    const eml = await readFile(folder.originalPath(entry.spoolId));
    expect(eml.toString()).toBe('Subject: x\r\n\r\nhello\r\n');
    expect(entry).toMatchObject({ sha256: digest(eml), size: eml.length });
    await folder.close();
    const again = await open();
    expect(again.waiting()).toEqual([[entry.spoolId, eml.length]]);
    expect(await again.read(entry.spoolId)).toEqual(entry);
    await again.close();
  });

  it('is forced to disk, both files and then the folder, before anyone may say 250', async () => {
    const folder = await open();
    const handle = await openFile(directory);
    const prototype = Object.getPrototypeOf(handle);
    await handle.close();
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const datasync = vi.spyOn(prototype, 'datasync');
    const sync = vi.spyOn(prototype, 'sync').mockReturnValue(gate);
    let said250 = false;
    const adding = folder.add(arrival(), original()).then(() => {
      said250 = true;
    });
    await until(() => sync.mock.calls.length === 1, 'the folder’s sync');
    expect(datasync).toHaveBeenCalledTimes(2);
    expect((await files()).map((name) => path.extname(name))).toEqual(['.eml', '.json']);
    expect(said250).toBe(false);
    expect(folder.size).toBe(0);
    release();
    await adding;
    expect(folder.size).toBe(1);
    vi.restoreAllMocks();
    await folder.close();
  });

  it('comes back in order of arrival', async () => {
    const folder = await open();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await folder.add({ ...arrival(), spoolId: newSpoolId(1000 + i) }, original())).spoolId);
    await folder.close();
    const again = await open();
    expect(again.waiting().map(([id]) => id)).toEqual(ids);
    await again.close();
  });

  it('leaves when all is stored, stays while one waits, is kept aside when one is refused', async () => {
    const folder = await open();
    const entry = await folder.add(arrival(['a@example.test', 'b@example.test', 'c@example.test']), original());
    expect(await folder.settle(entry, [{ address: 'a@example.test', status: 'stored' }])).toBe(false);
    expect(await files()).toHaveLength(2);
    const later = await folder.read(entry.spoolId);
    expect(later?.recipients.map(({ state }) => state)).toEqual(['done', 'waiting', 'waiting']);
    if (!later) throw new Error('gone');
    expect(
      await folder.settle(later, [
        { address: 'b@example.test', status: 'duplicate' },
        { address: 'c@example.test', status: 'refused', reason: 'no' },
      ]),
    ).toBe(true);
    expect(await files()).toEqual([]);
    expect(await readdir(path.join(directory, 'refused'))).toHaveLength(2);
    expect(folder.size).toBe(0);
    await folder.close();
  });
});

describe('a start', () => {
  it('sweeps what never had a 250 and keeps the rest', async () => {
    const folder = await open();
    const kept = await folder.add(arrival(), original());
    await folder.close();
    const half = newSpoolId();
    await writeFile(path.join(directory, `${half}.eml`), 'no record');
    await writeFile(path.join(directory, `${newSpoolId()}.eml.tmp`), 'half');
    await writeFile(path.join(directory, `${newSpoolId()}.body.tmp`), 'half');
    const again = await open();
    expect(await files()).toEqual([`${kept.spoolId}.eml`, `${kept.spoolId}.json`]);
    await again.close();
  });

  it('puts aside, loudly, what it cannot read', async () => {
    const lost = newSpoolId();
    const broken = newSpoolId();
    await writeFile(path.join(directory, `${lost}.json`), '{}');
    await writeFile(path.join(directory, `${broken}.json`), '{"spoolId":');
    await writeFile(path.join(directory, `${broken}.eml`), 'x');
    const folder = await open();
    expect(folder.waiting()).toEqual([[broken, 1]]);
    expect(await folder.read(broken)).toBeNull();
    expect((await readdir(path.join(directory, 'refused'))).sort()).toEqual([`${broken}.eml`, `${broken}.json`, `${lost}.json`].sort());
    expect(log.events.filter(({ event }) => event === 'spool.refused')).toHaveLength(2);
    await folder.close();
  });
});

describe('a disk that is full', () => {
  class Overflowing extends Original {
    override bytes() {
      return null;
    }
    override async *chunks(): AsyncGenerator<Buffer> {
      yield Buffer.from('Subject: half\r\n');
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    }
  }

  it('keeps nothing of the message', async () => {
    const folder = await open();
    await expect(folder.add(arrival(), new Overflowing(Buffer.alloc(0), { bytes: Buffer.alloc(0) }))).rejects.toThrow(SpoolFull);
    expect(await files()).toEqual([]);
    expect(folder.size).toBe(0);
    await folder.close();
  });

  it('is noticed before the message comes', async () => {
    const folder = await openSpoolFolder(directory, { log, freeMin: Number.MAX_SAFE_INTEGER });
    expect(await folder.hasRoom(1)).toBe(false);
    await folder.close();
  });
});

describe('one sync of the folder', () => {
  it('serves all who asked before it began, and nobody who asked later', async () => {
    const begun: (() => void)[] = [];
    const handle = { sync: () => new Promise<void>((resolve) => begun.push(resolve)), close: async () => {} };
    const folder = new SyncedFolder(handle as never);
    const done: string[] = [];
    void folder.sync().then(() => done.push('first'));
    const second = folder.sync().then(() => done.push('second'));
    const third = folder.sync().then(() => done.push('third'));
    begun[0]?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual(['first']);
    expect(begun).toHaveLength(2);
    begun[1]?.();
    await Promise.all([second, third]);
    expect(begun).toHaveLength(2);
  });
});
