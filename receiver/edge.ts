/**
 * The only caller of the Worker. Signs each call with the receiver key, corrects itself by the Worker's
 * `Date` when its clock is off, and turns a failed call into one of two errors: the edge is away
 * (`EdgeUnavailable`: keep and try again) or it said no (`EdgeRefused`: a defect, an old version, a revoked key).
 * Retrying is the caller's business; every call is idempotent.
 */
import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { WebSocket } from 'ws';
import { encodeFrameHeader } from '../shared/frame.ts';
import {
  type ChangesPage,
  type CommitAnswer,
  type CommitRequest,
  HEADER_TOKEN,
  HEADER_VERSION,
  type HeadsAnswer,
  type IngestAnswer,
  type IngestRequest,
  PROTOCOL_VERSION,
  type RecipientAnswer,
  type ScramFinishAnswer,
  type ScramFinishRequest,
  type ScramStartAnswer,
  type ScramStartRequest,
  type SearchAnswer,
  type SubmitAnswer,
  type SubmitRequest,
  type TokenAnswer,
  type TokenRequest,
} from '../shared/protocol.ts';
import { importSigningKey, signRequest } from '../shared/signing.ts';
import { EdgeClock } from './edge-clock.ts';

/** The edge did not answer, or answered that it cannot now (5xx, 429). */
export class EdgeUnavailable extends Error {}

/** The edge answered with a refusal that trying again does not mend. */
export class EdgeRefused extends Error {
  readonly status: number;
  readonly body: string;
  constructor(status: number, body: string) {
    super(`the edge answered ${status}: ${body.slice(0, 200)}`);
    this.status = status;
    this.body = body;
  }
}

/** An answer that takes longer than this is counted as none; a page of changes or 32 messages takes well under a second. */
const ANSWER_TIMEOUT_MS = 30_000;
/** A client waits at its RCPT or its login for these; a slow edge must not become a silent receiver. */
const PROMPT_TIMEOUT_MS = 5_000;
/**
 * A client waits for its write, and for the round of changes that is ahead of it: a hung edge is told soon. Atomic commits
 * have the long patience, for they may carry thousands of messages.
 */
const BRIDGE_TIMEOUT_MS = 10_000;
/** A push that was closed counts as closed after this; the edge's own end of the connection may stay for ten seconds. */
const PUSH_CLOSE_MS = 500;
/** JSON answers above this are not ours: the largest is a page of 500 emails with their structure. */
const ANSWER_MAX = 64 * 1024 * 1024;
/** Cloudflare serves six connections at once to one Worker call; more from one receiver only queue. */
const CONNECTIONS_MAX = 16;
/** When no call was made for longer, connections kept alive may be dead without a word: a NAT forgot them, or this machine slept. */
const IDLE_TRUSTED_MS = 60_000;

export interface EdgeOptions {
  /** The Worker's URL, without a path. */
  url: string;
  receiver: number;
  /** 32 octets. */
  key: Uint8Array;
  /** Called when the clock had to be corrected by more than a minute. */
  onClockSkew?: (milliseconds: number) => void;
}

interface Call {
  method: 'GET' | 'POST' | 'PUT';
  path: string;
  token?: string;
  /** Sent as a frame, and signed. */
  header?: unknown;
  payloads?: (Uint8Array | Readable)[];
  payloadLength?: number;
  /** Milliseconds until silence counts as no answer; ANSWER_TIMEOUT_MS when absent. */
  timeout?: number;
  /** A body that is no frame (`PUT /blob`). */
  body?: { stream: Readable; length: number };
  headers?: Record<string, string>;
}

export class Edge {
  readonly #url: URL;
  readonly #receiver: number;
  readonly #key: Promise<CryptoKey>;
  readonly #agent: http.Agent | https.Agent;
  readonly #clock: EdgeClock;
  /** Epoch milliseconds. */
  #lastCall = 0;

  constructor(options: EdgeOptions) {
    this.#url = new URL(options.url);
    this.#receiver = options.receiver;
    this.#key = importSigningKey(options.key);
    const agent = { keepAlive: true, maxSockets: CONNECTIONS_MAX, noDelay: true };
    this.#agent = this.#url.protocol === 'https:' ? new https.Agent(agent) : new http.Agent(agent);
    this.#clock = new EdgeClock(options.onClockSkew ?? (() => {}));
  }

  /** `payloads` are the inline messages, in the request's order. */
  ingest(request: IngestRequest, payloads: (Uint8Array | Readable)[]): Promise<IngestAnswer> {
    return this.#json({
      method: 'POST',
      path: '/ingest',
      header: request,
      payloads,
      payloadLength: sum(request.messages.map((m) => m.inline)),
    });
  }

  recipient(address: string): Promise<RecipientAnswer> {
    return this.#json({ method: 'GET', path: `/recipients/${encodeURIComponent(address)}`, timeout: PROMPT_TIMEOUT_MS });
  }

  scramStart(request: ScramStartRequest): Promise<ScramStartAnswer> {
    return this.#json({ method: 'POST', path: '/auth/scram/start', header: request, timeout: PROMPT_TIMEOUT_MS });
  }

  scramFinish(request: ScramFinishRequest): Promise<ScramFinishAnswer> {
    return this.#json({ method: 'POST', path: '/auth/scram/finish', header: request, timeout: PROMPT_TIMEOUT_MS });
  }

  /** Exchanges an app password or a bearer token for a token of this receiver. */
  exchangeToken(request: TokenRequest): Promise<TokenAnswer> {
    return this.#json({ method: 'POST', path: '/auth/token', header: request, timeout: PROMPT_TIMEOUT_MS });
  }

  heads(accounts: number[]): Promise<HeadsAnswer> {
    return this.#json({ method: 'GET', path: `/bridge/heads?accounts=${accounts.join(',')}` });
  }

  changes(token: string, cursor: string, limit: number): Promise<ChangesPage> {
    return this.#json({
      method: 'GET',
      path: `/bridge/changes?since=${encodeURIComponent(cursor)}&limit=${limit}`,
      token,
      timeout: BRIDGE_TIMEOUT_MS,
    });
  }

  /** Emails that have the words of a text, by full text; `after` is '' or an answer's `next`. */
  search(token: string, scope: 'text' | 'body', text: string, after: string): Promise<SearchAnswer> {
    const query = new URLSearchParams({ scope, text, after });
    return this.#json({ method: 'GET', path: `/bridge/search?${query}`, token, timeout: ANSWER_TIMEOUT_MS });
  }

  commit(token: string, request: CommitRequest, payloads: (Uint8Array | Readable)[]): Promise<CommitAnswer> {
    const inline = request.operations.map((operation) => (operation.op === 'append' ? operation.inline : 0));
    const timeout = request.atomic ? ANSWER_TIMEOUT_MS : BRIDGE_TIMEOUT_MS;
    return this.#json({ method: 'POST', path: '/bridge/commit', token, header: request, payloads, payloadLength: sum(inline), timeout });
  }

  submit(token: string, request: SubmitRequest, payloads: (Uint8Array | Readable)[]): Promise<SubmitAnswer> {
    return this.#json({ method: 'POST', path: '/submit', token, header: request, payloads, payloadLength: request.inline });
  }

  /** Puts an original for an account; the digest is checked at the edge. */
  async putBlob(account: number, sha256: string, stream: Readable, length: number, token?: string): Promise<void> {
    const answer = await this.#call({ method: 'PUT', path: `/blob/${account}/${sha256}`, body: { stream, length }, token });
    await readAll(answer);
  }

  /** Octets of an original, as they arrive. `range` in octets. Destroy the stream when done early. */
  getBlob(token: string, account: number, sha256: string, range?: { offset: number; length: number }): Promise<Readable> {
    const headers: Record<string, string> = range ? { range: `bytes=${range.offset}-${range.offset + range.length - 1}` } : {};
    return this.#call({ method: 'GET', path: `/blob/${account}/${sha256}`, token, headers });
  }

  /** Opens the push WebSocket of the token's account; it stands when the promise resolves. Messages are `PushMessage` JSON. */
  async openPush(token: string): Promise<WebSocket> {
    const path = '/bridge/push';
    const url = new URL(path, this.#url);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const { offset } = this.#clock;
    // Who opens a push anew may have lost the old one to a network that is another one now.
    this.#dropFreeConnections();
    const headers = { ...(await this.#sign('GET', path, new Uint8Array())), [HEADER_TOKEN]: token };
    const timeouts = { handshakeTimeout: ANSWER_TIMEOUT_MS, closeTimeout: PUSH_CLOSE_MS };
    const socket = new WebSocket(url, { headers, ...timeouts });
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(socket));
      // What follows a refusal is the end of a connection that never stood.
      socket.on('error', (error) => reject(new EdgeUnavailable(`the edge gives no push: ${error.message}`)));
      socket.once('unexpected-response', (_request, { statusCode = 0, headers }) => {
        const isSkewed = statusCode === 401 && this.#clock.correct(headers.date, offset);
        reject(isSkewed ? new EdgeUnavailable(CLOCK_CORRECTED) : errorOf(statusCode, 'no push'));
        socket.terminate();
      });
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  async #json<T>(call: Call): Promise<T> {
    const text = (await readAll(await this.#call(call))).toString('utf8');
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new EdgeUnavailable(`the edge's answer to ${call.path} is no JSON: ${text.slice(0, 100)}`);
    }
  }

  /** The body of a 2xx answer. On 401 for a skewed clock it corrects itself and tries once more, unless the body was a stream. */
  async #call(call: Call, corrected = false): Promise<http.IncomingMessage> {
    const { offset } = this.#clock;
    const answer = await this.#send(call);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    const body = (await readAll(answer)).toString('utf8');
    if (status !== 401 || corrected || !this.#clock.correct(answer.headers.date, offset)) throw errorOf(status, body);
    if (!isRepeatable(call)) throw new EdgeUnavailable(CLOCK_CORRECTED);
    return this.#call(call, true);
  }

  async #send(call: Call): Promise<http.IncomingMessage> {
    this.#dropIdleConnections();
    const frame = call.header === undefined ? null : encodeFrameHeader(call.header);
    const headers: Record<string, string | number> = {
      ...call.headers,
      ...(await this.#sign(call.method, call.path, frame?.subarray(4) ?? new Uint8Array())),
    };
    if (call.token) headers[HEADER_TOKEN] = call.token;
    if (frame) headers['content-length'] = frame.length + (call.payloadLength ?? 0);
    if (call.body) headers['content-length'] = call.body.length;
    const request = (this.#url.protocol === 'https:' ? https : http).request(new URL(call.path, this.#url), {
      method: call.method,
      headers,
      agent: this.#agent,
      timeout: call.timeout ?? ANSWER_TIMEOUT_MS,
    });
    const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.once('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', (error) => reject(new EdgeUnavailable(`the edge is away: ${error.message}`)));
    });
    const body = frame ? Readable.from(frameChunks(frame, call.payloads ?? [])) : call.body?.stream;
    if (body) pipeline(body, request).catch((error) => request.destroy(error));
    else request.end();
    return answered;
  }

  async #sign(method: string, path: string, header: Uint8Array): Promise<Record<string, string>> {
    const timestamp = this.#clock.now();
    const authorization = await signRequest(await this.#key, this.#receiver, { method, path, timestamp, header });
    return { authorization, [HEADER_VERSION]: String(PROTOCOL_VERSION) };
  }

  /** By the clock on the wall: timers stand still while a machine sleeps. */
  #dropIdleConnections(): void {
    const now = Date.now();
    if (now - this.#lastCall > IDLE_TRUSTED_MS) this.#dropFreeConnections();
    this.#lastCall = now;
  }

  #dropFreeConnections(): void {
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }
}

const CLOCK_CORRECTED = 'the clock was wrong, and has been set right since';

function errorOf(status: number, body: string): EdgeUnavailable | EdgeRefused {
  const isPassing = status >= 500 || status === 429 || status === 408;
  return isPassing ? new EdgeUnavailable(`the edge answered ${status}: ${body.slice(0, 200)}`) : new EdgeRefused(status, body);
}

function isRepeatable(call: Call): boolean {
  return !call.body && (call.payloads ?? []).every((payload) => payload instanceof Uint8Array);
}

async function* frameChunks(frame: Uint8Array, payloads: (Uint8Array | Readable)[]): AsyncIterable<Uint8Array> {
  yield frame;
  for (const payload of payloads) {
    if (payload instanceof Uint8Array) yield payload;
    else yield* payload;
  }
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stream) {
      length += chunk.length;
      if (length > ANSWER_MAX) throw new Error('the answer is too long');
      chunks.push(chunk);
    }
  } catch (error) {
    throw new EdgeUnavailable(`the edge's answer broke off: ${error instanceof Error ? error.message : error}`);
  }
  return Buffer.concat(chunks);
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
