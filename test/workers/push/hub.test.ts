/** The hub: who is told what when the clock moves (RFC 8620 §7.1, RFC 8887 §4.3.5), over real WebSockets. */
import { env } from 'cloudflare:test';
import { beforeEach, expect, test } from 'vitest';
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
  const headers = { upgrade: 'websocket', 'x-posthouse-socket': kind, 'x-posthouse-account': JSON.stringify(of) };
  const answer = await hubOf(env, of.id).fetch('https://hub/socket', { headers });
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
