/**
 * The hub: one per account, where its open sockets hang. The store tells it that the clock moved, it tells receivers
 * (`PushMessage`), JMAP clients that enabled push (StateChange, RFC 8620 §7.1, RFC 8887 §4.3.5) and push subscriptions
 * (pushes.ts). Sockets hibernate: what a socket wants lies in its attachment. Requests on a JMAP socket go to the JMAP door.
 */
import { DurableObject } from 'cloudflare:workers';
import { CONCURRENT_REQUESTS_MAX } from '../../../shared/jmap/capabilities.ts';
import { requestProblem } from '../../../shared/jmap/errors.ts';
import { type PushSwitch, readSocketMessage, socketError } from '../../../shared/jmap/socket.ts';
import type { PushMessage } from '../../../shared/protocol.ts';
import type { Env } from '../../env.ts';
import { type HubNotice, openMail } from '../../store/mail/index.ts';
import type { Account } from '../../store/mail/types.ts';
import { Admission, REQUEST_LEASE_MS } from '../admission.ts';
import { answerSocketRequest } from '../websocket.ts';
import { HUB_PATHS, type SocketKind } from './hub-calls.ts';
import { Pushes } from './pushes.ts';
import { changesSince, PUSHED_TYPES, stateChange, type TypeStates, wantedChanges } from './state-change.ts';
import { Turnstile } from './turnstile.ts';

/** Sockets one account may hold open: a few receivers, and a few tabs on a few devices. */
const SOCKETS_MAX = 100;
/** A socket is asked to come again after a day, so that a revoked credential does not listen for ever. */
const SOCKET_LIFE_MS = 24 * 3600_000;
/** Characters of one text message: the largest JMAP request; workerd itself stops at 32 MiB. */
const MESSAGE_MAX = 10_000_000;

/** RFC 6455 §7.4.1. */
const CLOSE = { goingAway: 1001, unsupported: 1003, policy: 1008, tooBig: 1009 } as const;

/** What is remembered of a socket while the hub sleeps. */
interface Attachment {
  kind: SocketKind;
  account: Account;
  openedAt: number;
  /** JMAP: push is on, for these types (null: all). */
  enabled: boolean;
  types: string[] | null;
  /** Its login no longer counts; a client that does not close its side is not listened to. */
  ended?: true;
}

export class Hub extends DurableObject<Env> {
  /** From the Worker only: a notice of the store, the upgrade of a caller that a door has authenticated, or the end of all sockets. */
  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get('upgrade')?.toLowerCase() === 'websocket') return this.#open(request);
    if (request.method === 'DELETE') return this.#end();
    const act = request.method === 'POST' ? this.#posts[new URL(request.url).pathname] : undefined;
    if (!act) return new Response('not found\n', { status: 404 });
    const isDone = await act(await request.json());
    return new Response(null, { status: isDone ? 204 : 429 });
  }

  readonly #pushes = new Pushes(this.ctx.storage, this.env);
  readonly #turnstile = new Turnstile<WebSocket>(new Admission(CONCURRENT_REQUESTS_MAX, REQUEST_LEASE_MS));

  /** Paths of `HUB_PATHS`; each says whether it did what was asked. */
  readonly #posts: Record<string, ((body: unknown) => Promise<boolean>) | undefined> = {
    [HUB_PATHS.notify]: (body) => this.#tell(body as HubNotice).then(() => true),
    [HUB_PATHS.refresh]: (body) => this.#pushes.refresh(body as Account).then(() => true),
    [HUB_PATHS.grant]: (body) => this.#pushes.grant((body as { count: number }).count),
  };

  override alarm(): Promise<void> {
    return this.#pushes.run();
  }

  #open(request: Request): Response {
    const kind: SocketKind = request.headers.get('x-posthouse-socket') === 'bridge' ? 'bridge' : 'jmap';
    const account = JSON.parse(request.headers.get('x-posthouse-account') ?? 'null') as Account | null;
    if (!account) return new Response('no account\n', { status: 400 });
    if (this.ctx.getWebSockets().length >= SOCKETS_MAX)
      return new Response('too many sockets\n', { status: 503, headers: { 'retry-after': '60' } });
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [kind]);
    server.serializeAttachment({ kind, account, openedAt: Date.now(), enabled: false, types: null } satisfies Attachment);
    const headers: Record<string, string> = kind === 'jmap' ? { 'sec-websocket-protocol': 'jmap' } : {};
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  /** Who may still be here shows it by connecting again (auth/sockets.ts). */
  async #end(): Promise<Response> {
    for (const socket of this.ctx.getWebSockets()) {
      socket.serializeAttachment({ ...(socket.deserializeAttachment() as Attachment), ended: true } satisfies Attachment);
      close(socket, CLOSE.policy, 'please log in again');
    }
    await this.#pushes.endLogins();
    return new Response(null, { status: 204 });
  }

  async #tell({ account, modseq, changed }: HubNotice): Promise<void> {
    const message = JSON.stringify({ modseq } satisfies PushMessage);
    for (const socket of this.ctx.getWebSockets()) {
      const attachment = socket.deserializeAttachment() as Attachment;
      const text = attachment.kind === 'bridge' ? message : pushed(attachment, account, changed, modseq);
      if (text !== null) send(socket, text);
      if (Date.now() - attachment.openedAt > SOCKET_LIFE_MS) close(socket, CLOSE.goingAway, 'please connect again');
    }
    await this.#pushes.changed(changed);
  }

  /** RFC 8887 §4.3: push is switched here, requests are answered by the JMAP door; a receiver only listens. */
  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const attachment = socket.deserializeAttachment() as Attachment;
    if (attachment.kind === 'bridge' || attachment.ended) return;
    if (typeof message !== 'string') return close(socket, CLOSE.unsupported, 'text only');
    if (message.length > MESSAGE_MAX) return close(socket, CLOSE.tooBig, 'too large');
    const read = readSocketMessage(message);
    if (read.kind === 'fault') return send(socket, socketError(read.id, read.problem));
    if (read.kind === 'push') return this.#switch(socket, attachment, read.push);
    const answer = await this.#turnstile.pass(attachment.account.id, socket, message.length, () =>
      answerSocketRequest(this.env, attachment.account, read.id, read.value),
    );
    send(socket, answer ?? socketError(read.id, requestProblem('limit', 'Too many requests wait.', 'maxConcurrentRequests')));
  }

  /** A client that was away is told at once what changed since (RFC 8887 §4.3.5.2). */
  async #switch(socket: WebSocket, before: Attachment, push: PushSwitch): Promise<void> {
    // Types that are never pushed are forgotten: an attachment has little room.
    const types = push.enable ? push.dataTypes && PUSHED_TYPES.filter((type) => push.dataTypes?.includes(type)) : null;
    const attachment: Attachment = { ...before, enabled: push.enable, types };
    socket.serializeAttachment(attachment);
    if (!push.enable || push.pushState === null) return;
    const { modseq, ...states } = await openMail(this.env, attachment.account).states();
    const text = pushed(attachment, attachment.account.id, changesSince(states, modseq, push.pushState), modseq);
    if (text !== null) send(socket, text);
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    close(socket, code === 1005 || code === 1006 ? 1000 : code, '');
  }

  override webSocketError(socket: WebSocket): void {
    close(socket, CLOSE.goingAway, '');
  }
}

/** The StateChange for a socket; null when it did not ask for any of this. */
function pushed({ enabled, types }: Attachment, account: number, changed: TypeStates, modseq: number): string | null {
  const wanted = enabled ? wantedChanges(changed, types) : null;
  return wanted && stateChange(account, wanted, modseq);
}

/** A socket that has gone meanwhile is no error: its close event follows. */
function send(socket: WebSocket, text: string): void {
  try {
    socket.send(text);
  } catch (error) {
    console.error(JSON.stringify({ event: 'push-lost', error: String(error) }));
  }
}

function close(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // Closed already.
  }
}
