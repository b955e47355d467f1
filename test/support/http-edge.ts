/**
 * The fake bridge over HTTP, for tests in which the way to it matters: real signatures with the edge's own clock, real sockets, and
 * a network between that can swallow everything without a word, as one does that has forgotten a connection.
 */
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { WebSocketServer } from 'ws';
import { EdgeRefused } from '../../receiver/edge.ts';
import { decodeFrame } from '../../shared/frame.ts';
import { type CommitRequest, HEADER_TOKEN } from '../../shared/protocol.ts';
import { parseAuthorization, SIGNATURE_WINDOW_MS } from '../../shared/signing.ts';
import type { FakeBridge } from './fake-bridge.ts';

export class HttpEdge {
  readonly bridge: FakeBridge;
  /** The edge's clock. */
  now: () => number = Date.now;
  /** Requests that came, as `GET /bridge/changes`; refused ones as `401 GET …`. */
  readonly requests: string[] = [];
  readonly #server: http.Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #network: net.Server;
  readonly #wires = new Set<[Socket, Socket]>();

  constructor(bridge: FakeBridge) {
    this.bridge = bridge;
    this.#server = http.createServer((request, response) => void this.#answer(request, response));
    // Nobody promises the receiver how long a connection is kept.
    this.#server.keepAliveTimeout = 0;
    this.#server.on('upgrade', (request: http.IncomingMessage, socket: Socket, head: Buffer) => void this.#upgrade(request, socket, head));
    this.#network = net.createServer((near) => this.#connect(near));
  }

  /** Starts both; answers the URL that goes through the network. */
  async start(): Promise<string> {
    for (const server of [this.#server, this.#network]) await once(server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${portOf(this.#network)}`;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    for (const server of [this.#server, this.#network]) await new Promise((resolve) => server.close(resolve));
  }

  /** Connections that stand. */
  get connections(): number {
    return this.#wires.size;
  }

  /** Connections that stand go dead: what is sent over them arrives nowhere, and neither end is told. New ones work. */
  fallSilent(): void {
    for (const ends of this.#wires) {
      for (const end of ends) {
        end.unpipe();
        end.on('data', () => {});
      }
    }
  }

  cut(): void {
    for (const ends of this.#wires) for (const end of ends) end.destroy();
  }

  #connect(near: Socket): void {
    const far = net.connect(portOf(this.#server), '127.0.0.1');
    const wire: [Socket, Socket] = [near, far];
    this.#wires.add(wire);
    near.pipe(far);
    far.pipe(near);
    for (const end of wire) {
      end.on('error', () => {});
      end.on('close', () => {
        this.#wires.delete(wire);
        for (const other of wire) other.destroy();
      });
    }
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const body = await octets(request);
    response.setHeader('date', new Date(this.now()).toUTCString());
    try {
      this.#checkClock(request);
      const answer = await this.#route(method, new URL(url, 'http://edge'), tokenOf(request), body);
      this.requests.push(`${method} ${url}`);
      response.end(Buffer.isBuffer(answer) ? answer : JSON.stringify(answer));
    } catch (error) {
      response.statusCode = error instanceof EdgeRefused ? error.status : 503;
      this.requests.push(`${response.statusCode} ${method} ${url}`);
      response.end(String(error));
    }
  }

  async #route(method: string, { pathname, searchParams }: URL, token: string, body: Buffer): Promise<unknown> {
    const { bridge } = this;
    const [, first = '', account = '', sha256 = ''] = pathname.split('/');
    if (pathname === '/bridge/changes') return bridge.changes(token, searchParams.get('since') ?? '', Number(searchParams.get('limit')));
    if (pathname === '/bridge/heads') return bridge.heads((searchParams.get('accounts') ?? '').split(',').map(Number));
    if (pathname === '/bridge/commit') {
      const frame = decodeFrame(body);
      if (!frame) throw new EdgeRefused(400, 'no frame');
      return bridge.commit(token, frame.header as CommitRequest, [frame.payload]);
    }
    if (first === 'blob' && method === 'GET') return octets(await bridge.getBlob(token, Number(account), sha256));
    throw new EdgeRefused(404, 'no such route');
  }

  async #upgrade(request: http.IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    try {
      this.#checkClock(request);
      const pushes = await this.bridge.openPush(tokenOf(request));
      this.requests.push('upgrade');
      this.#sockets.handleUpgrade(request, socket, head, (client) => {
        pushes.on('message', (data: Buffer) => client.send(data.toString()));
        pushes.on('close', () => client.close());
        client.on('close', () => pushes.terminate());
      });
    } catch (error) {
      const status = error instanceof EdgeRefused ? error.status : 503;
      this.requests.push(`${status} upgrade`);
      socket.end(`HTTP/1.1 ${status} No\r\nDate: ${new Date(this.now()).toUTCString()}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    }
  }

  #checkClock({ headers }: http.IncomingMessage): void {
    const signed = parseAuthorization(headers.authorization);
    if (!signed || Math.abs(signed.timestamp - this.now()) > SIGNATURE_WINDOW_MS) throw new EdgeRefused(401, 'the clock');
  }
}

function portOf(server: net.Server): number {
  return (server.address() as AddressInfo).port;
}

function tokenOf({ headers }: http.IncomingMessage): string {
  return String(headers[HEADER_TOKEN] ?? '');
}

async function octets(stream: Readable): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
