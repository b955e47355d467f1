/**
 * Where a client may have us push to (RFC 8620 §7.2, §8.6): a public https host by name. A server that posts to any URL
 * it is told is a way into private networks, so addresses, local names and odd ports are refused; what the name resolves
 * to is the network's to refuse, as Cloudflare's does.
 */

/** Characters of a URL; push services use a few hundred. */
export const ENDPOINT_MAX = 2048;
/** Names that mean this machine or its neighbours (RFC 6761, RFC 6762, RFC 8375, and by custom), and Tor's. */
const LOCAL_NAMES = /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home|corp|private|home\.arpa|onion)$/;
/** Ports below this are other protocols' (RFC 6335). */
const FREE_PORTS = 1024;

/** A usable endpoint, and whether it is this very machine; or why it is refused. */
export type Endpoint = { url: string; origin: string; isLoopback: boolean } | { refused: string };

/** Reads an endpoint. `allowLoopback`: http and https to this machine as well, for the embedded default. */
export function readEndpoint(text: string, allowLoopback: boolean): Endpoint {
  if (text.length > ENDPOINT_MAX) return { refused: `must have at most ${ENDPOINT_MAX} characters` };
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:\/\//i.test(text)) return { refused: 'must be an absolute https URL' };
  if (url.username !== '' || url.password !== '') return { refused: 'must carry no user name or password' };
  const isLoopback = allowLoopback && isLoopbackHost(url.hostname);
  const refused = isLoopback ? null : fault(url);
  return refused === null ? { url: url.href, origin: url.origin, isLoopback } : { refused };
}

function fault(url: URL): string | null {
  if (url.protocol !== 'https:') return 'must begin with https://';
  const host = url.hostname.replace(/\.$/, '');
  // The parser has brought every way to write an IPv4 address (0x7f.1, 2130706433) into dotted form.
  if (host.startsWith('[') || /^[\d.]+$/.test(host)) return 'must name its host, not give an address';
  if (!host.includes('.') || LOCAL_NAMES.test(host)) return 'must name a public host';
  const port = url.port === '' ? 443 : Number(url.port);
  return port === 443 || port >= FREE_PORTS ? null : 'must use port 443, or one from 1024';
}

function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
