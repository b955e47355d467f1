/** The hub: who is told what when the clock moves (RFC 8620 §7.1, RFC 8887 §4.3.5), over real WebSockets. */
import { env, evictDurableObject } from 'cloudflare:test';
import { beforeEach, expect, test } from 'vitest';
import { socketHeaders } from '../../../workers/jmap/push/hub-calls.ts';
import { hubOf, openMail } from '../../../workers/store/mail/index.ts';
import type { Account } from '../../../workers/store/mail/types.ts';
import { createAccount, deliverRaw, rawMessage } from '../../support/mail.ts';

let account: Account;
beforeEach(async () => {
  account = await createAccount(env);
});

/** An open socket whose messages can be waited for. */
class Listener {
  readonly #received: unknown[] = [];
  readonly #waiting: ((message: unknown) => void)[] = [];
  readonly socket: WebSocket;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.accept();
    socket.addEventListener('message', ({ data }) => {
      const message: unknown = JSON.parse(String(data));
      const waiting = this.#waiting.shift();
      if (waiting) waiting(message);
      else this.#received.push(message);
    });
  }

  next(): Promise<unknown> {
    const received = this.#received.shift();
    return received === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(received);
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }
}

async function listen(kind: 'bridge' | 'jmap', of = account): Promise<Listener> {
  const answer = await hubOf(env, of.id).fetch('https://hub/socket', { headers: socketHeaders(kind, of) });
  if (!answer.webSocket) throw new Error(`no socket: ${answer.status}`);
  return new Listener(answer.webSocket);
}

/** Answers once everything sent before it has been handled. */
async function settled(listener: Listener): Promise<unknown> {
  listener.send({ '@type': 'Request', id: 'r', using: ['urn:ietf:params:jmap:core'], methodCalls: [['Core/echo', { here: true }, '0']] });
  return listener.next();
}

test('a receiver is told the new modseq', async () => {
  const bridge = await listen('bridge');
  await deliverRaw(env, account, rawMessage());
  expect(await bridge.next()).toEqual({ modseq: (await openMail(env, account).states()).modseq });
});

test('a JMAP client is told the types it enabled, after it enabled them', async () => {
  const client = await listen('jmap');
  await deliverRaw(env, account, rawMessage());
  client.send({ '@type': 'WebSocketPushEnable', dataTypes: ['Email', 'Mailbox'] });
  expect(await settled(client)).toMatchObject({ '@type': 'Response', requestId: 'r' });
  await deliverRaw(env, account, rawMessage());
  const { modseq, Email, Mailbox } = await openMail(env, account).states();
  const expected = { '@type': 'StateChange', changed: { [`A${account.id}`]: { Email, Mailbox } }, pushState: String(modseq) };
  expect(await client.next()).toEqual(expected);
});

test('types that did not change, and a client that disabled push, are not told', async () => {
  const client = await listen('jmap');
  client.send({ '@type': 'WebSocketPushEnable', dataTypes: ['Identity'] });
  await settled(client);
  await deliverRaw(env, account, rawMessage());
  await openMail(env, account).changeIdentities({ create: [{ email: 'me@example.test' }] });
  expect(await client.next()).toMatchObject({ changed: { [`A${account.id}`]: { Identity: expect.any(String) } } });
  client.send({ '@type': 'WebSocketPushDisable' });
  await settled(client);
  await openMail(env, account).changeIdentities({ create: [{ email: 'you@example.test' }] });
  expect(await settled(client)).toMatchObject({ '@type': 'Response' });
});

test('a client that comes back with an old push state is told at once where things stand', async () => {
  const { modseq } = await openMail(env, account).states();
  await deliverRaw(env, account, rawMessage());
  const client = await listen('jmap');
  client.send({ '@type': 'WebSocketPushEnable', dataTypes: null, pushState: String(modseq) });
  expect(await client.next()).toMatchObject({ '@type': 'StateChange', pushState: String(modseq + 1) });
});

test("another account's mail is not heard", async () => {
  const neighbour = await createAccount(env);
  const [mine, theirs] = [await listen('bridge'), await listen('bridge', neighbour)];
  await deliverRaw(env, neighbour, rawMessage());
  await theirs.next();
  await deliverRaw(env, account, rawMessage());
  expect(await mine.next()).toEqual({ modseq: (await openMail(env, account).states()).modseq });
});

test('octets on a JMAP socket close it, text on a bridge socket is ignored', async () => {
  const [client, bridge] = [await listen('jmap'), await listen('bridge')];
  const closed = new Promise<number>((resolve) => client.socket.addEventListener('close', ({ code }) => resolve(code)));
  client.socket.send(new Uint8Array([1, 2, 3]));
  expect(await closed).toBe(1003);
  bridge.socket.send('hello');
  await deliverRaw(env, account, rawMessage());
  expect(await bridge.next()).toHaveProperty('modseq');
});

test('nonsense on a JMAP socket is answered with a RequestError and the socket stays', async () => {
  const client = await listen('jmap');
  client.socket.send('{');
  expect(await client.next()).toMatchObject({ '@type': 'RequestError' });
  expect(await settled(client)).toMatchObject({ '@type': 'Response' });
});

test('sockets beyond the bound are refused', async () => {
  const sockets = await Promise.all(Array.from({ length: 100 }, () => listen('bridge')));
  await expect(listen('bridge')).rejects.toThrow('503');
  for (const { socket } of sockets) socket.close();
});

test('what a socket asked for is remembered while the hub sleeps', async () => {
  const [client, bridge] = [await listen('jmap'), await listen('bridge')];
  client.send({
    '@type': 'WebSocketPushEnable',
    dataTypes: ['Email', 'NoSuchType', ...Array.from({ length: 60 }, () => 'x'.repeat(1000))],
  });
  expect(await settled(client)).toMatchObject({ requestId: 'r' });
  await evictDurableObject(hubOf(env, account.id), { webSockets: 'hibernate' });
  await deliverRaw(env, account, rawMessage());
  const { modseq, Email } = await openMail(env, account).states();
  expect(await client.next()).toMatchObject({ changed: { [`A${account.id}`]: { Email } } });
  expect(await bridge.next()).toEqual({ modseq });
  expect(await settled(client)).toMatchObject({ '@type': 'Response' });
});

test('several clients of one account are each told what they asked for', async () => {
  const [one, two, three] = [await listen('jmap'), await listen('jmap'), await listen('jmap')];
  one.send({ '@type': 'WebSocketPushEnable', dataTypes: ['Email'] });
  two.send({ '@type': 'WebSocketPushEnable', dataTypes: ['Mailbox'] });
  for (const client of [one, two, three]) await settled(client);
  await deliverRaw(env, account, rawMessage());
  const { Email, Mailbox } = await openMail(env, account).states();
  expect(await one.next()).toMatchObject({ changed: { [`A${account.id}`]: { Email } } });
  expect(await two.next()).toMatchObject({ changed: { [`A${account.id}`]: { Mailbox } } });
  expect(await settled(three)).toMatchObject({ '@type': 'Response' });
});

test('enabling push again replaces what was asked for before', async () => {
  const client = await listen('jmap');
  client.send({ '@type': 'WebSocketPushEnable', dataTypes: ['Email'] });
  client.send({ '@type': 'WebSocketPushEnable', dataTypes: ['Thread'] });
  await settled(client);
  await deliverRaw(env, account, rawMessage());
  const change = (await client.next()) as { changed: Record<string, object> };
  expect(Object.keys(change.changed[`A${account.id}`] ?? {})).toEqual(['Thread']);
});

test('a push state tells only what changed since, and one that is none of ours tells everything', async () => {
  const bridge = await listen('bridge');
  await deliverRaw(env, account, rawMessage());
  await bridge.next();
  const { modseq } = await openMail(env, account).states();
  const client = await listen('jmap');
  client.send({ '@type': 'WebSocketPushEnable', dataTypes: null, pushState: String(modseq) });
  expect(await settled(client)).toMatchObject({ '@type': 'Response' });
  client.send({ '@type': 'WebSocketPushDisable' });
  expect(await settled(client)).toMatchObject({ '@type': 'Response' });
  await openMail(env, account).changeIdentities({ create: [{ email: 'me@example.test' }] });
  // The hub hears of changes after their answer: what it is told belongs to nobody's later wish.
  await bridge.next();
  client.send({ '@type': 'WebSocketPushEnable', dataTypes: null, pushState: String(modseq) });
  const since = (await client.next()) as { changed: Record<string, object> };
  expect(Object.keys(since.changed[`A${account.id}`] ?? {})).toEqual(['Identity']);
  for (const pushState of ['nonsense', '999999', '', '-1', '9'.repeat(400)]) {
    client.send({ '@type': 'WebSocketPushEnable', dataTypes: ['Email', 'Mailbox'], pushState });
    const change = (await client.next()) as { changed: Record<string, object> };
    expect(Object.keys(change.changed[`A${account.id}`] ?? {}), pushState).toEqual(['Mailbox', 'Email']);
  }
});

test('a client that asks without end is made to wait, and then refused with the limit named', async () => {
  const client = await listen('jmap');
  const calls = 60;
  for (let i = 0; i < calls; i++) {
    const methodCalls = [['Mailbox/get', { accountId: `A${account.id}`, ids: null }, '0']];
    client.send({ '@type': 'Request', id: `r${i}`, using: ['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:mail'], methodCalls });
  }
  const answers: Record<string, unknown>[] = [];
  while (answers.length < calls) answers.push((await client.next()) as Record<string, unknown>);
  expect(new Set(answers.map(({ requestId }) => requestId)).size).toBe(calls);
  const refused = answers.filter((answer) => answer['@type'] === 'RequestError');
  expect(refused.length).toBeLessThan(calls);
  for (const error of refused) expect(error).toMatchObject({ type: 'urn:ietf:params:jmap:error:limit', limit: 'maxConcurrentRequests' });
  expect(await settled(client)).toMatchObject({ '@type': 'Response' });
});

test('an account whose name is not ASCII has its sockets too', async () => {
  const fields = socketHeaders('jmap', { ...account, name: '驿站 Jörg' });
  expect([JSON.parse(fields['x-posthouse-account'] ?? '').name, Object.values(fields).join()]).toEqual([
    '驿站 Jörg',
    expect.stringMatching(/^[ -~]*$/),
  ]);
  const client = await listen('jmap', { ...account, name: '驿站 Jörg' });
  expect(await settled(client)).toMatchObject({ '@type': 'Response' });
});
