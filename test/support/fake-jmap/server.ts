/**
 * A stand-in for the Worker, for looking at the webmail without one: serves the built app, logs in by real SCRAM,
 * answers JMAP from memory, pushes over WebSocket. `node test/support/fake-jmap/server.ts --messages 100000 --port 9100`.
 */
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';
import { answerClientFinal, answerClientFirst, makeVerifier, newNonce } from '../../../shared/scram.ts';
import { METHODS } from './methods.ts';
import { PIXEL } from './samples.ts';
import { FakeStore } from './store.ts';
import { makeEmail } from './world.ts';

const DIST = path.join(import.meta.dirname, '../../../workers/webmail/dist');
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};
const COOKIE = '__Host-posthouse=fake';

export interface FakeServer {
  url: string;
  store: FakeStore;
  /** Every request's methods, for tests to look at. */
  calls: [string, Record<string, unknown>][];
  /** Puts a new message into the Inbox and tells the sockets. */
  deliver(subject: string, from?: string): void;
  /** When set, JMAP answers this status. */
  failWith: number | null;
  /** Milliseconds every JMAP answer waits. */
  delay: number;
  close(): Promise<void>;
}

export async function startFake(messages: number, port = 0): Promise<FakeServer> {
  const store = new FakeStore(messages);
  const verifier = await makeVerifier('posthouse-demo', undefined, 4096);
  const exchanges = new Map<string, { bare: string; first: string }>();
  const sockets = new Set<WebSocket>();
  const headers = await securityHeaders();

  const push = () => {
    const changed = { A1: { Email: String(store.modseq), Mailbox: String(store.modseq), Thread: String(store.modseq) } };
    for (const socket of sockets) socket.send(JSON.stringify({ '@type': 'StateChange', changed }));
  };
  const fake: FakeServer = {
    url: '',
    store,
    calls: [],
    failWith: null,
    delay: 0,
    deliver: (subject, from = 'Anna Bergström') => {
      const id = `Mpush${store.modseq}`;
      store.emails.set(id, makeEmail({ id, subject, from: [{ name: from, email: 'anna@nordlicht.example' }] }, 'It arrived just now.'));
      store.touch();
      push();
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.terminate();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };

  const api = (body: { methodCalls: [string, Record<string, unknown>, string][] }) => {
    const before = store.modseq;
    const created = new Map<string, string>();
    const responses: [string, Record<string, unknown>, string][] = [];
    for (const [name, rawArgs, id] of body.methodCalls) {
      const args = resolve(rawArgs, responses);
      fake.calls.push([name, args ?? {}]);
      const result =
        args === null ? { error: 'invalidResultReference' } : (METHODS[name]?.(store, args, created) ?? { error: 'unknownMethod' });
      responses.push('error' in result ? ['error', { type: result.error }, id] : [name, result, id]);
    }
    if (store.modseq !== before) setTimeout(push, 20);
    return { methodResponses: responses, sessionState: '1' };
  };

  const server = http.createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });

  async function handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', fake.url);
    const json = (value: unknown, status = 200, more: Record<string, string> = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...more }).end(JSON.stringify(value));
    const signedIn = request.headers.cookie?.includes(COOKIE) ?? false;
    if (pathname === '/auth/session')
      return void (signedIn ? json({ account: 1, address: 'me@example.test', name: 'Mei Lindqvist' }) : json({}, 401));
    if (pathname === '/auth/scram/start') {
      const body = JSON.parse(String(await read(request))) as { clientFirstBare: string };
      const exchange = newNonce();
      const first = answerClientFirst(body.clientFirstBare, verifier) ?? '';
      exchanges.set(exchange, { bare: body.clientFirstBare, first });
      return void json({ exchange, serverFirst: first });
    }
    if (pathname === '/auth/scram/finish') return void (await finish(request, json));
    if (pathname === '/auth/logout') return void response.writeHead(204, { 'set-cookie': `${COOKIE}; Max-Age=0; Path=/; Secure` }).end();
    if (pathname.startsWith('/jmap/')) {
      if (!signedIn) return void json({}, 401);
      if (fake.delay > 0) await new Promise((resolve) => setTimeout(resolve, fake.delay));
      if (fake.failWith !== null) return void json({ type: 'about:blank', detail: 'The server is having a bad day.' }, fake.failWith);
      return void (await jmap(pathname, request, response, json));
    }
    await asset(pathname, response, headers);
  }

  async function finish(
    request: http.IncomingMessage,
    json: (value: unknown, status?: number, more?: Record<string, string>) => unknown,
  ): Promise<void> {
    const body = JSON.parse(String(await read(request))) as { exchange: string; clientFinal: string };
    const exchange = exchanges.get(body.exchange);
    const isKnown = exchange?.bare.startsWith('n=me@example.test,');
    const serverFinal = exchange && isKnown && (await answerClientFinal(verifier, exchange.bare, exchange.first, body.clientFinal));
    if (!serverFinal) return void json({ status: 'failed' });
    json({ status: 'ok', serverFinal, account: 1, address: 'me@example.test', expires: Date.now() + 1e9 }, 200, {
      'set-cookie': `${COOKIE}; Path=/; Secure; HttpOnly; SameSite=Strict`,
    });
  }

  async function jmap(
    pathname: string,
    request: http.IncomingMessage,
    response: http.ServerResponse,
    json: (value: unknown) => unknown,
  ): Promise<void> {
    if (pathname === '/jmap/session') return void json(session(fake.url));
    if (pathname === '/jmap/api') return void json(api(JSON.parse(String(await read(request)))));
    if (pathname.startsWith('/jmap/upload/')) {
      const bytes = await read(request);
      const blobId = `Gup${store.blobs.size}`;
      store.blobs.set(blobId, { bytes, type: request.headers['content-type'] ?? '' });
      return void json({ accountId: 'A1', blobId, type: request.headers['content-type'], size: bytes.length });
    }
    const name = decodeURIComponent(pathname.split('/').at(-1) ?? 'file');
    const blob = store.blobs.get(pathname.split('/')[4] ?? '');
    const bytes = blob?.bytes ?? (pathname.includes('Bpixel') ? Buffer.from(PIXEL, 'base64') : Buffer.from('fake contents'));
    response
      .writeHead(200, {
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
        'x-content-type-options': 'nosniff',
      })
      .end(bytes);
  }

  const wss = new WebSocketServer({ noServer: true, handleProtocols: () => 'jmap' });
  server.on('upgrade', (request, socket, head) => {
    wss.handleUpgrade(request, socket, head, (client) => {
      sockets.add(client);
      client.on('close', () => sockets.delete(client));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  fake.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  return fake;
}

function session(url: string): unknown {
  return {
    username: 'me@example.test',
    apiUrl: `${url}/jmap/api`,
    uploadUrl: `${url}/jmap/upload/{accountId}/`,
    downloadUrl: `${url}/jmap/download/{accountId}/{blobId}/{name}?accept={type}`,
    primaryAccounts: { 'urn:ietf:params:jmap:mail': 'A1' },
    capabilities: {
      'urn:ietf:params:jmap:core': { maxSizeUpload: 1_000_000 },
      'urn:ietf:params:jmap:websocket': { url: `${url.replace('http', 'ws')}/jmap/ws`, supportsPush: true },
    },
    state: '1',
  };
}

/** RFC 8620 §3.7; null when a reference leads nowhere. */
function resolve(args: Record<string, unknown>, responses: [string, Record<string, unknown>, string][]): Record<string, unknown> | null {
  const resolved: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(args)) {
    if (!name.startsWith('#')) resolved[name] = value;
    else {
      const { resultOf, path: pointer } = value as { resultOf: string; path: string };
      const response = responses.find(([method, , id]) => id === resultOf && method !== 'error');
      if (!response) return null;
      resolved[name.slice(1)] = [...new Set(follow(response[1], pointer.split('/').slice(1)).flat())];
    }
  }
  return resolved;
}

function follow(value: unknown, [step, ...rest]: string[]): unknown[] {
  if (step === undefined) return [value];
  if (step === '*') return (value as unknown[]).flatMap((item) => follow(item, rest));
  return follow((value as Record<string, unknown>)[step], rest);
}

async function read(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The headers of `_headers` for every path, as the asset server of Workers sends them. */
async function securityHeaders(): Promise<Record<string, string>> {
  const text = await readFile(path.join(DIST, '_headers'), 'utf8');
  const block = /^\/\*\n((?: {2}.*\n)+)/m.exec(text)?.[1] ?? '';
  return Object.fromEntries(
    block
      .trim()
      .split('\n')
      .map((line) => [line.trim().split(': ')[0] ?? '', line.trim().split(': ').slice(1).join(': ')]),
  );
}

async function asset(pathname: string, response: http.ServerResponse, headers: Record<string, string>): Promise<void> {
  const file = path.join(DIST, path.normalize(pathname === '/' ? '/index.html' : pathname));
  try {
    const bytes = await readFile(file);
    response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream', ...headers }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
}

if (import.meta.main) {
  const argument = (name: string, otherwise: number) => Number(process.argv[process.argv.indexOf(name) + 1] ?? otherwise) || otherwise;
  const fake = await startFake(argument('--messages', 1000), argument('--port', 9100));
  console.log(`${fake.url} (me@example.test, posthouse-demo)`);
}
