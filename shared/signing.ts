/**
 * The receiver's signature on its calls to the Worker: HMAC-SHA-256 over method, path with query,
 * timestamp and the SHA-256 of the frame header. Calls are idempotent, so a replay inside the window
 * does nothing and no nonces are kept. Runs unchanged in workerd and Node (Web Crypto).
 */

/** Clock difference either way that still verifies; beyond it the Worker answers 401 with its `Date`. */
export const SIGNATURE_WINDOW_MS = 300_000;

export interface SignedRequest {
  method: string;
  /** Path and query as sent, e.g. `/bridge/changes?since=4`. */
  path: string;
  /** Epoch milliseconds. */
  timestamp: number;
  /** Octets of the frame header; empty for calls without a frame. */
  header: Uint8Array;
}

const encoder = new TextEncoder();

/** The key in the form Web Crypto wants. `secret` is the receiver key's 32 octets. */
export function importSigningKey(secret: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', secret.slice().buffer, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
}

/** The value of the `Authorization` header: `Posthouse <receiver>:<timestamp>:<hex mac>`. */
export async function signRequest(key: CryptoKey, receiver: number, request: SignedRequest): Promise<string> {
  const mac = await crypto.subtle.sign('HMAC', key, await signedText(request));
  return `Posthouse ${receiver}:${request.timestamp}:${toHex(new Uint8Array(mac))}`;
}

/** Reads the header apart; null when it is not ours. */
export function parseAuthorization(value: string | undefined | null): { receiver: number; timestamp: number; mac: Uint8Array } | null {
  const match = /^Posthouse (\d{1,15}):(\d{1,15}):([0-9a-f]{64})$/.exec(value ?? '');
  if (!match) return null;
  return { receiver: Number(match[1]), timestamp: Number(match[2]), mac: fromHex(match[3] ?? '') };
}

/** True when `mac` signs `request`. The window is the caller's to check, because it must answer differently. */
export async function verifySignature(key: CryptoKey, mac: Uint8Array, request: SignedRequest): Promise<boolean> {
  return crypto.subtle.verify('HMAC', key, mac.slice().buffer, await signedText(request));
}

async function signedText({ method, path, timestamp, header }: SignedRequest): Promise<ArrayBuffer> {
  const digest = await crypto.subtle.digest('SHA-256', header.slice().buffer);
  return encoder.encode(`${method}\n${path}\n${timestamp}\n${toHex(new Uint8Array(digest))}`).slice().buffer;
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** The octets of an even number of hexadecimal digits. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
