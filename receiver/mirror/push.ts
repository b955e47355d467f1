/**
 * The one push WebSocket of an account (DESIGN.md, invariant 9: nothing polls). It only says how far the edge's clock
 * is; what changed is fetched. A connection that stays silent to pings is taken for dead, so is one over which this process
 * slept, and every new connection begins with a look at what was missed.
 */
import type { RawData, WebSocket } from 'ws';
import { Backoff } from '../backoff.ts';
import type { Log } from '../log.ts';

/** A connection through NATs and proxies is pinged this often; idle ones are commonly cut after 60 to 100 s. */
const PING_INTERVAL_MS = 30_000;
/** A new connection now and then uses the token, which the edge forgets after a day without use. */
const CONNECTION_LIFE_MS = 8 * 3_600_000;
const RECONNECT_FIRST_MS = 500;
const RECONNECT_LAST_MS = 60_000;
/** A push is a few dozen octets. */
const MESSAGE_MAX = 1024;

export interface PushOptions {
  /** Resolves when the connection stands. */
  open(): Promise<WebSocket>;
  /** A connection stands: fetch what was missed. */
  onOpen(): void;
  /** The edge's clock of this account. */
  onModseq(modseq: number): void;
  log: Log;
}

export class Push {
  readonly #options: PushOptions;
  readonly #backoff: Backoff;
  #socket: WebSocket | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PushOptions) {
    this.#options = options;
    this.#backoff = new Backoff(RECONNECT_FIRST_MS, RECONNECT_LAST_MS);
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.terminate();
  }

  #connect(): void {
    this.#options.open().then(
      (socket) => (this.#closed ? discard(socket) : this.#follow(socket)),
      (error: unknown) => this.#retry(error),
    );
  }

  #follow(socket: WebSocket): void {
    this.#socket = socket;
    this.#backoff.reset();
    const opened = Date.now();
    let pinged = opened;
    let alive = true;
    const pings = setInterval(() => {
      const now = Date.now();
      const slept = now - pinged > 2 * PING_INTERVAL_MS;
      pinged = now;
      if (!alive || slept || now - opened > CONNECTION_LIFE_MS) socket.terminate();
      alive = false;
      if (socket.readyState === socket.OPEN) socket.ping();
    }, PING_INTERVAL_MS);
    pings.unref();
    socket.on('pong', () => {
      alive = true;
    });
    socket.on('message', (data) => {
      alive = true;
      const modseq = modseqOf(data);
      if (modseq !== null) this.#options.onModseq(modseq);
    });
    socket.on('error', (error) => this.#options.log.warn('mirror.push', { error }));
    socket.on('close', () => {
      clearInterval(pings);
      this.#socket = null;
      this.#retry(null);
    });
    this.#options.onOpen();
  }

  #retry(error: unknown): void {
    if (this.#closed) return;
    if (error) this.#options.log.warn('mirror.push', { error });
    this.#timer = setTimeout(() => this.#connect(), this.#backoff.next());
    this.#timer.unref();
  }
}

function discard(socket: WebSocket): void {
  socket.on('error', () => {});
  socket.terminate();
}

/** Null for anything that is no `PushMessage`. */
function modseqOf(data: RawData): number | null {
  const text = data.toString();
  if (text.length > MESSAGE_MAX) return null;
  try {
    const message: unknown = JSON.parse(text);
    const modseq = typeof message === 'object' && message !== null && 'modseq' in message ? message.modseq : null;
    return typeof modseq === 'number' && Number.isSafeInteger(modseq) ? modseq : null;
  } catch {
    return null;
  }
}
