import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeWorld, scratchFolder, select, uidsOf } from './harness.ts';

describe('APPEND', () => {
  it('stores flags, date and octets, and shows the message at once', async () => {
    const world = makeWorld();
    const session = await world.session();
    const internalDate = Date.UTC(2020, 1, 2);
    const body = Buffer.from('From: a@example.test\r\nSubject: caf\xe9\r\n\r\n\x00\xff', 'latin1');
    const { uids, uidvalidity } = await session.append('INBOX', [{ flags: ['\\Seen', '\\Deleted', '$Forwarded'], internalDate, body }]);
    const box = select(session, 'INBOX');
    expect({ uids, uidvalidity }).toEqual({ uids: [1], uidvalidity: box.mailbox.uidvalidity });
    const [message] = box.messages(uids);
    expect(message).toMatchObject({ size: body.length, internalDate, emailId: 'M1', threadId: 'T1' });
    expect(box.flags(1)?.text).toBe('(\\Deleted $Forwarded \\Seen)');
    expect(message && Buffer.from(await box.read(message))).toEqual(body);
    expect(world.bridge.calls.getBlob).toBe(0);
  });

  it('puts a large message from its file as a blob, before the commit', async () => {
    const world = makeWorld();
    const file = path.join(scratchFolder(), 'literal');
    const body = Buffer.concat([Buffer.from('Subject: large\r\n\r\n'), Buffer.alloc(3_000_000, 'x')]);
    writeFileSync(file, body);
    const session = await world.session();
    const { uids } = await session.append('INBOX', [{ flags: [], body: { path: file, size: body.length } }]);
    expect(world.bridge.calls.putBlob).toBe(1);
    const box = select(session, 'INBOX');
    const [message] = box.messages(uids);
    expect(message?.size).toBe(body.length);
    expect(message && Buffer.from(await box.read(message)).equals(body)).toBe(true);
  });

  it('stores several messages, large and small, in order with one commit', async () => {
    const world = makeWorld();
    const session = await world.session();
    const messages = [300_000, 10, 600_000, 20].map((size) => ({ flags: [], body: Buffer.alloc(size, 'x') }));
    const { uids } = await session.append('INBOX', messages);
    expect(uids).toEqual([1, 2, 3, 4]);
    expect([...select(session, 'INBOX').messages(uids)].map(({ size }) => size)).toEqual([300_000, 10, 600_000, 20]);
    expect(world.bridge.commits).toHaveLength(1);
  });

  it('stores none of several messages when one is refused', async () => {
    const world = makeWorld();
    const session = await world.session();
    world.account.quota = 100;
    const messages = [10, 200, 20].map((size) => ({ flags: [], body: Buffer.alloc(size, 'x') }));
    await expect(session.append('INBOX', messages)).rejects.toMatchObject({ code: 'OVERQUOTA' });
    expect(world.bridge.commits).toHaveLength(1);
    await session.refresh();
    expect(uidsOf(select(session, 'INBOX'))).toEqual([]);
    const { uids } = await session.append('INBOX', messages.slice(0, 1));
    expect(uids).toEqual([1]);
  });

  it('puts before the commit what the commit has no room to carry', async () => {
    const world = makeWorld();
    const session = await world.session();
    const messages = Array.from({ length: 32 }, (_value, index) => ({ flags: [], body: Buffer.alloc(250_000, `${index} `) }));
    const { uids } = await session.append('INBOX', messages);
    expect(uids).toEqual(Array.from({ length: 32 }, (_value, index) => index + 1));
    expect(world.bridge.commits).toHaveLength(1);
    const inline = world.bridge.commits[0]?.map((operation) => (operation.op === 'append' ? operation.inline : 0)) ?? [];
    expect(inline.reduce((sum, octets) => sum + octets)).toBe(16 * 250_000);
    expect(world.bridge.calls.putBlob).toBe(16);
  });

  it('stores all of several messages again when the edge swept one of them away meanwhile', async () => {
    const world = makeWorld();
    const session = await world.session();
    let swept = false;
    world.bridge.gate = async (call) => {
      if (call === 'commit' && !swept) {
        swept = true;
        world.account.blobs.clear();
      }
    };
    const messages = [10, 300_000, 20].map((size) => ({ flags: [], body: Buffer.alloc(size, 'x') }));
    expect((await session.append('INBOX', messages)).uids).toEqual([1, 2, 3]);
  });

  it('answers TRYCREATE and OVERQUOTA', async () => {
    const world = makeWorld();
    const session = await world.session();
    await expect(session.append('Nowhere', [{ flags: [], body: Buffer.from('x') }])).rejects.toMatchObject({ code: 'TRYCREATE' });
    world.account.quota = 10;
    await expect(session.append('INBOX', [{ flags: [], body: Buffer.alloc(100) }])).rejects.toMatchObject({ code: 'OVERQUOTA' });
  });
});
