import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MailboxChange } from '../../../receiver/imap/session.ts';
import { makeWorld, picture, plain, select, uidsOf, until } from './harness.ts';

function changesOf(box: ReturnType<typeof select>): MailboxChange[] {
  const changes: MailboxChange[] = [];
  box.subscribe((change) => changes.push(change));
  return changes;
}

describe('first synchronisation', () => {
  it('reads all pages and shows the whole mailbox', async () => {
    const world = makeWorld({ pageSize: 10 });
    for (let i = 0; i < 57; i++) world.account.deliver(undefined, { keywords: i % 2 ? ['$seen'] : [] });
    const session = await world.session();
    const box = select(session, 'INBOX');
    expect(uidsOf(box)).toEqual(Array.from({ length: 57 }, (_, i) => i + 1));
    expect(session.status(box.mailbox)).toMatchObject({ messages: 57, unseen: 29, deleted: 0, uidnext: 58 });
    expect(world.bridge.calls.changes).toBeGreaterThanOrEqual(6);
  });

  it('shows nothing of a round that has not ended, so that uids only ever come in ascending order', async () => {
    const world = makeWorld({ pageSize: 2 });
    const session = await world.session();
    const box = select(session, 'INBOX');
    const changes = changesOf(box);
    world.bridge.mutePush = true;
    for (let i = 0; i < 6; i++) world.account.deliver();
    world.account.setKeywords(world.account.inbox, 1, ['$seen']);
    await session.refresh();
    expect(changes.map((change) => change.added)).toEqual([[1, 2, 3, 4, 5, 6]]);
    expect(uidsOf(box)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('does not keep a message that was expunged between two pages of the round that brought it', async () => {
    const world = makeWorld({ pageSize: 3 });
    for (let i = 0; i < 9; i++) world.account.deliver();
    let calls = 0;
    world.bridge.gate = async (call) => {
      if (call === 'changes' && ++calls === 3) world.account.expunge(world.account.inbox, [1, 2]);
    };
    const box = select(await world.session(), 'INBOX');
    expect(uidsOf(box)).toEqual([3, 4, 5, 6, 7, 8, 9]);
  });

  it('says in the log how far it is, also when it starts again', async () => {
    const world = makeWorld({ pageSize: 1 });
    for (let i = 0; i < 120; i++) world.account.deliver();
    const session = await world.session();
    const told = () => world.log.filter(({ event }) => event === 'mirror.sync').length;
    expect(told()).toBe(2);
    world.account.forgetHistory();
    await session.refresh();
    expect(told()).toBe(4);
  });

  it('goes on after a failure in the middle without asking again for what it has', async () => {
    const world = makeWorld({ pageSize: 10 });
    for (let i = 0; i < 50; i++) world.account.deliver();
    let calls = 0;
    world.bridge.gate = async (call) => {
      if (call === 'changes' && ++calls === 3) world.bridge.away = true;
    };
    await expect(world.session()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    world.bridge.away = false;
    const before = world.bridge.calls.changes;
    const session = await world.session();
    expect(uidsOf(select(session, 'INBOX'))).toHaveLength(50);
    expect(world.bridge.calls.changes - before).toBeLessThanOrEqual(5);
  });

  it('hides an unfinished mirror after a restart until the rest has come', async () => {
    const world = makeWorld({ pageSize: 10 });
    for (let i = 0; i < 50; i++) world.account.deliver();
    let calls = 0;
    world.bridge.gate = async (call) => {
      if (call === 'changes' && ++calls === 3) world.bridge.away = true;
    };
    await expect(world.session()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    world.bridge.away = false;
    world.bridge.gate = () => Promise.resolve();
    await world.restart();
    expect(plain(picture(await world.session()))).toEqual(plain(world.account.picture()));
  });
});

describe('following changes', () => {
  it('brings new mail by push without being asked', async () => {
    const world = makeWorld();
    const box = select(await world.session(), 'INBOX');
    const changes = changesOf(box);
    await until(() => world.bridge.sockets.length === 1);
    const uid = world.account.deliver();
    await until(() => changes.length > 0);
    expect(changes).toEqual([{ added: [uid], expunged: [], flags: [] }]);
  });

  it('tells flags, expunges and \\Deleted of others', async () => {
    const world = makeWorld();
    for (let i = 0; i < 5; i++) world.account.deliver();
    const session = await world.session();
    const box = select(session, 'INBOX');
    const changes = changesOf(box);
    world.bridge.mutePush = true;
    world.account.setKeywords(world.account.inbox, 2, ['$flagged', '$seen', 'work']);
    world.account.expunge(world.account.inbox, [4]);
    await session.refresh();
    expect(changes).toEqual([{ added: [], expunged: [4], flags: [2] }]);
    expect(box.flags(2)?.text).toBe('(\\Flagged \\Seen work)');
    expect(box.flags(2)?.has('\\SEEN')).toBe(true);
    expect(box.flags(4)).toBeUndefined();
    expect(box.keywords()).toEqual(['work']);
    expect(uidsOf(box)).toEqual([1, 2, 3, 5]);
  });

  it('keeps an array of uids as it was handed out', async () => {
    const world = makeWorld();
    for (let i = 0; i < 3; i++) world.account.deliver();
    const session = await world.session();
    const box = select(session, 'INBOX');
    const uids = box.uids();
    world.account.expunge(world.account.inbox, [2]);
    world.account.deliver();
    await session.refresh();
    expect([...uids]).toEqual([1, 2, 3]);
    expect(uidsOf(box)).toEqual([1, 3, 4]);
  });

  it('raises HIGHESTMODSEQ and the mod-sequence of what changed', async () => {
    const world = makeWorld();
    for (let i = 0; i < 3; i++) world.account.deliver();
    const session = await world.session();
    const box = select(session, 'INBOX');
    const before = box.highestModseq();
    world.account.setKeywords(world.account.inbox, 2, ['$seen']);
    await session.refresh();
    expect(box.modseq(2)).toBe(world.account.modseq);
    expect(box.modseq(1)).toBeLessThan(before);
    expect(box.highestModseq()).toBe(world.account.modseq);
  });

  it('tells that a selected mailbox is destroyed', async () => {
    const world = makeWorld();
    const work = world.account.createMailbox('Work');
    world.account.deliver(work);
    const session = await world.session();
    const box = select(session, 'Work');
    const changes = changesOf(box);
    world.account.destroyMailbox(work);
    await session.refresh();
    expect(changes.at(-1)?.destroyed).toBe(true);
    expect(session.find('Work')).toBeUndefined();
    expect(uidsOf(box)).toEqual([]);
    expect(() => session.status(box.mailbox)).toThrow(expect.objectContaining({ code: 'NONEXISTENT' }));
  });

  it('reads each change from the edge once for all sessions of an account', async () => {
    const world = makeWorld();
    const sessions = await Promise.all([world.session(), world.session(), world.session()]);
    const boxes = sessions.map((session) => select(session, 'INBOX'));
    await until(() => world.bridge.sockets.length === 1);
    await sessions[0]?.refresh();
    const before = world.bridge.calls.changes;
    world.account.deliver();
    await until(() => boxes.every((box) => box.uids().length === 1));
    expect(world.bridge.calls.changes - before).toBe(1);
    expect(world.bridge.calls.push).toBe(1);
  });

  it('catches up after the push connection broke', async () => {
    const world = makeWorld();
    const box = select(await world.session(), 'INBOX');
    await until(() => world.bridge.sockets.length === 1);
    world.bridge.mutePush = true;
    world.account.deliver();
    world.bridge.mutePush = false;
    world.bridge.cutPushes();
    await until(() => box.uids().length === 1);
    expect(world.bridge.calls.push).toBe(2);
  });

  it('catches a lost push by the head request, one for all accounts', async () => {
    const world = makeWorld();
    const other = world.bridge.add(2);
    const boxes = [select(await world.session(1), 'INBOX'), select(await world.session(2), 'INBOX')];
    world.bridge.mutePush = true;
    world.account.deliver();
    other.deliver();
    await world.mirrors.checkHeads();
    expect(boxes.map((box) => box.uids().length)).toEqual([1, 1]);
    expect(world.bridge.calls.heads).toBe(1);
  });

  it('asks heads by itself', async () => {
    const world = makeWorld({ headsInterval: 20 });
    const box = select(await world.session(), 'INBOX');
    world.bridge.mutePush = true;
    world.account.deliver();
    await until(() => box.uids().length === 1);
  });
});

describe('starting again from the edge', () => {
  it('rebuilds beside the old file when the cursor is too old, and tells the difference', async () => {
    const world = makeWorld({ pageSize: 7 });
    for (let i = 0; i < 40; i++) world.account.deliver();
    const session = await world.session();
    const box = select(session, 'INBOX');
    const changes = changesOf(box);
    world.bridge.mutePush = true;
    world.account.expunge(world.account.inbox, [3, 4]);
    world.account.setKeywords(world.account.inbox, 9, ['$seen']);
    world.account.deliver();
    world.account.forgetHistory();
    await session.refresh();
    expect(changes).toEqual([{ added: [41], expunged: [3, 4], flags: [9] }]);
    expect(plain(picture(session))).toEqual(plain(world.account.picture()));
    expect(readdirSync(`${world.home}/mirror`).filter((name) => name.includes('.new'))).toEqual([]);
    world.account.deliver();
    await session.refresh();
    expect(changes.at(-1)?.added).toEqual([42]);
  });

  it('still shows the old picture while the edge goes away during a rebuild, and finishes later', async () => {
    const world = makeWorld({ pageSize: 5 });
    for (let i = 0; i < 30; i++) world.account.deliver();
    const session = await world.session();
    const box = select(session, 'INBOX');
    await until(() => world.bridge.sockets.length === 1);
    world.bridge.mutePush = true;
    world.account.deliver();
    world.account.forgetHistory();
    let calls = 0;
    world.bridge.gate = async (call) => {
      if (call === 'changes' && ++calls === 4) world.bridge.away = true;
    };
    await session.refresh();
    expect(box.uids()).toHaveLength(30);
    world.bridge.away = false;
    await session.refresh();
    expect(box.uids()).toHaveLength(31);
  });

  it('keeps uids and UIDVALIDITY over a restart and asks only for what is new', async () => {
    const world = makeWorld({ pageSize: 10 });
    for (let i = 0; i < 50; i++) world.account.deliver();
    const before = await world.session();
    const shown = { ...before.status(select(before, 'INBOX').mailbox) };
    await world.restart();
    const calls = world.bridge.calls.changes;
    const after = await world.session();
    expect(after.status(select(after, 'INBOX').mailbox)).toEqual(shown);
    expect(world.bridge.calls.changes - calls).toBeLessThanOrEqual(2);
  });
});
