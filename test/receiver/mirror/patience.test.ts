/** An edge that takes calls and answers none: clients hear of it soon, and those who queued up do not wait in turn. */
import http from 'node:http';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Edge, EdgeUnavailable } from '../../../receiver/edge.ts';
import { makeWorld, select, until } from './harness.ts';

it('what has queued up behind a commit that hung is refused with it, and later writes try again', async () => {
  const world = makeWorld();
  world.account.deliver();
  const session = await world.session();
  await world.quiet(session);
  const box = select(session, 'INBOX');
  let giveUp = (): void => {};
  const hung = new Promise<void>((_resolve, reject) => {
    giveUp = () => reject(new EdgeUnavailable('no answer in time'));
  });
  world.bridge.gate = (call) => (call === 'commit' ? hung : Promise.resolve());
  const store = (flag: string) => box.store({ uids: [1], mode: 'add', flags: [flag] });
  const first = store('\\Seen');
  await until(() => world.bridge.calls.commit === 1);
  const refused = [first, store('\\Flagged'), store('\\Answered')].map((write) =>
    expect(write).rejects.toMatchObject({ code: 'UNAVAILABLE' }),
  );
  const later = Date.now() + 11_000;
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => later);
  onTestFinished(() => clock.mockRestore());
  giveUp();
  await Promise.all(refused);
  expect(world.bridge.calls.commit).toBe(1);
  world.bridge.gate = () => Promise.resolve();
  await store('\\Draft');
  expect(box.flags(1)?.text).toBe('(\\Draft)');
});

it('the edge has ten seconds to answer a commit or a page of changes, and thirty for an atomic commit', async () => {
  const timeouts: unknown[] = [];
  const request = http.request;
  const spy = vi.spyOn(http, 'request').mockImplementation(((url: URL, options: http.RequestOptions) => {
    timeouts.push(options.timeout);
    return request(url, options);
  }) as typeof http.request);
  onTestFinished(() => spy.mockRestore());
  const edge = new Edge({ url: 'http://127.0.0.1:1', receiver: 1, key: new Uint8Array(32) });
  const commit = { id: 'the-commit', since: '', operations: [] };
  await expect(edge.commit('token', commit, [])).rejects.toThrow(EdgeUnavailable);
  await expect(edge.changes('token', '', 10)).rejects.toThrow(EdgeUnavailable);
  await expect(edge.commit('token', { ...commit, atomic: true }, [])).rejects.toThrow(EdgeUnavailable);
  expect(timeouts).toEqual([10_000, 10_000, 30_000]);
  edge.close();
});
