/** Calls to the edge over a real connection: a clock that is wrong, connections that are dead without a word, logins that have ended. */
import { Readable } from 'node:stream';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Edge, EdgeRefused, EdgeUnavailable } from '../../receiver/edge.ts';
import { FakeBridge } from '../support/fake-bridge.ts';
import { HttpEdge } from '../support/http-edge.ts';

const HOUR_MS = 3_600_000;
const TOKEN = 'token-1-0';

let server: HttpEdge;
let edge: Edge;
let skews: number[];
/** Milliseconds by which this machine's clock is ahead of the edge's. */
let ahead: number;

beforeEach(async () => {
  const bridge = new FakeBridge();
  bridge.add(1).deliver();
  const now = Date.now;
  ahead = 0;
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead);
  server = new HttpEdge(bridge);
  server.now = () => now();
  skews = [];
  const url = await server.start();
  edge = new Edge({ url, receiver: 1, key: new Uint8Array(32), onClockSkew: (milliseconds) => void skews.push(milliseconds) });
  onTestFinished(async () => {
    clock.mockRestore();
    edge.close();
    await server.close();
  });
});

describe('a clock that is wrong', () => {
  test.each([HOUR_MS, -HOUR_MS, 400 * 24 * HOUR_MS])('by %i ms is set right by the edge’s, once, and an alarm is raised', async (jump) => {
    ahead = jump;
    expect((await edge.changes(TOKEN, '', 10)).emails).toHaveLength(1);
    expect((await edge.changes(TOKEN, '', 10)).emails).toHaveLength(1);
    expect(server.requests.map((request) => request.slice(0, 3))).toEqual(['401', 'GET', 'GET']);
    expect(skews).toHaveLength(1);
    expect(Math.abs((skews[0] ?? 0) + jump)).toBeLessThan(5000);
  });

  test('fails none of the calls that were under way together', async () => {
    await edge.changes(TOKEN, '', 10);
    ahead = HOUR_MS;
    const pages = await Promise.all([1, 2, 3, 4].map(() => edge.changes(TOKEN, '', 10)));
    expect(pages.map(({ emails }) => emails.length)).toEqual([1, 1, 1, 1]);
    expect(skews).toHaveLength(1);
  });

  test('is no reason to take a login for ended when a stream cannot be sent again', async () => {
    ahead = HOUR_MS;
    const put = () => edge.putBlob(1, 'a'.repeat(64), Readable.from([Buffer.from('x')]), 1, TOKEN);
    await expect(put()).rejects.toThrow(EdgeUnavailable);
    // The clock is right now; this server just has no such route.
    await expect(put()).rejects.toMatchObject({ status: 404 });
  });

  test('is set right by the push as well', async () => {
    ahead = HOUR_MS;
    await expect(edge.openPush(TOKEN)).rejects.toThrow(EdgeUnavailable);
    const push = await edge.openPush(TOKEN);
    expect(push.readyState).toBe(push.OPEN);
    push.terminate();
  });
});

test('a login that has ended is told as such, by the push too', async () => {
  server.bridge.refusedTokens.add(TOKEN);
  await expect(edge.changes(TOKEN, '', 10)).rejects.toThrow(EdgeRefused);
  await expect(edge.openPush(TOKEN)).rejects.toMatchObject({ status: 401 });
});

test('a push that nobody answers is an edge that is away', async () => {
  const nowhere = new Edge({ url: 'http://127.0.0.1:1', receiver: 1, key: new Uint8Array(32) });
  await expect(nowhere.openPush(TOKEN)).rejects.toThrow(EdgeUnavailable);
  server.bridge.away = true;
  await expect(edge.openPush(TOKEN)).rejects.toThrow(EdgeUnavailable);
});

describe('a connection kept alive', () => {
  test('is used again soon after', async () => {
    await edge.changes(TOKEN, '', 10);
    await edge.changes(TOKEN, '', 10);
    expect(server.connections).toBe(1);
  });

  test('is not trusted when it stood idle for a minute: a NAT forgot it, or the machine slept', async () => {
    await Promise.all([1, 2, 3].map(() => edge.changes(TOKEN, '', 10)));
    server.fallSilent();
    ahead = HOUR_MS;
    server.now = () => Date.now();
    expect((await edge.changes(TOKEN, '', 10)).emails).toHaveLength(1);
  });
});
