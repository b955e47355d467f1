import { env, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CORE, MAIL } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { hubOf, openMail } from '../../../workers/store/mail/index.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
let inbox: string;
beforeEach(async () => {
  client = await makeClient();
  inbox = (await client.roles()).inbox ?? '';
});
afterEach(() => {
  vi.useRealTimers();
});

/** An open JMAP WebSocket whose messages are read one by one. */
async function open(): Promise<{ socket: WebSocket; next: () => Promise<Json>; send: (message: unknown) => void }> {
  const answer = await client.fetch('/jmap/ws', { headers: { upgrade: 'websocket', 'sec-websocket-protocol': 'jmap' } });
  expect([answer.status, answer.headers.get('sec-websocket-protocol')]).toEqual([101, 'jmap']);
  const socket = answer.webSocket;
  if (!socket) throw new Error('no socket');
  const messages: Json[] = [];
  let wake = () => {};
  socket.addEventListener('message', ({ data }) => {
    messages.push(JSON.parse(String(data)) as Json);
    wake();
  });
  socket.accept();
  const next = async (): Promise<Json> => {
    while (messages.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return messages.shift() ?? {};
  };
  return { socket, next, send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)) };
}

test('requests on a WebSocket are answered with their id, and bad ones with a RequestError', async () => {
  const { socket, next, send } = await open();
  const call = {
    '@type': 'Request',
    using: [CORE, MAIL],
    methodCalls: [['Mailbox/get', { accountId: client.accountId, ids: [inbox], properties: ['role'] }, 'c']],
  };
  send({ ...call, id: 'r1' });
  expect(await next()).toMatchObject({
    '@type': 'Response',
    requestId: 'r1',
    methodResponses: [['Mailbox/get', { list: [{ role: 'inbox' }] }, 'c']],
  });
  const errors: [unknown, string | null, string][] = [
    ['{', null, 'notJSON'],
    [{ ...call, '@type': 'Other', id: 'r2' }, 'r2', 'notRequest'],
    [{ '@type': 'Request', id: 'r3' }, 'r3', 'notRequest'],
    [{ ...call, using: ['urn:x'], id: 'r4' }, 'r4', 'unknownCapability'],
  ];
  for (const [message, requestId, type] of errors) {
    send(message);
    expect(await next()).toMatchObject({ '@type': 'RequestError', requestId, type: `urn:ietf:params:jmap:error:${type}`, status: 400 });
  }
  socket.close();
});

test('with push enabled a change is told, and only of the types wanted', async () => {
  const { socket, next, send } = await open();
  send({ '@type': 'WebSocketPushEnable', dataTypes: ['Email'] });
  send({ '@type': 'Request', id: 'sync', using: [CORE], methodCalls: [] });
  expect(await next()).toMatchObject({ requestId: 'sync' });
  await client.import('Subject: x\r\n\r\nx', inbox);
  const { state } = await client.call('Email/get', { ids: [] });
  expect(await next()).toMatchObject({ '@type': 'StateChange', changed: { [client.accountId]: { Email: state } } });
  send({ '@type': 'WebSocketPushDisable' });
  send({ '@type': 'Request', id: 'sync', using: [CORE], methodCalls: [] });
  expect(await next()).toMatchObject({ requestId: 'sync' });
  await client.import('Subject: y\r\n\r\ny', inbox);
  send({ '@type': 'Request', id: 'last', using: [CORE], methodCalls: [] });
  expect(await next()).toMatchObject({ requestId: 'last' });
  socket.close();
});

test('an upgrade without the jmap subprotocol is refused', async () => {
  expect((await client.fetch('/jmap/ws', { headers: { upgrade: 'websocket' } })).status).toBe(400);
  expect((await client.fetch('/jmap/ws')).status).toBe(426);
});

test('an event source tells a change and ends when it was asked to', async () => {
  const answer = await client.fetch('/jmap/eventsource?types=Mailbox,Email&closeafter=state&ping=0');
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  const text = answer.text();
  await client.import('Subject: x\r\n\r\nx', inbox);
  const { state } = await client.call('Email/get', { ids: [] });
  const [event, id, data] = (await text).split('\n');
  expect([event, id]).toEqual(['event: state', `id: ${state}`]);
  expect(JSON.parse(data?.replace('data: ', '') ?? '')).toMatchObject({
    '@type': 'StateChange',
    changed: { [client.accountId]: { Email: state } },
  });
});

/** An open event source whose events are read one by one; undefined at its end. */
async function listen(query: string, headers: Record<string, string> = {}) {
  const answer = await client.fetch(`/jmap/eventsource?${query}`, { headers });
  expect(answer.status).toBe(200);
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const next = async (): Promise<string | undefined> => {
    while (!text.includes('\n\n')) {
      const read = await reader?.read();
      if (!read || read.done) return undefined;
      text += read.value;
    }
    const end = text.indexOf('\n\n');
    const event = text.slice(0, end);
    text = text.slice(end + 2);
    return event;
  };
  return { next, stop: () => reader?.cancel() };
}

/** Resolves once the hub listens for everybody who asked. */
async function heard(listeners: number): Promise<void> {
  const enabled = () =>
    runInDurableObject(
      hubOf(env, client.account.id),
      (_, state) => state.getWebSockets().filter((socket) => (socket.deserializeAttachment() as { enabled: boolean }).enabled).length,
    );
  await vi.waitUntil(async () => (await enabled()) === listeners, { timeout: 20_000, interval: 5 });
}

/** The types and states of a state event. */
function changedIn(event: string | undefined): Record<string, string> {
  const change = JSON.parse(/^data: (.*)$/m.exec(event ?? '')?.[1] ?? '{}') as { changed?: Record<string, Record<string, string>> };
  return change.changed?.[client.accountId] ?? {};
}

test('an event source goes on until its client leaves, and tells only the types asked for, or all', async () => {
  const [some, all] = [await listen('types=Mailbox,Thread&closeafter=no&ping=0'), await listen('types=*&closeafter=no&ping=0')];
  await heard(2);
  for (let round = 0; round < 2; round++) {
    await client.import(`Subject: x${round}\r\n\r\nx`, inbox);
    const { modseq, Mailbox, Thread, Email } = await openMail(env, client.account).states();
    const event = await some.next();
    expect(event).toMatch(new RegExp(`^event: state\nid: ${modseq}\ndata: {"@type":"StateChange"`));
    expect(changedIn(event)).toEqual({ Mailbox, Thread });
    expect(changedIn(await all.next())).toMatchObject({ Email });
  }
  await Promise.all([some.stop(), all.stop()]);
  await client.import('Subject: last\r\n\r\nx', inbox);
  await heard(0);
});

test('a client that comes back is told at once what it missed, and nothing when it missed nothing', async () => {
  const { modseq } = await openMail(env, client.account).states();
  await client.import('Subject: x\r\n\r\nx', inbox);
  const now = await openMail(env, client.account).states();
  const missed = await listen('types=*&closeafter=state&ping=0', { 'last-event-id': String(modseq) });
  const event = await missed.next();
  expect(event).toContain(`id: ${now.modseq}`);
  expect(changedIn(event)).toMatchObject({ Email: now.Email });
  expect(changedIn(event)).not.toHaveProperty('Identity');
  expect(await missed.next()).toBeUndefined();
  const current = await listen('types=Email&closeafter=state&ping=0', { 'last-event-id': String(now.modseq) });
  await heard(1);
  await client.import('Subject: y\r\n\r\ny', inbox);
  expect(changedIn(await current.next())).toEqual({ Email: (await openMail(env, client.account).states()).Email });
});

test('a ping comes when its time has passed since the last event, has no id, and says the interval it was given', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const [hasty, patient] = [await listen('types=Email&closeafter=no&ping=1'), await listen('types=*&closeafter=no&ping=999999')];
  vi.advanceTimersByTime(30_000);
  expect(await hasty.next()).toBe('event: ping\ndata: {"interval":30}');
  vi.advanceTimersByTime(20_000);
  vi.useRealTimers();
  await heard(2);
  await Promise.all([hasty.stop(), patient.stop()]);
});

test('an event puts the next ping off', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const source = await listen('types=Email&closeafter=no&ping=300');
  vi.advanceTimersByTime(299_000);
  await client.import('Subject: x\r\n\r\nx', inbox);
  expect(await source.next()).toMatch(/^event: state/);
  vi.advanceTimersByTime(299_000);
  await client.import('Subject: y\r\n\r\ny', inbox);
  expect(await source.next()).toMatch(/^event: state/);
  vi.advanceTimersByTime(300_000);
  expect(await source.next()).toBe('event: ping\ndata: {"interval":300}');
  await source.stop();
});

test('without ping no timer is set', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const source = await listen('types=Email&closeafter=no&ping=0');
  expect(vi.getTimerCount()).toBe(0);
  await source.stop();
});

test('an event source that is asked for nonsense is refused', async () => {
  for (const query of ['closeafter=never', 'ping=-1', 'ping=x'])
    expect((await client.fetch(`/jmap/eventsource?${query}`)).status).toBe(400);
});
