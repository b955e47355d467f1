import { type ChildProcess, fork } from 'node:child_process';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { isSound, makeSure } from '../../../receiver/mirror/soundness.ts';
import { makeWorld, picture, plain, select, until, type World } from './harness.ts';

function fileOf(world: World): string {
  return path.join(world.home, 'mirror', '1.sqlite');
}

async function filled(count = 400): Promise<World> {
  const world = makeWorld({ pageSize: 100 });
  for (let i = 0; i < count; i++) world.account.deliver(undefined, { keywords: i % 3 ? ['$seen'] : ['work'] });
  const session = await world.session();
  session.close();
  return world;
}

/** Overwrites octets in the middle of the file. */
function scribble(file: string, from: number, octets: number): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.alloc(octets, 0xa5), 0, octets, from);
  closeSync(descriptor);
}

async function expectWhole(world: World): Promise<void> {
  const session = await world.session();
  expect(plain(picture(session))).toEqual(plain(world.account.picture()));
  const box = select(session, 'INBOX');
  for (const message of box.messages(box.uids())) expect(message.envelope).toContain(`Message ${message.uid}`);
}

describe('a mirror file found at the start that', () => {
  it.each([
    ['is no database', (file: string) => writeFileSync(file, 'not a database at all '.repeat(1000))],
    ['is empty', (file: string) => truncateSync(file, 0)],
    ['was cut short', (file: string) => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ['has garbage in the middle', (file: string) => scribble(file, Math.floor(statSync(file).size / 8192) * 4096, 40_000)],
    ['has a garbage header', (file: string) => scribble(file, 0, 4096)],
    ['belongs to another program', (file: string) => exec(file, 'PRAGMA application_id = 7')],
    ['has another version', (file: string) => exec(file, 'PRAGMA user_version = 99')],
  ])('%s is rebuilt from the edge', async (_, spoil) => {
    const world = await filled();
    await world.mirrors.close();
    spoil(fileOf(world));
    await world.restart();
    await expectWhole(world);
    expect(existsSync(`${fileOf(world)}.new`)).toBe(false);
  });

  it('is whole is kept', async () => {
    const world = await filled();
    await world.restart();
    const calls = world.bridge.calls.changes;
    await expectWhole(world);
    expect(world.bridge.calls.changes - calls).toBeLessThanOrEqual(2);
    expect(world.log.filter(({ event }) => event === 'mirror.rebuild')).toEqual([]);
  });
});

describe('a mirror file that was in use when the machine went down', () => {
  /** The mark that the receiver of an earlier boot left. */
  function goDown(file: string): void {
    writeFileSync(`${file}-mark`, readFileSync(`${file}-mark`, 'utf8').replace(/^.*\n.*$/, 'another boot\nin use'));
  }

  it('is looked through and kept when it is whole', async () => {
    const world = await filled();
    await world.mirrors.close();
    goDown(fileOf(world));
    await world.restart();
    const calls = world.bridge.calls.changes;
    await expectWhole(world);
    expect(world.bridge.calls.changes - calls).toBeLessThanOrEqual(2);
    expect(world.log.filter(({ event }) => event === 'mirror.rebuild')).toEqual([]);
  });

  it('is rebuilt when it is torn, before any of the clients that come at once sees it', async () => {
    const world = await filled();
    await world.mirrors.close();
    const file = fileOf(world);
    const { mtime } = statSync(file);
    scribble(file, Math.floor(statSync(file).size / 8192) * 4096, 40_000);
    utimesSync(file, mtime, mtime);
    goDown(file);
    await world.restart();
    await Promise.all([expectWhole(world), expectWhole(world), expectWhole(world)]);
    expect(world.log.filter(({ event }) => event === 'mirror.rebuild')).toHaveLength(1);
  });

  it('keeps nobody waiting while it is looked through', async () => {
    const world = await filled(4000);
    await world.mirrors.close();
    goDown(fileOf(world));
    const checked = makeSure(fileOf(world));
    expect(isSound(fileOf(world))).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isSound(fileOf(world))).toBe(false);
    expect(await checked).toBeNull();
    expect(isSound(fileOf(world))).toBe(true);
  });

  it('and was being rebuilt is begun anew', async () => {
    const world = await filled();
    await world.mirrors.close();
    writeFileSync(`${fileOf(world)}.new`, 'half of something');
    writeFileSync(`${fileOf(world)}.new-mark`, 'another boot\nin use');
    world.account.forgetHistory();
    await world.restart();
    await expectWhole(world);
    expect(existsSync(`${fileOf(world)}.new`)).toBe(false);
  });
});

it('a file whose receiver was killed is looked through: nobody knows who had it in hand since', async () => {
  const home = makeWorld().home;
  expect(await killWhileSyncing(home, 5)).toBeGreaterThan(0);
  const file = path.join(home, 'mirror', '1.sqlite');
  expect(existsSync(`${file}-wal`)).toBe(true);
  expect(isSound(file)).toBe(false);
  expect(await makeSure(file)).toBeNull();
  expect(isSound(file)).toBe(true);
});

function exec(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

it('damage that shows itself while reading is told as UNAVAILABLE, and mended', async () => {
  const world = await filled(3000);
  const session = await world.session();
  const box = select(session, 'INBOX');
  const file = fileOf(world);
  exec(file, 'PRAGMA wal_checkpoint(TRUNCATE)');
  scribble(file, 8192, statSync(file).size - 8192);
  const read = (): string[] => [...box.messages(box.uids())].map((message) => message.envelope);
  expect(read).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
  await until(() => readdirSync(path.dirname(file)).every((name) => !name.includes('.new')) && !fails(read));
  await expectWhole(world);
  expect(box.uids()).toHaveLength(3000);
});

function fails(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch {
    return true;
  }
}

it('a process killed in the middle of the pages leaves a mirror that goes on where it stopped', { timeout: 60_000 }, async () => {
  const world = makeWorld({ pageSize: 20 });
  for (let i = 0; i < 600; i++) world.account.deliver();
  const pages: number[] = [];
  for (let round = 0; round < 4; round++) pages.push(await killWhileSyncing(world.home, 2 + round * 3));
  expect(pages.every((count) => count > 0)).toBe(true);
  const calls = world.bridge.calls.changes;
  await expectWhole(world);
  expect(world.bridge.calls.changes - calls).toBeLessThan(30);
});

/** A process that synchronises the same account, killed after so many pages. Answers how many it got. */
function killWhileSyncing(home: string, pages: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = fork(path.join(import.meta.dirname, 'sync-process.ts'), [home, '600', '20']);
    let seen = 0;
    child.on('message', () => {
      if (++seen === pages) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('exit', () => resolve(seen));
  });
}
