/**
 * The IMAP listeners (RFC 9051 §2.1): one with STARTTLS, one with TLS from the first octet; how many connections there may
 * be, in all and from one network; certificates swapped while connections live; a shutdown that says goodbye.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer, type SecureContext } from 'node:tls';
import type { Log } from '../log.ts';
import { isLoopback, networkOf } from '../network.ts';
import { Connection, type UserCount } from './connection.ts';
import type { Backend } from './session.ts';

/** Connections in all: 50 KB each, so a full house is 200 MB at the very worst and usually a tenth of it. */
export const CONNECTIONS_MAX = 4096;
/** From one address (IPv6: one /64). A person's clients hold perhaps ten each; a household shares an address. */
export const CONNECTIONS_PER_NETWORK_MAX = 100;
/** Of one user, from anywhere: ten devices with five connections each. */
export const CONNECTIONS_PER_USER_MAX = 50;
/** TLS handshakes at once: a few milliseconds each, 20 s for who never ends it. */
export const HANDSHAKES_MAX = 256;
/** How long a shutdown waits for clients to read their BYE. */
const GOODBYE_MS = 2_500;

export interface ImapOptions {
  /** Address to bind. */
  listen: string;
  /** 0 asks for a free port. */
  ports: { imap: number; imaps: number };
  /** The certificate in PEM, read again by `updateTls`. */
  tls: () => { key: string | Buffer; cert: string | Buffer };
  backend: Backend;
  hostname: string;
  /** Octets: APPENDLIMIT. */
  messageSizeLimit: number;
  log: Pick<Log, 'warn'>;
  limits?: { total: number; perNetwork: number; perUser?: number };
  /** The URL of the JMAP session object, for JMAPACCESS; absent when clients cannot reach it. */
  jmapSession?: string | null;
  /** Milliseconds until a client has to be logged in, until a silent one is let go, between notes of progress. */
  timeouts?: { login: number; idle: number; progress?: number };
}
export interface ImapServer {
  /** The bound ports. */
  imap: number;
  imaps: number;
  /** Stops listening, says BYE to all, waits until they are gone. */
  close(): Promise<void>;
  /** Takes the certificate anew for connections to come. */
  updateTls(): void;
}

/** Starts both listeners. Rejects when a port cannot be bound. */
export async function startImap(options: ImapOptions): Promise<ImapServer> {
  let context: SecureContext = createSecureContext(options.tls());
  const house = new House(options, () => context);
  const plain = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => house.admit(socket, false));
  const secure = createTlsServer({ ...options.tls(), noDelay: true, handshakeTimeout: 20_000 }, (socket) => house.admit(socket, true));
  // A failed handshake is the client's affair; the socket is gone already.
  secure.on('tlsClientError', () => {});
  // Handshakes that are still going on count here only.
  plain.maxConnections = secure.maxConnections = (options.limits?.total ?? CONNECTIONS_MAX) + HANDSHAKES_MAX;
  const imap = await listen(plain, options.ports.imap, options.listen);
  const imaps = await listen(secure, options.ports.imaps, options.listen).catch((error: unknown) => {
    plain.close();
    throw error;
  });
  return {
    imap,
    imaps,
    updateTls: () => {
      context = createSecureContext(options.tls());
      secure.setSecureContext(options.tls());
    },
    close: async () => {
      await Promise.all([stop(plain), stop(secure), house.empty()]);
    },
  };
}

/** Who is connected. */
class House {
  readonly #options: ImapOptions;
  readonly #context: () => SecureContext;
  readonly #guests = new Map<Connection, { socket: Socket; left: Promise<void> }>();
  readonly #perNetwork = new Map<string, number>();
  readonly #users: UserCount;
  readonly #limits: { total: number; perNetwork: number };
  readonly #local: boolean;

  constructor(options: ImapOptions, context: () => SecureContext) {
    this.#options = options;
    this.#context = context;
    this.#limits = options.limits ?? { total: CONNECTIONS_MAX, perNetwork: CONNECTIONS_PER_NETWORK_MAX };
    this.#local = isLoopback(options.listen);
    this.#users = countUsers(options.limits?.perUser ?? CONNECTIONS_PER_USER_MAX);
  }

  admit(socket: Socket, secure: boolean): void {
    const address = socket.remoteAddress ?? '';
    const network = networkOf(address);
    const count = this.#perNetwork.get(network) ?? 0;
    const crowded = count >= this.#limits.perNetwork && !isLoopback(address);
    if (crowded || this.#guests.size >= this.#limits.total) {
      turnAway(socket, crowded ? '[LIMIT] Too many connections from your network' : '[UNAVAILABLE] Too many connections');
      return;
    }
    this.#perNetwork.set(network, count + 1);
    const { backend, hostname, messageSizeLimit, log, timeouts, jmapSession } = this.#options;
    const connection = new Connection(socket, {
      backend,
      hostname,
      messageSizeLimit,
      log,
      timeouts,
      jmapSession,
      users: this.#users,
      secureContext: secure ? null : this.#context,
      local: this.#local && isLoopback(address),
    });
    const left = connection.serve().then(() => this.#leave(connection, network));
    this.#guests.set(connection, { socket, left });
  }

  async empty(): Promise<void> {
    const guests = [...this.#guests];
    for (const [connection] of guests) connection.bye('Server is shutting down', 'UNAVAILABLE');
    const timer = setTimeout(() => {
      for (const [, { socket }] of guests) socket.destroy();
    }, GOODBYE_MS);
    await Promise.all(guests.map(([, { socket, left }]) => Promise.all([left, closed(socket)])));
    clearTimeout(timer);
  }

  #leave(connection: Connection, network: string): void {
    this.#guests.delete(connection);
    const count = (this.#perNetwork.get(network) ?? 1) - 1;
    if (count > 0) this.#perNetwork.set(network, count);
    else this.#perNetwork.delete(network);
  }
}

/** By address, which names one account whatever alias was used to log in. */
function countUsers(max: number): UserCount {
  const counts = new Map<string, number>();
  return {
    enter(address) {
      const count = counts.get(address) ?? 0;
      if (count < max) counts.set(address, count + 1);
      return count < max;
    },
    leave(address) {
      const count = (counts.get(address) ?? 1) - 1;
      if (count > 0) counts.set(address, count);
      else counts.delete(address);
    },
  };
}

function turnAway(socket: Socket, reason: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(`* BYE ${reason}\r\n`, () => socket.destroy());
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function closed(socket: Socket): Promise<void> {
  return socket.destroyed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()));
}
