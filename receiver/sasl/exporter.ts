/** The channel binding `tls-exporter` (RFC 9266 §4): key material that both ends of one TLS 1.3 channel share, and nobody else. */
import { TLSSocket } from 'node:tls';

const LABEL = 'EXPORTER-Channel-Binding';
const OCTETS = 32;

/** Null without TLS 1.3: before it the exporter does not bind (RFC 9266 §4.2). */
export function tlsExporter(socket: unknown): Uint8Array | null {
  if (!(socket instanceof TLSSocket) || socket.getProtocol() !== 'TLSv1.3') return null;
  return socket.exportKeyingMaterial(OCTETS, LABEL, Buffer.alloc(0));
}
