/**
 * The two listeners of a mail protocol, one with STARTTLS and one with TLS from the first octet (RFC 8314): how many
 * connections there may be, in all and from one network; certificates swapped while connections live; a shutdown that
 * says goodbye. IMAP and POP3 differ in what they say, not in this.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext } from 'node:tls';
import { listen } from './listen.ts';
import { isLoopback, networkOf } from './network.ts';
import { secureLayer } from './tls/layer.ts';

/** TLS handshakes at once: a few milliseconds each, 20 s for who never ends it. */
export const HANDSHAKES_MAX = 256;
/** A client may end its half first and still read its answers. */
const SOCKET = { noDelay: true, allowHalfOpen: true };
/** How long a shutdown waits for clients to read their goodbye. */
const GOODBYE_MS = 2_500;
/** How long a closing connection may take to read our last words. */
const LINGER_MS = 2_000;

/** One connection that is being served. */
export interface Guest {
  /** Until it leaves. Never rejects. */
  serve(): Promise<void>;
  /** Says why and ends it, as soon as what is being written is whole. */
  dismiss(reason: string): void;
}

/** What a protocol is told of a new connection. */
export interface Admission {
  socket: Socket;
  /** Null: TLS is there already. */
  secureContext: (() => SecureContext) | null;
  /** Listener and client are both loopback: a password may travel without TLS (as Dovecot does). */
  local: boolean;
}

export interface ListenersOptions {
  /** Address to bind. */
  listen: string;
  /** 0 asks for a free port. */
  ports: { plain: number; secure: number };
  /** The certificate in PEM, read again by `updateTls`. */
  tls: () => { key: string | Buffer; cert: string | Buffer };
  limits: { total: number; perNetwork: number };
  admit(admission: Admission): Guest;
  /** The line for a connection beyond a limit: of its network, or of all. */
  turnedAway: { network: string; total: string };
}

export interface Listeners {
  /** The bound ports. */
  plain: number;
  secure: number;
  /** Stops listening, says goodbye to all, waits until they are gone. */
  close(): Promise<void>;
  /** Takes the certificate anew for connections to come. */
  updateTls(): void;
}

/** Starts both listeners. Rejects when a port cannot be bound. */
export async function startListeners(options: ListenersOptions): Promise<Listeners> {
  // Which cipher is for the server to say, as Node's own TLS server has it.
  const newContext = () => createSecureContext({ ...options.tls(), honorCipherOrder: true });
  let context: SecureContext = newContext();
  const house = new House(options, () => context);
  const plain = createServer(SOCKET, (socket) => house.admit(socket, false));
  const knocking = new Set<Socket>();
  const secure = createServer(SOCKET, async (socket) => {
    knocking.add(socket);
    const secured = await secureLayer(socket, context);
    knocking.delete(socket);
    if (secured) house.admit(secured, true);
  });
  // Handshakes that are still going on count here only.
  plain.maxConnections = secure.maxConnections = options.limits.total + HANDSHAKES_MAX;
  const plainPort = await listen(plain, options.listen, options.ports.plain);
  const securePort = await listen(secure, options.listen, options.ports.secure).catch((error: unknown) => {
    plain.close();
    throw error;
  });
  return {
    plain: plainPort,
    secure: securePort,
    updateTls: () => {
      context = newContext();
    },
    close: async () => {
      for (const socket of knocking) socket.destroy();
      await Promise.all([stop(plain), stop(secure), house.empty()]);
    },
  };
}

/** Who is connected. */
class House {
  readonly #options: ListenersOptions;
  readonly #context: () => SecureContext;
  readonly #guests = new Map<Guest, { socket: Socket; left: Promise<void> }>();
  readonly #perNetwork = new Map<string, number>();
  readonly #local: boolean;

  constructor(options: ListenersOptions, context: () => SecureContext) {
    this.#options = options;
    this.#context = context;
    this.#local = isLoopback(options.listen);
  }

  admit(socket: Socket, secure: boolean): void {
    const { limits, admit, turnedAway } = this.#options;
    const address = socket.remoteAddress ?? '';
    const network = networkOf(address);
    const count = this.#perNetwork.get(network) ?? 0;
    const crowded = count >= limits.perNetwork && !isLoopback(address);
    if (crowded || this.#guests.size >= limits.total) {
      turnAway(socket, crowded ? turnedAway.network : turnedAway.total);
      return;
    }
    this.#perNetwork.set(network, count + 1);
    const guest = admit({ socket, secureContext: secure ? null : this.#context, local: this.#local && isLoopback(address) });
    const left = guest.serve().then(() => this.#leave(guest, network));
    this.#guests.set(guest, { socket, left });
  }

  async empty(): Promise<void> {
    const guests = [...this.#guests];
    for (const [guest] of guests) guest.dismiss('Server is shutting down');
    const timer = setTimeout(() => {
      for (const [, { socket }] of guests) socket.destroy();
    }, GOODBYE_MS);
    await Promise.all(guests.map(([, { socket, left }]) => Promise.all([left, closed(socket)])));
    clearTimeout(timer);
  }

  #leave(guest: Guest, network: string): void {
    this.#guests.delete(guest);
    const count = (this.#perNetwork.get(network) ?? 1) - 1;
    if (count > 0) this.#perNetwork.set(network, count);
    else this.#perNetwork.delete(network);
  }
}

/** Ends a connection once the client has had time to read our last words. */
export function endSocket(socket: Duplex): void {
  if (socket.destroyed) return;
  socket.end();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
}

function turnAway(socket: Socket, line: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(`${line}\r\n`, () => socket.destroy());
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function closed(socket: Socket): Promise<void> {
  return socket.destroyed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()));
}
