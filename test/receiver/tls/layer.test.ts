/** The TLS layer against clients that shake hands in every way, and those that do not. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectSecurely, createSecureContext, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { secureLayer } from '../../../receiver/tls/layer.ts';
import { certificate } from '../../support/imap-server.ts';

const context = createSecureContext(certificate());
const server = createServer({ allowHalfOpen: true });
beforeAll(() => once(server.listen(0, '127.0.0.1'), 'listening'));
afterAll(() => new Promise((resolve) => server.close(resolve)));

/** A new connection: the client's end, and what becomes of the server's. */
function meet(): { socket: Socket; secured: Promise<TLSSocket | null> } {
  const secured = once(server, 'connection').then(([below]) => secureLayer(below as Socket, context));
  return { socket: connect((server.address() as AddressInfo).port, '127.0.0.1'), secured };
}

/** Sends every octet by itself. */
class Shreds extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket.setNoDelay(true);
    socket.on('data', (chunk) => this.push(chunk)).on('end', () => this.push(null));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const next = (at: number) => {
      if (at === chunk.length) done();
      else this.#socket.write(chunk.subarray(at, at + 1), () => next(at + 1));
    };
    next(0);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }
}

test.for([
  ['TLSv1.2', 'in pieces', 500_000],
  ['TLSv1.3', 'in pieces', 500_000],
  ['TLSv1.2', 'octet by octet', 2000],
  ['TLSv1.3', 'octet by octet', 2000],
] as const)('%s: what the client sends %s arrives, from the first octet on', async ([maxVersion, manner, octets]) => {
  const { socket, secured } = meet();
  const client = connectSecurely({ socket: manner === 'in pieces' ? socket : new Shreds(socket), rejectUnauthorized: false, maxVersion });
  const sent = Buffer.alloc(octets, 'posthouse ');
  client.write(sent);
  const arrived = await secured;
  if (!arrived) throw new Error('no handshake');
  expect(arrived.getProtocol()).toBe(maxVersion);
  expect((await octetsFrom(arrived, octets)).equals(sent)).toBe(true);
  client.destroy();
  arrived.destroy();
});

test('a client that comes again need not shake hands in full', async () => {
  const first = meet();
  const client = connectSecurely({ socket: first.socket, rejectUnauthorized: false }).resume();
  const ticket = once(client, 'session');
  const secured = await first.secured;
  secured?.write('* OK');
  const [session] = await ticket;
  client.destroy();
  secured?.destroy();
  const second = meet();
  const again = connectSecurely({ socket: second.socket, rejectUnauthorized: false, session: session as Buffer });
  await once(again, 'secureConnect');
  expect(again.isSessionReused()).toBe(true);
  again.destroy();
  (await second.secured)?.destroy();
});

/** Ways of not shaking hands. */
const LEAVING: [string, (socket: Socket) => unknown][] = [
  ['speaks no TLS', (socket) => socket.write('a1 LOGIN me secret\r\n')],
  ['leaves without a word', (socket) => socket.end()],
  ['ends in the middle of the handshake', (socket) => socket.end(Buffer.from([22, 3, 1, 2, 0, 1]))],
  ['breaks off', (socket) => socket.resetAndDestroy()],
];

test.for(LEAVING)('who %s is let go', async ([, leave]) => {
  const { socket, secured } = meet();
  socket.on('error', () => {}).resume();
  await once(socket, 'connect');
  leave(socket);
  expect(await secured).toBeNull();
  if (!socket.closed) await once(socket, 'close');
});

async function octetsFrom(socket: TLSSocket, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of socket) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= count) break;
  }
  return Buffer.concat(chunks);
}
