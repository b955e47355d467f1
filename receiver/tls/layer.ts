/**
 * The TLS layer of a connection, from its first octet (RFC 8314) or since STARTTLS (RFC 9051 §6.2.1; STLS, RFC 2595 §4): its handshake,
 * bounded in time.
 */

import { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';

/** The login timer runs on as well. */
const HANDSHAKE_TIMEOUT_MS = 20_000;
/** Octets. Node's buffer for what comes in has 1,024 at the least; when it is full, another of 16 KB stays beside it. */
const PIECE = 1000;

/**
 * The secured connection; null, and everything closed, when the handshake fails. The layer is made when the client's first octets are
 * there and takes them in small pieces, for Node keeps the buffer that the first piece needs as long as the connection lasts: left to
 * read for itself it makes one of 64 KB (docs/performance.md).
 */
export async function secureLayer(below: Socket, secureContext: SecureContext): Promise<TLSSocket | null> {
  const timer = setTimeout(() => below.destroy(), HANDSHAKE_TIMEOUT_MS);
  try {
    if ((await happens(below, 'readable')) && below.readableLength > 0) {
      below.read = readPiece;
      const secured = new TLSSocket(below, { isServer: true, secureContext });
      if (await happens(secured, 'secure')) return secured;
      secured.destroy();
    }
    below.destroy();
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** In place of a socket's `read`, by which the layer takes what is there already. Whoever asks for a number of octets gets that. */
function readPiece(this: Socket, size = Math.min(this.readableLength, PIECE)): Buffer | null {
  return Socket.prototype.read.call(this, size);
}

/** The client's half may end alone, and then there will be no handshake. */
const ENDS = ['end', 'error', 'close'] as const;

/** False when the connection ends before. Leaves no listener behind. */
function happens(socket: Socket, event: 'readable' | 'secure'): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (happened: boolean) => {
      socket.off(event, yes);
      for (const end of ENDS) socket.off(end, no);
      resolve(happened);
    };
    const yes = () => settle(true);
    const no = () => settle(false);
    socket.on(event, yes);
    for (const end of ENDS) socket.on(end, no);
  });
}
