/**
 * Push, from an SMTP connection to a client's screen: over a WebSocket (RFC 8887), an event source (RFC 8620 §7.3) and a push
 * subscription whose endpoint, on this machine, verifies, decrypts and checks who sent it (RFC 8620 §7.2, RFC 8291, RFC 8292).
 */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { ensureLocalCertificate } from '../../receiver/tls/local-ca.ts';
import { jmap, openSmtp, type Posthouse, type SmtpSender, startPosthouse } from '../support/posthouse.ts';
import { checkVapid, decryptPush, makeClient, type PushClient } from '../support/push-client.ts';

const DELIVERIES = 20;
/** The goal is a second on a quiet machine; ten mean that something polls or waits for a timer. */
const PATIENCE_MS = 10_000;

interface Post {
  headers: Record<string, string | string[] | undefined>;
  body: Uint8Array;
}
interface StateChange {
  '@type': string;
  changed: Record<string, Record<string, string>>;
}

/** Things that come, to be taken one by one. */
class Arrivals<T> {
  readonly #here: T[] = [];
  readonly #awaited: ((thing: T) => void)[] = [];

  put(thing: T): void {
    const awaited = this.#awaited.shift();
    if (awaited) awaited(thing);
    else this.#here.push(thing);
  }

  next(): Promise<T> {
    const here = this.#here.shift();
    return here === undefined ? new Promise((resolve) => this.#awaited.push(resolve)) : Promise.resolve(here);
  }
}

let posthouse: Posthouse;
let smtp: SmtpSender;
let authorization: string;
let endpoint: Server;
let folder: string;
const posts = new Arrivals<Post>();

beforeAll(async () => {
  posthouse = await startPosthouse();
  smtp = await openSmtp(posthouse);
  const { address, appPassword } = posthouse.ready.accounts[0] ?? { address: '', appPassword: '' };
  authorization = `Basic ${Buffer.from(`${address}:${appPassword}`).toString('base64')}`;
  folder = await mkdtemp(path.join(os.tmpdir(), 'posthouse-push-'));
  const { certificate, key } = await ensureLocalCertificate(folder, ['localhost']);
  endpoint = createServer({ cert: await readFile(certificate), key: await readFile(key) }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(201).end();
      posts.put({ headers: request.headers, body: Buffer.concat(chunks) });
    });
  });
  endpoint.listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
});

afterAll(async () => {
  smtp?.close();
  endpoint?.close();
  await posthouse?.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function session(): Promise<{ capabilities: Record<string, Record<string, string>>; eventSourceUrl: string; accounts: object }> {
  return (await fetch(`${posthouse.ready.http}/jmap/session`, { headers: { authorization } })).json() as never;
}

/** Sends one message over SMTP; when its 250 came. */
async function deliver(subject: string): Promise<number> {
  await smtp.send('a@sender.test', ['me@example.test'], Buffer.from(`Subject: ${subject}\r\n\r\nHello\r\n`));
  return performance.now();
}

function changed(text: string): Record<string, string> {
  const change = JSON.parse(text) as StateChange;
  expect(change['@type']).toBe('StateChange');
  return Object.values(change.changed)[0] ?? {};
}

/** Delivers message after message, and says how long after each 250 the client knew. */
async function measure(what: string, next: () => Promise<{ at: number; text: string }>): Promise<void> {
  const waits: number[] = [];
  const states: number[] = [];
  for (let i = 0; i < DELIVERIES; i++) {
    const told = next();
    const accepted = await deliver(`${what} ${i}`);
    const { at, text } = await told;
    states.push(Number(changed(text).EmailDelivery));
    waits.push(Math.max(0, at - accepted));
  }
  expect(states).toEqual([...new Set(states)].sort((a, b) => a - b));
  waits.sort((a, b) => a - b);
  const at = (share: number) => Math.round(waits[Math.ceil(waits.length * share) - 1] ?? 0);
  console.log(`250 to ${what}: median ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms`);
  expect(at(0.95)).toBeLessThan(PATIENCE_MS);
}

test('a message delivered by SMTP reaches a WebSocket client', async () => {
  const { url } = (await session()).capabilities['urn:ietf:params:jmap:websocket'] ?? {};
  const socket = new WebSocket(url ?? '', 'jmap', { headers: { authorization } });
  const messages = new Arrivals<{ at: number; text: string }>();
  socket.on('message', (data) => messages.put({ at: performance.now(), text: String(data) }));
  await once(socket, 'open');
  socket.send(JSON.stringify({ '@type': 'WebSocketPushEnable', dataTypes: ['EmailDelivery'] }));
  socket.send(JSON.stringify({ '@type': 'Request', id: 'r', using: ['urn:ietf:params:jmap:core'], methodCalls: [] }));
  expect(JSON.parse((await messages.next()).text)).toMatchObject({ '@type': 'Response', requestId: 'r' });
  await measure('StateChange on a WebSocket', () => messages.next());
  socket.close();
});

test('a message delivered by SMTP reaches an event source, which goes on after a break where it ended', async () => {
  const { eventSourceUrl } = await session();
  const url = eventSourceUrl.replace('{types}', 'EmailDelivery').replace('{closeafter}', 'no').replace('{ping}', '300');
  const events = new Arrivals<{ at: number; text: string }>();
  let lastId = '';
  const stop = new AbortController();
  const stream = await fetch(url, { headers: { authorization }, signal: stop.signal });
  const reading = readEvents(stream, ({ event, id, data }) => {
    if (event !== 'state') return;
    lastId = id;
    events.put({ at: performance.now(), text: data });
  });
  await measure('StateChange on an event source', () => events.next());
  stop.abort();
  await reading;
  await deliver('while away');
  const again = await fetch(url.replace('closeafter=no', 'closeafter=state'), { headers: { authorization, 'last-event-id': lastId } });
  expect(await again.text()).toMatch(/^event: state\nid: \d+\ndata: .*"EmailDelivery".*\n\n$/);
});

test('a push subscription is verified and then told of new mail, encrypted and signed', async () => {
  const client = await makeClient();
  const url = `https://localhost:${(endpoint.address() as AddressInfo).port}/push`;
  const [[, made]] = (await jmap(posthouse, [
    ['PushSubscription/set', { create: { k: { deviceClientId: 'scenario', url, keys: client.keys, types: ['EmailDelivery'] } } }, 'a'],
  ])) as unknown as [[string, { created: Record<string, { id: string }> | null }]];
  const id = made.created?.k?.id ?? '';
  const verification = (await read(await posts.next(), client)) as { verificationCode: string };
  expect(verification).toMatchObject({ '@type': 'PushVerification', pushSubscriptionId: id });
  const { verificationCode } = verification;
  expect(await jmap(posthouse, [['PushSubscription/set', { update: { [id]: { verificationCode } } }, 'b']])).toMatchObject([
    ['PushSubscription/set', { updated: { [id]: null } }, 'b'],
  ]);
  const accepted = await deliver('pushed');
  const push = await posts.next();
  console.log(`250 to an encrypted push: ${Math.round(Math.max(0, performance.now() - accepted))} ms`);
  const states = changed(JSON.stringify(await read(push, client)));
  expect(Object.keys(states)).toEqual(['EmailDelivery']);
  expect(push.headers).toMatchObject({
    'content-type': 'application/json',
    'content-encoding': 'aes128gcm',
    urgency: 'high',
    ttl: '604800',
  });
  const { applicationServerKey = '' } = (await session()).capabilities['urn:ietf:params:jmap:webpush-vapid'] ?? {};
  const claims = await checkVapid(String(push.headers.authorization), applicationServerKey);
  expect(claims).toMatchObject({ aud: new URL(url).origin, sub: 'mailto:postmaster@example.test' });
  await jmap(posthouse, [['PushSubscription/set', { destroy: [id] }, 'c']]);
});

test('the key that push services know us by is the same after a restart', async () => {
  const before = (await session()).capabilities['urn:ietf:params:jmap:webpush-vapid'];
  smtp.close();
  await posthouse.stop();
  await posthouse.start();
  smtp = await openSmtp(posthouse);
  expect((await session()).capabilities['urn:ietf:params:jmap:webpush-vapid']).toEqual(before);
});

async function read(post: Post, client: PushClient): Promise<unknown> {
  return JSON.parse(await decryptPush(post.body, client));
}

/** Reads a text/event-stream until it ends or is broken off. */
async function readEvents(answer: Response, take: (event: { event: string; id: string; data: string }) => void): Promise<void> {
  let text = '';
  try {
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        const fields = new Map(
          text
            .slice(0, end)
            .split('\n')
            .map((line) => /^(\w+): (.*)$/.exec(line)?.slice(1) as [string, string]),
        );
        take({ event: fields.get('event') ?? '', id: fields.get('id') ?? '', data: fields.get('data') ?? '' });
        text = text.slice(end + 2);
      }
    }
  } catch {
    // Broken off by this test.
  }
}
