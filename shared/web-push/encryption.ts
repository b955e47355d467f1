/**
 * Message encryption for Web Push (RFC 8291) in the aes128gcm coding (RFC 8188): a push service carries what only the
 * client can read. One record, so a push is bounded by the 4,096 octets that every push service takes (RFC 8030 §7.2).
 */
import { toBase64Url } from './base64url.ts';

/** What the client made for its subscription (RFC 8291 §2.1, §2.2). */
export interface ClientKeys {
  /** Uncompressed point on P-256, 65 octets. */
  p256dh: Uint8Array<ArrayBuffer>;
  /** Authentication secret, 16 octets. */
  auth: Uint8Array<ArrayBuffer>;
}

/** Fresh for every message; a test gives those of the RFC's example. */
export interface Freshness {
  pair: CryptoKeyPair;
  salt: Uint8Array<ArrayBuffer>;
}

export const POINT_OCTETS = 65;
export const AUTH_OCTETS = 16;
const SALT_OCTETS = 16;
/** RFC 8291 §4: one record, whose size says no less than what it holds. */
const RECORD_SIZE = 4096;
/** Header, delimiter and authentication tag. */
const OVERHEAD = SALT_OCTETS + 4 + 1 + POINT_OCTETS + 1 + 16;
/** Octets of plain text one push can carry. */
export const PLAINTEXT_MAX = RECORD_SIZE - OVERHEAD;
/** RFC 8188 §2: marks the last record. */
const LAST_RECORD = 2;

const P256 = { name: 'ECDH', namedCurve: 'P-256' };
const encoder = new TextEncoder();

/** The client's public key, imported; null when it is no point of the curve. */
export async function importClientKey(p256dh: Uint8Array<ArrayBuffer>): Promise<CryptoKey | null> {
  if (p256dh.length !== POINT_OCTETS) return null;
  try {
    return await crypto.subtle.importKey('raw', p256dh, P256, false, []);
  } catch {
    return null;
  }
}

/** The body of a push with `Content-Encoding: aes128gcm`. Throws RangeError when the text is too long or the key is none. */
export async function encryptPush(text: string, keys: ClientKeys, fresh?: Freshness): Promise<Uint8Array<ArrayBuffer>> {
  const plain = encoder.encode(text);
  if (plain.length > PLAINTEXT_MAX) throw new RangeError(`a push of ${plain.length} octets`);
  const { pair, salt } = fresh ?? (await refresh());
  const client = await importClientKey(keys.p256dh);
  if (!client) throw new RangeError('p256dh is no public key');
  const own = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const secret = await crypto.subtle.deriveBits({ name: 'ECDH', public: client }, pair.privateKey, 256);
  // RFC 8291 §3.3, §3.4.
  const info = joined([encoder.encode('WebPush: info\0'), keys.p256dh, own]);
  const keyMaterial = await hkdf(new Uint8Array(secret), keys.auth, info, 32);
  const contentKey = await hkdf(keyMaterial, salt, encoder.encode('Content-Encoding: aes128gcm\0'), 16);
  const nonce = await hkdf(keyMaterial, salt, encoder.encode('Content-Encoding: nonce\0'), 12);
  const aes = await crypto.subtle.importKey('raw', contentKey, 'AES-GCM', false, ['encrypt']);
  const record = joined([plain, Uint8Array.of(LAST_RECORD)]);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, aes, record));
  return joined([salt, sizeField(), Uint8Array.of(own.length), own, sealed]);
}

/** HKDF-SHA-256 (RFC 5869). */
export async function hkdf(
  secret: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
  info: Uint8Array<ArrayBuffer>,
  octets: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, key, octets * 8));
}

/** A topic (RFC 8030 §5.4) of at most 32 characters of base64url: equal for equal text, and saying nothing of it. */
export async function topicOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(text));
  return toBase64Url(new Uint8Array(digest)).slice(0, 32);
}

async function refresh(): Promise<Freshness> {
  const pair = (await crypto.subtle.generateKey(P256, true, ['deriveBits'])) as CryptoKeyPair;
  return { pair, salt: crypto.getRandomValues(new Uint8Array(SALT_OCTETS)) };
}

function sizeField(): Uint8Array<ArrayBuffer> {
  const field = new Uint8Array(4);
  new DataView(field.buffer).setUint32(0, RECORD_SIZE);
  return field;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
