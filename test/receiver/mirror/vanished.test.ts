/** What the mirror knows of removals (RFC 7162 §5.3): from its first synchronisation on, over restarts, within a bound. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { MirrorFile } from '../../../receiver/mirror/file.ts';
import { Vanished } from '../../../receiver/mirror/vanished.ts';
import { makeWorld, scratchFolder, select, type World } from './harness.ts';

async function inboxOf(world: World) {
  const session = await world.session();
  await world.quiet(session);
  return { session, box: select(session, 'INBOX') };
}

async function filled(count: number): Promise<World> {
  const world = makeWorld();
  for (let i = 0; i < count; i++) world.account.deliver();
  return world;
}

it('tells what was expunged after a mod-sequence, over a restart and what happened meanwhile', async () => {
  const world = await filled(6);
  const { session, box } = await inboxOf(world);
  const start = box.highestModseq();
  world.account.expunge(world.account.inbox, [2]);
  await session.refresh();
  const between = box.highestModseq();
  expect(between).toBeGreaterThan(start);
  await world.restart();
  world.account.expunge(world.account.inbox, [4, 5]);
  const after = await inboxOf(world);
  expect(after.box.vanished(start)).toEqual([2, 4, 5]);
  expect(after.box.vanished(between)).toEqual([4, 5]);
  expect(after.box.vanished(after.box.highestModseq())).toEqual([]);
});

it('tells of a message that was moved, and of one that this receiver never saw', async () => {
  const world = await filled(3);
  world.account.createMailbox('Work');
  const { session, box } = await inboxOf(world);
  const start = box.highestModseq();
  await box.move([2], 'Work');
  world.bridge.mutePush = true;
  const unseen = world.account.deliver();
  world.account.expunge(world.account.inbox, [unseen]);
  await session.refresh();
  expect(box.vanished(start)).toEqual([2, unseen]);
});

it('knows all of a mailbox that was made later', async () => {
  const world = await filled(1);
  const { session } = await inboxOf(world);
  world.account.createMailbox('Later');
  await session.refresh();
  expect(select(session, 'Later').vanished(1)).toEqual([]);
});

it('knows nothing of what was before its first synchronisation, also after it was deleted', async () => {
  const world = await filled(4);
  const { session, box } = await inboxOf(world);
  const start = box.highestModseq();
  expect(box.vanished(start - 1)).toBeNull();
  world.account.expunge(world.account.inbox, [1]);
  await session.refresh();
  await world.mirrors.close();
  rmSync(path.join(world.home, 'mirror'), { recursive: true });
  await world.restart();
  const fresh = await inboxOf(world);
  expect(fresh.box.vanished(start)).toBeNull();
  expect(fresh.box.vanished(fresh.box.highestModseq())).toEqual([]);
  expect(fresh.box.highestModseq()).toBeGreaterThan(start);
});

it('knows nothing of what was before a change horizon made it start again', async () => {
  const world = await filled(4);
  const { session, box } = await inboxOf(world);
  const start = box.highestModseq();
  world.bridge.mutePush = true;
  world.account.expunge(world.account.inbox, [1]);
  world.account.forgetHistory();
  await session.refresh();
  expect([...box.uids()]).toEqual([2, 3, 4]);
  expect(box.vanished(start)).toBeNull();
});

it('forgets the older half when there are too many, and says so', () => {
  const file = new MirrorFile(path.join(scratchFolder(), 'x.sqlite'));
  file.statement("INSERT INTO mailbox (id, name, subscribed, uidvalidity, uidnext, highest_modseq) VALUES (7, 'x', 1, 1, 12, 111)").run();
  const vanished = new Vanished(file, 0, 10);
  for (let uid = 1; uid <= 11; uid++) vanished.add(7, uid, 100 + uid);
  expect(vanished.since(7, 100)).toHaveLength(11);
  expect(vanished.trim()).toBe(106);
  expect(vanished.since(7, 105)).toBeNull();
  expect(vanished.since(7, 106)).toEqual([7, 8, 9, 10, 11]);
  expect(vanished.trim()).toBeNull();
  file.close();
});

it('shows no mod-sequence of a round that has not ended', async () => {
  const world = makeWorld({ pageSize: 2 });
  for (let i = 0; i < 4; i++) world.account.deliver();
  const { session, box } = await inboxOf(world);
  const before = box.highestModseq();
  world.bridge.mutePush = true;
  for (let i = 0; i < 4; i++) world.account.deliver();
  let calls = 0;
  world.bridge.gate = async (call) => {
    if (call === 'changes' && ++calls === 2) world.bridge.away = true;
  };
  await session.refresh();
  expect(box.highestModseq()).toBe(before);
  await world.restart();
  world.bridge.away = false;
  world.bridge.gate = () => Promise.resolve();
  const again = await inboxOf(world);
  expect(again.box.highestModseq()).toBe(world.account.modseq);
});
