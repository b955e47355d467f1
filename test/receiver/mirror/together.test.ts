/** What is done together or not at all: COPY of more than one operation carries (RFC 9051 §6.4.7). */
import { describe, expect, it } from 'vitest';
import { COMMIT_ITEMS_MAX } from '../../../receiver/mirror/commits.ts';
import { makeWorld, select, uidsOf, until } from './harness.ts';

const MANY = 2300;

async function fullInbox() {
  const world = makeWorld();
  for (let i = 0; i < MANY; i++) world.account.deliver();
  const work = world.account.createMailbox('Work');
  const session = await world.session();
  await world.quiet(session);
  return { world, work, session, box: select(session, 'INBOX') };
}

describe('COPY and MOVE of many messages', () => {
  it('go in one commit of their own, whatever else waits', async () => {
    const { world, session, box } = await fullInbox();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    world.bridge.gate = (call) => (call === 'commit' ? gate : Promise.resolve());
    const flag = (uid: number) => box.store({ uids: [uid], mode: 'add', flags: ['\\Seen'] });
    const first = flag(1);
    await until(() => world.bridge.calls.commit === 1);
    const rest = [flag(2), box.copy(uidsOf(box), 'Work'), flag(3)];
    open();
    await Promise.all([first, ...rest]);
    await box.move(uidsOf(box), 'Work');
    const kinds = world.bridge.commits.map((operations) => operations.map(({ op }) => op).join(' '));
    expect(kinds).toEqual(['store', 'store', 'copy copy copy', 'store', 'move move move']);
    expect(uidsOf(select(session, 'Work'))).toHaveLength(2 * MANY);
  });

  it('leave nothing behind when the edge refuses, or goes away before it is done', async () => {
    const { world, work, session, box } = await fullInbox();
    world.bridge.gate = async (call) => {
      world.bridge.away = call === 'commit';
    };
    await expect(box.copy(uidsOf(box), 'Work')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    world.bridge.gate = () => Promise.resolve();
    world.bridge.away = false;
    await session.refresh();
    expect(uidsOf(select(session, 'Work'))).toEqual([]);
    world.bridge.mutePush = true;
    world.account.destroyMailbox(work);
    await expect(box.copy(uidsOf(box), 'Work')).rejects.toMatchObject({ code: 'TRYCREATE' });
    expect(world.bridge.commits).toHaveLength(1);
  });

  it('are refused before anything is copied when they are more than one commit carries', async () => {
    const { world, box } = await fullInbox();
    const uids = Array.from({ length: COMMIT_ITEMS_MAX + 1 }, (_value, index) => index + 1);
    await expect(box.copy(uids, 'Work')).rejects.toMatchObject({ code: 'LIMIT' });
    expect(world.bridge.calls.commit).toBe(0);
  });
});
