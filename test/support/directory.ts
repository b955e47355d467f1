/**
 * Builders for Worker tests: a domain, an account with a password and an app password, a receiver with
 * its key, signed calls, and the login that a browser or a receiver would make. They write through the
 * store's own functions, so what they make is what administration makes.
 */
import { formatAddress, parseAddress } from '../../shared/address.ts';
import { encodeFrameHeader } from '../../shared/frame.ts';
import { HEADER_TOKEN, HEADER_VERSION, PROTOCOL_VERSION, type ScramFinishAnswer, type ScramStartAnswer } from '../../shared/protocol.ts';
import { answerServerFirst, clientFirstBare, makeVerifier, newNonce, SCRAM_ITERATIONS_MIN, type Verifier } from '../../shared/scram.ts';
import { importSigningKey, signRequest, toHex } from '../../shared/signing.ts';
import { app } from '../../workers/app.ts';
import type { Env } from '../../workers/env.ts';
import { addAccount } from '../../workers/store/directory/accounts.ts';
import { addAlias } from '../../workers/store/directory/addresses.ts';
import { addAppPassword } from '../../workers/store/directory/credentials.ts';
import { putDomain } from '../../workers/store/directory/domains.ts';
import { openDirectory } from '../../workers/store/directory/index.ts';
import { addReceiver } from '../../workers/store/directory/receivers.ts';
import { createToken } from '../../workers/store/directory/tokens.ts';
import type { Account } from '../../workers/store/mail/types.ts';

/** Where tests pretend the Worker lives. */
export const ORIGIN = 'https://mail.example.test';
export const DEMO_PASSWORD = 'posthouse-demo';

export interface TestReceiver {
  id: number;
  key: Uint8Array;
}

/** Adds a domain of ours. */
export async function makeDomain(env: Env, name = 'example.test'): Promise<void> {
  await putDomain(env, name, {}, Date.now());
}

/** Adds an account (and its domain); few iterations, because it runs in the Worker here. */
export async function makeAccount(env: Env, address: string, password = DEMO_PASSWORD): Promise<Account & { verifier: Verifier }> {
  const parsed = parseAddress(address);
  if (!parsed) throw new Error(`no address: ${address}`);
  await makeDomain(env, parsed.domain);
  const verifier = await makeVerifier(password, undefined, SCRAM_ITERATIONS_MIN);
  const { salt, iterations } = verifier;
  const made = await addAccount(
    env,
    { address: formatAddress(parsed), domain: parsed.domain, name: '', quota: null, salt, iterations, password: verifier },
    Date.now(),
  );
  const account = made === 'taken' ? null : await openDirectory(env).account(made.id);
  if (!account) throw new Error(`${address} could not be made`);
  return { ...account, verifier };
}

/** Adds an app password; its credential id. */
export async function makeAppPassword(
  env: Env,
  account: { id: number; verifier: Verifier },
  secret: string,
  label = 'test',
): Promise<number> {
  const keys = await makeVerifier(secret, account.verifier.salt, account.verifier.iterations);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret));
  const made = await addAppPassword(env, account.id, { ...keys, label, secretSha256: toHex(new Uint8Array(digest)) }, Date.now());
  if (typeof made === 'string') throw new Error(made);
  return made.id;
}

/** Adds an alias (`x@d`), a catch-all (`@d`), or with a null account a blocked address. */
export async function makeAlias(env: Env, address: string, account: number | null): Promise<void> {
  const domain = address.slice(address.indexOf('@') + 1);
  const kind = account === null ? 'blocked' : address.startsWith('@') ? 'catchall' : 'alias';
  if (!(await addAlias(env, { address, kind, account, domain }, Date.now()))) throw new Error(`${address} is taken`);
}

/** Registers a receiver with a random key. */
export async function makeReceiver(env: Env, name = 'one', hostname: string | null = null): Promise<TestReceiver> {
  const key = crypto.getRandomValues(new Uint8Array(32));
  const made = await addReceiver(env, { name, hostname, key }, Date.now());
  if (made === 'taken') throw new Error(`receiver ${name} exists`);
  return { id: made.id, key };
}

/** A bridge token without the login. */
export async function makeBridgeToken(env: Env, account: number, receiver: number, scope: 'full' | 'submit' = 'full'): Promise<string> {
  return (await createToken(env, { account, credential: 0, kind: 'bridge', receiver, scope }, Date.now())).token;
}

/** A bearer token without the login. */
export async function makeApiToken(env: Env, account: number): Promise<string> {
  return (await createToken(env, { account, credential: 0, kind: 'api', receiver: null, scope: 'full' }, Date.now())).token;
}

export interface SignedCall {
  method?: string;
  /** Path with query. */
  path: string;
  /** The frame header; a body without one goes as `body`. */
  header?: unknown;
  payloads?: Uint8Array[];
  body?: BodyInit;
  token?: string;
  headers?: Record<string, string>;
  /** Milliseconds the receiver's clock is ahead. */
  skew?: number;
}

/** A request as a receiver signs it. */
export async function signedRequest(receiver: TestReceiver, call: SignedCall): Promise<Request> {
  const frame = call.header === undefined ? null : encodeFrameHeader(call.header);
  const method = call.method ?? (frame ? 'POST' : 'GET');
  const url = new URL(call.path, ORIGIN);
  const authorization = await signRequest(await importSigningKey(receiver.key), receiver.id, {
    method,
    path: url.pathname + url.search,
    timestamp: Date.now() + (call.skew ?? 0),
    header: frame?.subarray(4) ?? new Uint8Array(),
  });
  const headers = new Headers({ authorization, [HEADER_VERSION]: String(PROTOCOL_VERSION), ...call.headers });
  if (call.token !== undefined) headers.set(HEADER_TOKEN, call.token);
  const body = frame ? joined([frame, ...(call.payloads ?? [])]) : call.body;
  return new Request(url, { method, headers, body });
}

/** Sends it to the Worker. */
export async function signedCall(env: Env, receiver: TestReceiver, call: SignedCall): Promise<Response> {
  return app.request(await signedRequest(receiver, call), undefined, env);
}

/** An unsigned JSON request to the Worker. */
export async function postJson(env: Env, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
  return app.request(new URL(path, ORIGIN).href, init, env);
}

/** How the two steps of a login reach the Worker. */
export type Post = (path: string, body: unknown) => Promise<Response>;

/** Logs in as a client does; the answer to the second step, its server signature checked. */
export async function scramLogin(post: Post, username: string, password: string, extra: object = {}): Promise<Response> {
  const firstBare = clientFirstBare(username, newNonce());
  const started = await post('/auth/scram/start', { username, clientFirstBare: firstBare });
  const { exchange, serverFirst } = await started.json<ScramStartAnswer>();
  const answer = await answerServerFirst(password, firstBare, serverFirst);
  if (!answer) throw new Error(`server-first is malformed: ${serverFirst}`);
  const finished = await post('/auth/scram/finish', { exchange, clientFinal: answer.clientFinal, ...extra });
  const result = finished.ok ? await finished.clone().json<ScramFinishAnswer>() : null;
  if (result?.status === 'ok' && result.serverFinal !== answer.serverFinal) throw new Error('the server does not hold the verifier');
  return finished;
}

/** The value of the session cookie in an answer, as a `Cookie` header. */
export function cookieOf(answer: Response): string {
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

function joined(chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const octets = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    octets.set(chunk, offset);
    offset += chunk.length;
  }
  return octets;
}
