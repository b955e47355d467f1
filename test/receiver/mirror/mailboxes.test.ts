import { describe, expect, it } from 'vitest';
import { makeWorld, select, uidsOf } from './harness.ts';

describe('mailbox names', () => {
  it('show the hierarchy, INBOX first, special uses and children', async () => {
    const { account, session } = makeWorld();
    const work = account.createMailbox('Work');
    account.createMailbox('2026', { parent: work });
    account.createMailbox('Sent', { role: 'sent', subscribed: true });
    account.createMailbox('Later', { parent: account.inbox });
    const shown = (await session()).mailboxes();
    expect(shown.map(({ name }) => name)).toEqual(['INBOX', 'INBOX/Later', 'Sent', 'Work', 'Work/2026']);
    expect(shown.find(({ name }) => name === 'Sent')).toMatchObject({ specialUse: '\\Sent', subscribed: true, hasChildren: false });
    expect(shown.find(({ name }) => name === 'Work')).toMatchObject({
      specialUse: null,
      subscribed: false,
      hasChildren: true,
      id: `F${work}`,
    });
  });

  it('are found with INBOX in any case, and in Unicode form C', async () => {
    const { account, session } = makeWorld();
    account.createMailbox('Later', { parent: account.inbox });
    account.createMailbox('Café');
    const opened = await session();
    expect(opened.find('inBox')?.name).toBe('INBOX');
    expect(opened.find('inbox/Later')?.name).toBe('INBOX/Later');
    expect(opened.find('inboxes')).toBeUndefined();
    expect(opened.find('Cafe\u0301')?.name).toBe('Café');
    expect(opened.find('later')).toBeUndefined();
  });

  it('escape what JMAP allows and IMAP does not, and stay apart', async () => {
    const { account, session } = makeWorld();
    const slash = account.createMailbox('a/b');
    const wide = account.createMailbox('a／b');
    const inbox = account.createMailbox('INBOX');
    account.createMailbox('tab\there');
    const names = (await session()).mailboxes().map(({ name }) => name);
    expect(names).toEqual(
      ['INBOX', `INBOX (${inbox})`, 'a／b', `a／b (${wide})`, 'tab\ufffdhere'].sort((a, b) =>
        a === 'INBOX' ? -1 : b === 'INBOX' ? 1 : a < b ? -1 : 1,
      ),
    );
    expect((await session()).find('a／b')?.id).toBe(`F${slash}`);
  });

  it('survive parents that are missing or go in a circle', async () => {
    const { account, session } = makeWorld();
    const a = account.createMailbox('A');
    const b = account.createMailbox('B', { parent: a });
    account.createMailbox('Orphan', { parent: 999 });
    const circle = account.mailboxes.get(a);
    if (circle) circle.parent = b;
    const names = (await session()).mailboxes().map(({ name }) => name);
    expect(names).toContain('Orphan');
    expect(names).toHaveLength(4);
    expect(new Set(names).size).toBe(4);
  });
});

describe('CREATE', () => {
  it('makes the levels above, with a trailing separator as well', async () => {
    const { session } = makeWorld();
    const opened = await session();
    const made = await opened.create('a/b/c', null);
    await opened.create('d/', null);
    expect(made.name).toBe('a/b/c');
    expect(opened.mailboxes().map(({ name }) => name)).toEqual(['INBOX', 'a', 'a/b', 'a/b/c', 'd']);
  });

  it('takes a special use', async () => {
    const opened = await makeWorld().session();
    expect(await opened.create('Old', '\\Archive')).toMatchObject({ name: 'Old', specialUse: '\\Archive' });
    await expect(opened.create('Odd', '\\Nonsense')).rejects.toMatchObject({ code: 'USEATTR' });
  });

  it.each([
    ['INBOX', 'ALREADYEXISTS'],
    ['inbox', 'ALREADYEXISTS'],
    ['Taken', 'ALREADYEXISTS'],
    ['a//b', 'CANNOT'],
    ['/a', 'CANNOT'],
    ['', 'CANNOT'],
    ['x\u0007', 'CANNOT'],
    ['x'.repeat(256), 'CANNOT'],
    [Array(40).fill('x').join('/'), 'CANNOT'],
  ])('refuses %j with %s', async (name, code) => {
    const { account, session } = makeWorld();
    account.createMailbox('Taken');
    await expect((await session()).create(name, null)).rejects.toMatchObject({ code });
  });

  it('says USEATTR when another mailbox has the use, known to the mirror or not, and makes nothing', async () => {
    const { account, bridge, session } = makeWorld();
    account.createMailbox('Sent', { role: 'sent' });
    const opened = await session();
    await expect(opened.create('New/Gone', '\\Sent')).rejects.toMatchObject({ code: 'USEATTR' });
    expect(bridge.calls.commit).toBe(0);
    bridge.mutePush = true;
    account.createMailbox('Old', { role: 'archive' });
    await expect(opened.create('Archive', '\\Archive')).rejects.toMatchObject({ code: 'USEATTR' });
    expect(opened.mailboxes().map(({ name }) => name)).toEqual(['INBOX', 'Old', 'Sent']);
  });

  it('says ALREADYEXISTS when somebody else was first', async () => {
    const world = makeWorld();
    const opened = await world.session();
    await world.quiet(opened);
    world.bridge.mutePush = true;
    world.account.createMailbox('Work');
    await expect(opened.create('Work', null)).rejects.toMatchObject({ code: 'ALREADYEXISTS' });
    expect(opened.find('Work')).toBeDefined();
  });
});

describe('DELETE', () => {
  it('removes a mailbox with its mail, in pieces when there is much of it', async () => {
    const { account, session } = makeWorld();
    const work = account.createMailbox('Work');
    for (let i = 0; i < 5; i++) account.deliver(work);
    account.destroyMax = 3;
    const opened = await session();
    await opened.delete('Work');
    expect(opened.find('Work')).toBeUndefined();
    expect(account.picture().has(work)).toBe(false);
  });

  it('refuses INBOX, what is not there, and what has children', async () => {
    const { account, session } = makeWorld();
    account.createMailbox('Child', { parent: account.createMailbox('Parent') });
    const opened = await session();
    await expect(opened.delete('inbox')).rejects.toMatchObject({ code: 'CANNOT' });
    await expect(opened.delete('Nowhere')).rejects.toMatchObject({ code: 'NONEXISTENT' });
    await expect(opened.delete('Parent')).rejects.toMatchObject({ code: 'HASCHILDREN' });
  });
});

describe('RENAME', () => {
  it('moves a mailbox with its children and makes the levels above the new name', async () => {
    const { account, session } = makeWorld();
    account.createMailbox('Child', { parent: account.createMailbox('Old') });
    const opened = await session();
    const id = opened.find('Old/Child')?.id;
    await opened.rename('Old', 'x/New');
    expect(opened.find('x/New/Child')?.id).toBe(id);
    expect(opened.find('Old')).toBeUndefined();
  });

  it('keeps a name with a slash at the edge when only the parent changes', async () => {
    const { account, session } = makeWorld();
    const odd = account.createMailbox('a/b');
    const opened = await session();
    await opened.rename('a／b', 'Under/a／b');
    expect(account.mailboxes.get(odd)?.name).toBe('a/b');
  });

  it('of INBOX moves its messages and leaves it empty', async () => {
    const { account, session } = makeWorld();
    for (let i = 0; i < 3; i++) account.deliver();
    account.createMailbox('Later', { parent: account.inbox });
    const opened = await session();
    await opened.rename('INBOX', 'Archive');
    expect(uidsOf(select(opened, 'Archive'))).toHaveLength(3);
    expect(uidsOf(select(opened, 'INBOX'))).toEqual([]);
    expect(opened.find('INBOX/Later')).toBeDefined();
  });

  it('refuses a taken name, a missing mailbox, and its own child', async () => {
    const { account, session } = makeWorld();
    account.createMailbox('A');
    account.createMailbox('B');
    const opened = await session();
    await expect(opened.rename('A', 'B')).rejects.toMatchObject({ code: 'ALREADYEXISTS' });
    await expect(opened.rename('A', 'inbox')).rejects.toMatchObject({ code: 'ALREADYEXISTS' });
    await expect(opened.rename('C', 'D')).rejects.toMatchObject({ code: 'NONEXISTENT' });
    await expect(opened.rename('A', 'A/x')).rejects.toMatchObject({ code: 'CANNOT' });
  });
});

it('SUBSCRIBE and UNSUBSCRIBE reach the edge', async () => {
  const { account, session } = makeWorld();
  const work = account.createMailbox('Work');
  const opened = await session();
  await opened.setSubscribed('Work', true);
  expect(account.mailboxes.get(work)?.subscribed).toBe(true);
  expect(opened.find('Work')?.subscribed).toBe(true);
  await opened.setSubscribed('Work', false);
  expect(opened.find('Work')?.subscribed).toBe(false);
  await expect(opened.setSubscribed('Nowhere', true)).rejects.toMatchObject({ code: 'NONEXISTENT' });
});
