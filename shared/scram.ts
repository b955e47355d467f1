/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677) as pure pieces over Web Crypto: the four messages, the keys and the
 * proofs. The expensive derivation runs where the password is typed (browser, CLI, receiver); the
 * Worker only verifies proofs, because there PBKDF2 above 100,000 iterations fails (DESIGN.md, invariant 7).
 */

/**
 * What new accounts get: 11 ms on a VPS. Cyrus SASL, which mbsync and others log in with, refuses to compute more
 * (docs/decisions/0014-scram-iterations.md).
 */
export const SCRAM_ITERATIONS = 65_536;
/** RFC 7677 §4: at least 4096. */
export const SCRAM_ITERATIONS_MIN = 4096;
/** A server that asks for more wants to keep the client busy (about 2 s on a VPS). */
export const SCRAM_ITERATIONS_MAX = 10_000_000;
export const SALT_OCTETS = 16;
export const KEY_OCTETS = 32;
/** Longest message either side accepts: a nonce, a salt, a name of 254 octets, escaped. */
export const SCRAM_MESSAGE_MAX = 2048;
/** The gs2 header of a client without channel binding, and its base64 in `c=` (RFC 5802 §7). */
const NO_CHANNEL_BINDING = 'biws';

/** What a server keeps instead of a password. All but `iterations` are base64. */
export interface Verifier {
  salt: string;
  iterations: number;
  storedKey: string;
  serverKey: string;
}

/** RFC 5802 §3. */
export interface ScramKeys {
  clientKey: Uint8Array;
  storedKey: Uint8Array;
  serverKey: Uint8Array;
}

const encoder = new TextEncoder();

// ---------------------------------------------------------------- keys

/**
 * SASLprep as far as it can be done without its tables (RFC 4013 §2): other spaces become a space, what
 * is mapped to nothing goes, then NFKC. What SASLprep prohibits passes: a password is anything people can type.
 */
export function preparePassword(password: string): string {
  return password
    .replace(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, ' ')
    .replace(/\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu, '')
    .normalize('NFKC');
}

/** PBKDF2 over the prepared password: the expensive step. Not for the Worker. */
export async function saltedPassword(password: string, salt: Uint8Array, iterations: number): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey('raw', encoder.encode(preparePassword(password)), 'PBKDF2', false, ['deriveBits']);
  const parameters = { name: 'PBKDF2', hash: 'SHA-256', salt: salt.slice().buffer, iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, KEY_OCTETS * 8));
}

/** ClientKey, StoredKey and ServerKey of a salted password. */
export async function scramKeys(salted: Uint8Array): Promise<ScramKeys> {
  const clientKey = await hmacSha256(salted, 'Client Key');
  return { clientKey, storedKey: await sha256(clientKey), serverKey: await hmacSha256(salted, 'Server Key') };
}

/** The verifier of a password; with `salt` and `iterations` given, one that fits an account's other credentials. */
export async function makeVerifier(password: string, salt: string = newSalt(), iterations = SCRAM_ITERATIONS): Promise<Verifier> {
  const octets = fromBase64(salt);
  if (!octets) throw new Error('the salt is no base64');
  const keys = await scramKeys(await saltedPassword(password, octets, iterations));
  return { salt, iterations, storedKey: toBase64(keys.storedKey), serverKey: toBase64(keys.serverKey) };
}

/** A random salt, base64. */
export function newSalt(): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(SALT_OCTETS)));
}

/** The salt shown for a name nobody has: always the same one, and like any other (base64). */
export async function fakeSalt(pepper: string, username: string): Promise<string> {
  return toBase64((await hmacSha256(encoder.encode(pepper), username)).subarray(0, SALT_OCTETS));
}

// ---------------------------------------------------------------- client

/** 144 random bits, printable and without a comma. */
export function newNonce(): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(18)));
}

/** `n=…,r=…` with the name escaped (RFC 5802 §5.1). */
export function clientFirstBare(username: string, nonce: string): string {
  return `n=${preparePassword(username).replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
}

/**
 * The client's answer to server-first, and the server-final it must then see. Null when server-first
 * is malformed, does not carry on our nonce, or asks for an absurd number of iterations.
 */
export async function answerServerFirst(
  password: string,
  firstBare: string,
  serverFirst: string,
): Promise<{ clientFinal: string; serverFinal: string } | null> {
  const nonce = parseClientFirstBare(firstBare)?.nonce;
  const server = parseServerFirst(serverFirst);
  if (!nonce || !server?.nonce.startsWith(nonce) || server.nonce.length === nonce.length) return null;
  const keys = await scramKeys(await saltedPassword(password, server.salt, server.iterations));
  const withoutProof = `c=${NO_CHANNEL_BINDING},r=${server.nonce}`;
  const message = authMessage(firstBare, serverFirst, withoutProof);
  const proof = xor(keys.clientKey, await hmacSha256(keys.storedKey, message));
  return { clientFinal: `${withoutProof},p=${toBase64(proof)}`, serverFinal: await makeServerFinal(keys.serverKey, message) };
}

/** Null when it is no server-first-message within our bounds. */
export function parseServerFirst(text: string): { nonce: string; salt: Uint8Array; iterations: number } | null {
  const match = text.length <= SCRAM_MESSAGE_MAX ? /^r=([!-+\--~]+),s=([A-Za-z0-9+/=]+),i=(\d{1,9})(?:,|$)/.exec(text) : null;
  const salt = fromBase64(match?.[2] ?? '');
  const iterations = Number(match?.[3]);
  if (!match?.[1] || !salt || salt.length === 0) return null;
  if (iterations < SCRAM_ITERATIONS_MIN || iterations > SCRAM_ITERATIONS_MAX) return null;
  return { nonce: match[1], salt, iterations };
}

// ---------------------------------------------------------------- server

/** The client's nonce; null when it is no client-first-message-bare, or asks for an extension (`m=`). */
export function parseClientFirstBare(text: string): { nonce: string } | null {
  const match = text.length <= SCRAM_MESSAGE_MAX ? /^n=[^,]+,r=([!-+\--~]+)(?:,[a-zA-Z]=[^,]*)*$/u.exec(text) : null;
  return match?.[1] ? { nonce: match[1] } : null;
}

/** `r=…,s=…,i=…` */
export function makeServerFirst(nonce: string, salt: string, iterations: number): string {
  return `r=${nonce},s=${salt},i=${iterations}`;
}

/** Client-final apart: what is signed, the whole nonce, the proof. Null when malformed. */
export function parseClientFinal(text: string): { withoutProof: string; nonce: string; proof: Uint8Array } | null {
  const match =
    text.length <= SCRAM_MESSAGE_MAX ? /^(c=[A-Za-z0-9+/=]+,r=([!-+\--~]+)(?:,[a-zA-Z]=[^,]*)*),p=([A-Za-z0-9+/]{43}=)$/u.exec(text) : null;
  const proof = fromBase64(match?.[3] ?? '');
  return match?.[1] && match[2] && proof?.length === KEY_OCTETS ? { withoutProof: match[1], nonce: match[2], proof } : null;
}

/** RFC 5802 §3: what both sides sign. */
export function authMessage(clientFirst: string, serverFirst: string, clientFinalWithoutProof: string): string {
  return `${clientFirst},${serverFirst},${clientFinalWithoutProof}`;
}

/** Whether the proof was made with the key behind this StoredKey. */
export async function verifyProof(storedKey: Uint8Array, message: string, proof: Uint8Array): Promise<boolean> {
  const clientKey = xor(proof, await hmacSha256(storedKey, message));
  return equalOctets(await sha256(clientKey), storedKey);
}

/** `v=…`: what proves to the client that the server holds its verifier. */
export async function makeServerFinal(serverKey: Uint8Array, message: string): Promise<string> {
  return `v=${toBase64(await hmacSha256(serverKey, message))}`;
}

/** Server-first for who has these salt and iterations: a nonce of ours behind the client's. Null when client-first is malformed. */
export function answerClientFirst(firstBare: string, { salt, iterations }: Pick<Verifier, 'salt' | 'iterations'>): string | null {
  const first = parseClientFirstBare(firstBare);
  return first && makeServerFirst(first.nonce + newNonce(), salt, iterations);
}

/** Server-final when client-final belongs to this exchange and proves the password of this verifier; else null. */
export async function answerClientFinal(
  verifier: Verifier,
  firstBare: string,
  serverFirst: string,
  clientFinal: string,
): Promise<string | null> {
  const final = parseClientFinal(clientFinal);
  const storedKey = fromBase64(verifier.storedKey);
  const serverKey = fromBase64(verifier.serverKey);
  if (!final || !storedKey || !serverKey || !serverFirst.startsWith(`r=${final.nonce},`)) return null;
  const message = authMessage(firstBare, serverFirst, final.withoutProof);
  return (await verifyProof(storedKey, message, final.proof)) ? makeServerFinal(serverKey, message) : null;
}

// ---------------------------------------------------------------- octets

/** Equal, without telling by the time taken where they differ. */
export function equalOctets(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/** Standard base64 with padding. */
export function toBase64(octets: Uint8Array): string {
  return btoa(String.fromCharCode(...octets));
}

/** Null when it is no base64. */
export function fromBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

/** HMAC-SHA-256. */
export async function hmacSha256(key: Uint8Array, message: string): Promise<Uint8Array> {
  // Web Crypto refuses an empty key; HMAC pads it with zeros anyway (RFC 2104 §2).
  const raw = key.length === 0 ? new Uint8Array(1) : key;
  const imported = await crypto.subtle.importKey('raw', raw.slice().buffer, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, encoder.encode(message)));
}

/** SHA-256. */
export async function sha256(octets: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', octets.slice().buffer));
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((octet, i) => octet ^ (b[i] ?? 0));
}
