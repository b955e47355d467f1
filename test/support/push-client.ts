/**
 * A client of Web Push: its keys, and how it reads what a push service brings it (RFC 8291 §3, RFC 8188) and checks who
 * sent it (RFC 8292). Written from the receiving side, so that it shares nothing with what it checks.
 */
import { webcrypto } from 'node:crypto';

const { subtle } = webcrypto;
const P256 = { name: 'ECDH', namedCurve: 'P-256' };
const decoder = new TextDecoder();
const octetsOf = (text: string) => new TextEncoder().encode(text);

export interface PushClient {
  pair: webcrypto.CryptoKeyPair;
  raw: { p256dh: Uint8Array<ArrayBuffer>; auth: Uint8Array<ArrayBuffer> };
  /** As a PushSubscription takes them. */
  keys: { p256dh: string; auth: string };
}

export function encode(octets: Uint8Array): string {
  return btoa(String.fromCharCode(...octets))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

export function decode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
}

/** A browser's side of a new subscription. */
export async function makeClient(): Promise<PushClient> {
  const pair = (await subtle.generateKey(P256, true, ['deriveBits'])) as webcrypto.CryptoKeyPair;
  const p256dh = new Uint8Array(await subtle.exportKey('raw', pair.publicKey));
  const auth = crypto.getRandomValues(new Uint8Array(16));
  return { pair, raw: { p256dh, auth }, keys: { p256dh: encode(p256dh), auth: encode(auth) } };
}

/** The plain text of an aes128gcm body; throws when it is not for this client. */
export async function decryptPush(body: Uint8Array, { pair, raw }: PushClient): Promise<string> {
  const salt = body.slice(0, 16);
  const length = body[20] ?? 0;
  const sender = body.slice(21, 21 + length);
  const senderKey = await subtle.importKey('raw', sender, P256, false, []);
  const secret = new Uint8Array(await subtle.deriveBits({ name: 'ECDH', public: senderKey }, pair.privateKey, 256));
  const info = Uint8Array.of(...octetsOf('WebPush: info\0'), ...raw.p256dh, ...sender);
  const keyMaterial = await derive(secret, raw.auth, info, 32);
  const key = await subtle.importKey(
    'raw',
    await derive(keyMaterial, salt, octetsOf('Content-Encoding: aes128gcm\0'), 16),
    'AES-GCM',
    false,
    ['decrypt'],
  );
  const iv = await derive(keyMaterial, salt, octetsOf('Content-Encoding: nonce\0'), 12);
  const record = new Uint8Array(await subtle.decrypt({ name: 'AES-GCM', iv }, key, body.slice(21 + length)));
  const end = record.lastIndexOf(2);
  if (end === -1 || record.slice(end + 1).some((octet) => octet !== 0)) throw new Error('the record has no end');
  return decoder.decode(record.slice(0, end));
}

async function derive(secret: Uint8Array<ArrayBuffer>, salt: Uint8Array<ArrayBuffer>, info: Uint8Array<ArrayBuffer>, octets: number) {
  const key = await subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
  return new Uint8Array(await subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, key, octets * 8));
}

/** The claims of a VAPID token whose signature holds for the key it names, which must be `serverKey`. */
export async function checkVapid(authorization: string, serverKey: string): Promise<{ aud: string; exp: number; sub: string }> {
  const [, token = '', key = ''] = /^vapid t=([^,]+), k=(\S+)$/.exec(authorization) ?? [];
  if (key !== serverKey) throw new Error(`signed by another key: ${key}`);
  const [header = '', claims = '', signature = ''] = token.split('.');
  const algorithm = JSON.parse(decoder.decode(decode(header))) as { alg: string };
  if (algorithm.alg !== 'ES256') throw new Error(`signed with ${algorithm.alg}`);
  const verifier = await subtle.importKey('raw', decode(key), { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
  const holds = await subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, verifier, decode(signature), octetsOf(`${header}.${claims}`));
  if (!holds) throw new Error('the signature does not hold');
  return JSON.parse(decoder.decode(decode(claims))) as { aud: string; exp: number; sub: string };
}
