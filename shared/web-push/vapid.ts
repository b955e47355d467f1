/**
 * How we identify ourselves to push services (VAPID, RFC 8292): one ES256 key pair per installation, and a short-lived
 * token per push. The private key is derived from a secret of the installation, so it is kept where that is kept and
 * costs no look-up; another secret means another key, and clients subscribe again (RFC 9749 §5).
 */
import { toBase64Url } from './base64url.ts';
import { hkdf } from './encryption.ts';

export interface ServerKey {
  /** Uncompressed point in base64url: what browsers call `applicationServerKey`. */
  publicKey: string;
  privateKey: CryptoKey;
}

/** RFC 8292 §2 allows a day; half of it leaves room for clocks that differ. */
const TOKEN_LIFE_S = 12 * 3600;
/** A 256-bit number is no private key of P-256 in one case of 2^32; a few tries suffice for ever. */
const TRIES = 4;

const ES256 = { name: 'ECDSA', namedCurve: 'P-256' };
const encoder = new TextEncoder();

/** PKCS #8 (RFC 5208) of a P-256 private key, up to the key itself (RFC 5915); its public half is calculated on import. */
const PKCS8_HEAD = [
  0x30, 0x41, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
  0x03, 0x01, 0x07, 0x04, 0x27, 0x30, 0x25, 0x02, 0x01, 0x01, 0x04, 0x20,
];

/** The key pair of a secret: always the same for the same one. */
export async function serverKeyOf(secret: string): Promise<ServerKey> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const info = encoder.encode(`posthouse vapid ${attempt}`);
    const scalar = await hkdf(encoder.encode(secret), new Uint8Array(), info, 32);
    const key = await importPrivateKey(scalar);
    if (key) return key;
  }
  throw new Error('no VAPID key can be derived');
}

async function importPrivateKey(scalar: Uint8Array): Promise<ServerKey | null> {
  try {
    const privateKey = await crypto.subtle.importKey('pkcs8', Uint8Array.of(...PKCS8_HEAD, ...scalar), ES256, true, ['sign']);
    const { x = '', y = '' } = (await crypto.subtle.exportKey('jwk', privateKey)) as JsonWebKey;
    return { privateKey, publicKey: pointOf(x, y) };
  } catch {
    return null;
  }
}

/** 0x04, X, Y (SEC 1 §2.3.3). Both coordinates are base64url of 32 octets. */
function pointOf(x: string, y: string): string {
  const octets = (text: string) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
  return toBase64Url(Uint8Array.of(4, ...octets(x), ...octets(y)));
}

/**
 * The `Authorization` of a push (RFC 8292 §3). `audience`: the push service's origin. `contact`: a mailto: or https: URI.
 * `now` in epoch milliseconds.
 */
export async function vapidAuthorization(key: ServerKey, audience: string, contact: string, now: number): Promise<string> {
  const header = part({ typ: 'JWT', alg: 'ES256' });
  const claims = part({ aud: audience, exp: Math.floor(now / 1000) + TOKEN_LIFE_S, sub: contact });
  const signed = `${header}.${claims}`;
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, encoder.encode(signed));
  return `vapid t=${signed}.${toBase64Url(new Uint8Array(signature))}, k=${key.publicKey}`;
}

function part(value: object): string {
  return toBase64Url(encoder.encode(JSON.stringify(value)));
}
