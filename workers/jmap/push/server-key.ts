/** The installation's VAPID key (RFC 8292), which clients subscribe with (RFC 9749). Derived once per isolate, in a millisecond or two. */
import { type ServerKey, serverKeyOf } from '../../../shared/web-push/vapid.ts';
import type { Env } from '../../env.ts';

let derived: { secret: string; key: Promise<ServerKey> } | null = null;

/** The key pair. Another `PEPPER` means another one: then clients see a new session state and subscribe again. */
export function serverKey(env: Env): Promise<ServerKey> {
  if (derived?.secret !== env.PEPPER) derived = { secret: env.PEPPER, key: serverKeyOf(env.PEPPER) };
  return derived.key;
}
