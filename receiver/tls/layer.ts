/** The TLS layer that STARTTLS puts over a connection (RFC 9051 §6.2.1; STLS, RFC 2595 §4): its handshake, bounded in time. */

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';

/** The login timer runs on as well. */
const HANDSHAKE_TIMEOUT_MS = 20_000;

/** The secured connection; null, and everything closed, when the handshake fails. */
export async function secureLayer(below: Duplex, secureContext: SecureContext): Promise<TLSSocket | null> {
  const secured = new TLSSocket(below as Socket, { isServer: true, secureContext });
  if (await handshake(secured)) return secured;
  secured.destroy();
  return null;
}

function handshake(socket: TLSSocket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), HANDSHAKE_TIMEOUT_MS);
    const done = (secured: boolean) => {
      clearTimeout(timer);
      resolve(secured);
    };
    socket.once('secure', () => done(true));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
  });
}
