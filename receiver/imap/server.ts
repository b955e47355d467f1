/** The IMAP server (RFC 9051 §2.1): both listeners, how many connections there may be in all, from one network and of one user. */
import { startListeners } from '../listeners.ts';
import type { Log } from '../log.ts';
import { Connection, type UserCount } from './connection.ts';
import type { Backend } from './session.ts';
import { coded } from './wire/codes.ts';

/** Connections in all: 50 KB each, so a full house is 200 MB at the very worst and usually a tenth of it. */
export const CONNECTIONS_MAX = 4096;
/** From one address (IPv6: one /64). A person's clients hold perhaps ten each; a household shares an address. */
export const CONNECTIONS_PER_NETWORK_MAX = 100;
/** Of one user, from anywhere: ten devices with five connections each. */
export const CONNECTIONS_PER_USER_MAX = 50;

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
  const { listen, ports, tls, backend, hostname, messageSizeLimit, log, timeouts, jmapSession } = options;
  const { total = CONNECTIONS_MAX, perNetwork = CONNECTIONS_PER_NETWORK_MAX, perUser = CONNECTIONS_PER_USER_MAX } = options.limits ?? {};
  const users = countUsers(perUser);
  const listeners = await startListeners({
    listen,
    ports: { plain: ports.imap, secure: ports.imaps },
    tls,
    limits: { total, perNetwork },
    admit: ({ socket, secureContext, local }) =>
      new Connection(socket, { backend, hostname, messageSizeLimit, log, timeouts, jmapSession, users, secureContext, local }),
    turnedAway: {
      network: `* BYE ${coded('LIMIT', 'Too many connections from your network')}`,
      total: `* BYE ${coded('UNAVAILABLE', 'Too many connections')}`,
    },
  });
  return { imap: listeners.plain, imaps: listeners.secure, close: listeners.close, updateTls: listeners.updateTls };
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
