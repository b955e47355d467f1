/**
 * Whose a remote address is, for limits on connections: an IPv4 address is one party, in IPv6 a whole /64 is (RFC 6177
 * gives a household at least that much), because counting single addresses there counts nothing. And whether it is this
 * machine itself, which limits on strangers do not count and which may log in without TLS at a loopback listener.
 */
import { isIP, isIPv4 } from 'node:net';

/** True for 127.0.0.0/8, also as `::ffff:127.x.y.z`, for `::1`, and for the name `localhost`. */
export function isLoopback(address: string): boolean {
  const plain = unmapped(address);
  return plain === '::1' || plain === 'localhost' || (isIPv4(plain) && plain.startsWith('127.'));
}

/** The IPv4 address itself, also when it comes as `::ffff:a.b.c.d`; the first four groups of an IPv6 address. */
export function networkOf(address: string): string {
  const plain = unmapped(address);
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = plain.replace(/%.*$/, '').toLowerCase().split('::');
  const first = groupsOf(head);
  if (tail === undefined) return first.slice(0, 4).join(':');
  const last = groupsOf(tail);
  const zeros = new Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0');
  return [...first, ...zeros, ...last].slice(0, 4).join(':');
}

function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

function groupsOf(text: string): string[] {
  return text.split(':').flatMap((group) => (group === '' ? [] : [group.replace(/^0+(?=.)/, '')]));
}
