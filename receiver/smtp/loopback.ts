/** Whether a client is this machine itself: limits on strangers do not count it. */
import { isIPv4 } from 'node:net';

export function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return plain === '::1' || plain === 'localhost' || (isIPv4(plain) && plain.startsWith('127.'));
}
