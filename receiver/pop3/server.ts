/**
 * POP3 (RFC 1939) over the same mirror as IMAP: the Inbox of an account for programs that speak nothing else. One session at a
 * time has a maildrop (§3); the lock is this process's, and what two receivers remove at once is removed once at the edge.
 */
import type { Backend } from '../imap/session.ts';
import { startListeners } from '../listeners.ts';
import type { Log } from '../log.ts';
import { Pop3Connection } from './connection.ts';

/** A POP3 client holds one connection and not for long. */
const CONNECTIONS_MAX = 1024;
const CONNECTIONS_PER_NETWORK_MAX = 50;

export interface Pop3Options {
  /** Address to bind. */
  listen: string;
  /** 0 asks for a free port. */
  ports: { pop3: number; pop3s: number };
  /** The certificate in PEM, read again by `updateTls`. */
  tls: () => { key: string | Buffer; cert: string | Buffer };
  backend: Backend;
  hostname: string;
  log: Pick<Log, 'warn'>;
  limits?: { total: number; perNetwork: number };
  /** Milliseconds until a client has to be logged in, and until a silent one is let go. */
  timeouts?: { login: number; idle: number };
}

export interface Pop3Server {
  /** The bound ports. */
  pop3: number;
  pop3s: number;
  /** Stops listening, tells all why, waits until they are gone; no maildrop is changed by it. */
  close(): Promise<void>;
  /** Takes the certificate anew for connections to come. */
  updateTls(): void;
}

/** Starts both listeners. Rejects when a port cannot be bound. */
export async function startPop3(options: Pop3Options): Promise<Pop3Server> {
  const { listen, ports, tls, limits = { total: CONNECTIONS_MAX, perNetwork: CONNECTIONS_PER_NETWORK_MAX } } = options;
  const locked = new Set<string>();
  const listeners = await startListeners({
    listen,
    ports: { plain: ports.pop3, secure: ports.pop3s },
    tls,
    limits,
    admit: (admission) => new Pop3Connection(admission, { ...options, locked }),
    turnedAway: { network: '-ERR [SYS/TEMP] Too many connections from your network', total: '-ERR [SYS/TEMP] Too many connections' },
  });
  return { pop3: listeners.plain, pop3s: listeners.secure, close: listeners.close, updateTls: listeners.updateTls };
}
