import { describe, expect, it } from 'vitest';
import { makeWorld, picture, plain, select, uidsOf, until, type World } from './harness.ts';

function fill(world: World, count: number, mailbox = world.account.inbox): void {
  for (let i = 0; i < count; i++) world.account.deliver(mailbox);
}

/** Holds commits back until the test lets them go. */
function holdCommits(world: World): () => void {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  world.bridge.gate = (call) => (call === 'commit' ? gate : Promise.resolve());
  return open;
}

describe('STORE', () => {
  it('is visible when it resolves, at the edge and here', async () => {
    const world = makeWorld();
    fill(world, 3);
    const session = await world.session();
    const box = select(session, 'INBOX');
    await box.store({ uids: [1, 3], mode: 'add', flags: ['\\Seen', 'Work'] });
    expect(box.flags(1)?.text).toBe('(\\Seen work)');
    expect(box.flags(2)?.text).toBe('()');
    expect(plain(picture(session))).toEqual(plain(world.account.picture()));
  });

  it('adds and removes \\Deleted without touching keywords, and the other way round', async () => {
    const world = makeWorld();
    fill(world, 1);
    const box = select(await world.session(), 'INBOX');
    await box.store({ uids: [1], mode: 'add', flags: ['\\Deleted', '\\Flagged'] });
    await box.store({ uids: [1], mode: 'remove', flags: ['\\deleted'] });
    expect(box.flags(1)?.list).toEqual(['\\Flagged']);
    expect(world.bridge.commits.map((operations) => operations.map(({ op }) => op))).toEqual([['store'], ['store']]);
  });

  it('replaces keywords and \\Deleted together', async () => {
    const world = makeWorld();
    fill(world, 2);
    const box = select(await world.session(), 'INBOX');
    await box.store({ uids: [1], mode: 'add', flags: ['\\Deleted', '\\Flagged'] });
    await box.store({ uids: [1, 2], mode: 'replace', flags: ['\\Seen'] });
    expect([box.flags(1)?.text, box.flags(2)?.text]).toEqual(['(\\Seen)', '(\\Seen)']);
    await box.store({ uids: [1], mode: 'replace', flags: [] });
    expect(box.flags(1)?.text).toBe('()');
  });

  it('names what UNCHANGEDSINCE held back, known here or only at the edge', async () => {
    const world = makeWorld();
    fill(world, 3);
    const session = await world.session();
    const box = select(session, 'INBOX');
    await world.quiet(session);
    const unchangedSince = box.highestModseq();
    await box.store({ uids: [1], mode: 'add', flags: ['\\Flagged'] });
    world.bridge.mutePush = true;
    world.account.setKeywords(world.account.inbox, 2, ['$answered']);
    const { modified } = await box.store({ uids: [1, 2, 3], mode: 'add', flags: ['\\Seen'], unchangedSince });
    expect(modified).toEqual([1, 2]);
    expect([1, 2, 3].map((uid) => box.flags(uid)?.text)).toEqual(['(\\Flagged)', '(\\Answered)', '(\\Seen)']);
  });

  it('gives a message all of its flags or none when somebody else is quicker', async () => {
    const world = makeWorld();
    fill(world, 2);
    const { inbox } = world.account;
    const [box, other] = [select(await world.session(), 'INBOX'), select(await world.session(), 'INBOX')];
    const unchangedSince = box.highestModseq();
    const release = holdCommits(world);
    const first = other.store({ uids: [1], mode: 'add', flags: ['\\Deleted'] });
    await until(() => world.bridge.calls.commit === 1);
    const late = box.store({ uids: [1, 2], mode: 'add', flags: ['\\Deleted', '\\Seen'], unchangedSince });
    release();
    await first;
    expect(await late).toEqual({ modified: [1] });
    expect([...(world.account.picture().get(inbox) ?? [])]).toEqual([
      [1, '\\Deleted'],
      [2, '\\Deleted \\Seen'],
    ]);
  });

  it('splits what one operation may not carry', async () => {
    const world = makeWorld();
    fill(world, 2300);
    const box = select(await world.session(), 'INBOX');
    await box.store({ uids: uidsOf(box), mode: 'add', flags: ['\\Seen'] });
    const sizes = world.bridge.commits.flat().map((operation) => (operation.op === 'store' ? operation.uids.length : 0));
    expect(sizes).toEqual([1000, 1000, 300]);
    expect(world.bridge.commits).toHaveLength(1);
    expect(uidsOf(box).every((uid) => box.flags(uid)?.has('\\Seen'))).toBe(true);
  });

  it('does not ask for more in one commit than the edge can do', async () => {
    const world = makeWorld();
    for (let i = 0; i < 9; i++) world.account.createMailbox(`Box${i}`);
    fill(world, 1000);
    const box = select(await world.session(), 'INBOX');
    await Promise.all(Array.from({ length: 9 }, (_, i) => box.copy(uidsOf(box), `Box${i}`)));
    expect(world.bridge.commits.map((operations) => operations.length)).toEqual([4, 4, 1]);
  });

  it('merges what queues up behind a commit, whoever wrote it', async () => {
    const world = makeWorld();
    fill(world, 50);
    const boxes = await Promise.all([1, 2].map(async () => select(await world.session(), 'INBOX')));
    const release = holdCommits(world);
    const writes = Array.from({ length: 50 }, (_, i) => boxes[i % 2]?.store({ uids: [i + 1], mode: 'add', flags: ['\\Seen'] }));
    const other = boxes[0]?.store({ uids: [7], mode: 'remove', flags: ['\\Seen'] });
    await until(() => world.bridge.calls.commit === 1);
    const late = boxes[1]?.store({ uids: [8], mode: 'add', flags: ['\\Flagged'] });
    release();
    await Promise.all([...writes, other, late]);
    expect(world.bridge.commits.map((operations) => operations.length)).toEqual([2, 1]);
    expect(boxes[0]?.flags(7)?.text).toBe('()');
    expect(boxes[0]?.flags(8)?.text).toBe('(\\Flagged \\Seen)');
    expect(boxes[0]?.flags(50)?.text).toBe('(\\Seen)');
  });

  it('lets only the bad operation of a commit suffer when the edge refuses it as a whole', async () => {
    const world = makeWorld();
    fill(world, 2);
    const session = await world.session();
    const box = select(session, 'INBOX');
    world.account.poison = 'Bad';
    const writes = [box.store({ uids: [1], mode: 'add', flags: ['\\Seen'] }), session.create('Bad', null), box.copy([2], 'INBOX')];
    const settled = await Promise.allSettled(writes);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(uidsOf(box)).toEqual([1, 2, 3]);
    expect(box.flags(1)?.text).toBe('(\\Seen)');
  });

  it('is done, and shown later, when the rest of the news cannot be fetched', async () => {
    const world = makeWorld({ pageSize: 2 });
    fill(world, 1);
    const session = await world.session();
    const box = select(session, 'INBOX');
    await world.quiet(session);
    world.bridge.mutePush = true;
    fill(world, 600);
    world.bridge.gate = async (call) => {
      if (call === 'changes') world.bridge.away = true;
    };
    await box.store({ uids: [1], mode: 'add', flags: ['\\Seen'] });
    expect(box.flags(1)?.text).toBe('()');
    world.bridge.gate = () => Promise.resolve();
    world.bridge.away = false;
    await until(() => box.flags(1)?.text === '(\\Seen)' && box.uids().length === 601);
  });

  it('refuses what can be no keyword', async () => {
    const world = makeWorld();
    fill(world, 1);
    const box = select(await world.session(), 'INBOX');
    const flags = Array.from({ length: 65 }, (_, i) => `k${i}`);
    await expect(box.store({ uids: [1], mode: 'add', flags })).rejects.toMatchObject({ code: 'LIMIT' });
    await expect(box.store({ uids: [1], mode: 'add', flags: ['x'.repeat(300)] })).rejects.toMatchObject({ code: 'CANNOT' });
    expect(world.bridge.commits).toEqual([]);
  });

  it('keeps the order of writes that contradict each other', async () => {
    const world = makeWorld();
    fill(world, 1);
    const box = select(await world.session(), 'INBOX');
    const modes = ['add', 'remove', 'add', 'remove', 'add'] as const;
    await Promise.all(modes.map((mode) => box.store({ uids: [1], mode, flags: ['\\Seen'] })));
    expect(box.flags(1)?.text).toBe('(\\Seen)');
  });
});

describe('a commit whose answer is lost', () => {
  it('is repeated and happens once', async () => {
    const world = makeWorld();
    const session = await world.session();
    world.bridge.loseCommitAnswers = 2;
    const { uids } = await session.append('INBOX', [{ flags: ['\\Seen'], body: Buffer.from('Subject: once\r\n\r\nx') }]);
    expect(uids).toEqual([1]);
    expect(world.account.emails.size).toBe(1);
    expect(world.bridge.commits).toHaveLength(3);
  });

  it('answers UNAVAILABLE when it stays lost, and shows what became of it later', async () => {
    const world = makeWorld();
    fill(world, 1);
    const session = await world.session();
    const box = select(session, 'INBOX');
    await world.quiet(session);
    world.bridge.mutePush = true;
    world.bridge.loseCommitAnswers = 10;
    await expect(box.store({ uids: [1], mode: 'add', flags: ['\\Seen'] })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(box.flags(1)?.text).toBe('()');
    await session.refresh();
    expect(box.flags(1)?.text).toBe('(\\Seen)');
  });
});

describe('while the edge is away', () => {
  it('reads go on, writes answer UNAVAILABLE, and everything catches up afterwards', async () => {
    const world = makeWorld();
    fill(world, 3);
    const session = await world.session();
    const box = select(session, 'INBOX');
    const [first] = box.messages([1]);
    if (!first) throw new Error('no message');
    const text = Buffer.from(await box.read(first)).toString();
    world.bridge.away = true;
    world.bridge.cutPushes();
    await session.refresh();
    expect(Buffer.from(await box.read(first)).toString()).toBe(text);
    expect([...box.messages([1, 2, 3])].map(({ size }) => size)).toHaveLength(3);
    const refused = { code: 'UNAVAILABLE' };
    await expect(box.store({ uids: [1], mode: 'add', flags: ['\\Seen'] })).rejects.toMatchObject(refused);
    await expect(session.append('INBOX', [{ flags: [], body: Buffer.from('x') }])).rejects.toMatchObject(refused);
    await expect(session.create('New', null)).rejects.toMatchObject(refused);
    const [second] = box.messages([2]);
    await expect(second && box.read(second)).rejects.toMatchObject(refused);
    expect(box.flags(1)?.text).toBe('()');
    world.account.deliver();
    world.bridge.away = false;
    await until(() => box.uids().length === 4);
  });

  it('a new login cannot be checked', async () => {
    const world = makeWorld();
    world.bridge.away = true;
    await expect(world.session()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('COPY, MOVE, EXPUNGE', () => {
  it('pairs source and new uids', async () => {
    const world = makeWorld();
    fill(world, 5);
    const work = world.account.createMailbox('Work');
    world.account.deliver(work);
    const session = await world.session();
    const box = select(session, 'INBOX');
    const copied = await box.copy([2, 4, 99], 'Work');
    expect(copied).toEqual({
      uidvalidity: session.find('Work')?.uidvalidity,
      pairs: [
        [2, 2],
        [4, 3],
      ],
    });
    const moved = await box.move([1, 5], 'work'.replace('w', 'W'));
    expect(moved.pairs).toEqual([
      [1, 4],
      [5, 5],
    ]);
    expect(uidsOf(box)).toEqual([2, 3, 4]);
    expect(uidsOf(select(session, 'Work'))).toEqual([1, 2, 3, 4, 5]);
  });

  it('answers TRYCREATE for a target that is not there, also when it went meanwhile', async () => {
    const world = makeWorld();
    fill(world, 1);
    const work = world.account.createMailbox('Work');
    const session = await world.session();
    const box = select(session, 'INBOX');
    await expect(box.copy([1], 'Nowhere')).rejects.toMatchObject({ code: 'TRYCREATE' });
    await world.quiet(session);
    world.bridge.mutePush = true;
    world.account.destroyMailbox(work);
    await expect(box.move([1], 'Work')).rejects.toMatchObject({ code: 'TRYCREATE' });
    expect(uidsOf(box)).toEqual([1]);
  });

  it('expunges only what is \\Deleted', async () => {
    const world = makeWorld();
    fill(world, 4);
    const box = select(await world.session(), 'INBOX');
    await box.store({ uids: [1, 2, 3], mode: 'add', flags: ['\\Deleted'] });
    await box.expunge([2, 4]);
    expect(uidsOf(box)).toEqual([1, 3, 4]);
    await box.expunge(null);
    expect(uidsOf(box)).toEqual([4]);
  });

  it('writes nothing through a mailbox opened by EXAMINE', async () => {
    const world = makeWorld();
    fill(world, 1);
    const box = select(await world.session(), 'INBOX', true);
    await expect(box.store({ uids: [1], mode: 'add', flags: ['\\Seen'] })).rejects.toMatchObject({ code: 'READ-ONLY' });
    await expect(box.expunge(null)).rejects.toMatchObject({ code: 'READ-ONLY' });
    expect(world.bridge.commits).toEqual([]);
  });
});

describe('a login whose token the edge no longer takes', () => {
  it('leaves the work to another session of the account', async () => {
    const world = makeWorld();
    fill(world, 1);
    const box = select(await world.session(), 'INBOX');
    await world.session();
    world.bridge.refusedTokens.add('token-1-1');
    await box.store({ uids: [1], mode: 'add', flags: ['\\Seen'] });
    expect(box.flags(1)?.text).toBe('(\\Seen)');
  });

  it('is forgotten by the login, so that the next one asks the edge', async () => {
    const forgotten: string[] = [];
    const world = makeWorld();
    await world.restart({ login: { verify: world.bridge.login.verify, forget: (token) => void forgotten.push(token) } });
    const session = await world.session();
    world.bridge.refusedTokens.add('token-1-0');
    await session.refresh();
    expect(forgotten).toEqual(['token-1-0']);
  });

  it('reads on and answers UNAVAILABLE to writes when there is no other, until somebody logs in', async () => {
    const world = makeWorld();
    fill(world, 1);
    const box = select(await world.session(), 'INBOX');
    world.bridge.refusedTokens.add('token-1-0');
    await expect(box.store({ uids: [1], mode: 'add', flags: ['\\Seen'] })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(uidsOf(box)).toEqual([1]);
    await world.session();
    await box.store({ uids: [1], mode: 'add', flags: ['\\Seen'] });
    expect(box.flags(1)?.text).toBe('(\\Seen)');
  });
});
