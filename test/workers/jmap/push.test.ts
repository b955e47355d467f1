import { beforeEach, expect, test } from 'vitest';
import { CORE, MAIL } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
let inbox: string;
beforeEach(async () => {
  client = await makeClient();
  inbox = (await client.roles()).inbox ?? '';
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

test('an event source that is asked for nonsense is refused', async () => {
  for (const query of ['closeafter=never', 'ping=-1', 'ping=x'])
    expect((await client.fetch(`/jmap/eventsource?${query}`)).status).toBe(400);
});
