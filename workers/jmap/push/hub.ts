/**
 * The hub: one per account, where its open sockets hang. The store tells it that the clock moved, it tells receivers
 * (`PushMessage`) and JMAP clients that enabled push (StateChange, RFC 8620 §7.1, RFC 8887 §4.3.5). Sockets hibernate
 * and nothing is stored: what a socket wants lies in its attachment. Requests on a JMAP socket go to the JMAP door.
 */
import { DurableObject } from 'cloudflare:workers';
import type { PushMessage } from '../../../shared/protocol.ts';
import type { Env } from '../../env.ts';
import { type HubNotice, openMail } from '../../store/mail/index.ts';
import type { Account, StateType } from '../../store/mail/types.ts';
import { answerWebSocketMessage, parsePushMessage } from '../websocket.ts';
import { stateChange } from './state-change.ts';

/** Sockets one account may hold open: a few receivers, and a few tabs on a few devices. */
const SOCKETS_MAX = 100;
/** A socket is asked to come again after a day, so that a revoked credential does not listen for ever. */
const SOCKET_LIFE_MS = 24 * 3600_000;
/** Characters of one text message: the largest JMAP request; workerd itself stops at 32 MiB. */
const MESSAGE_MAX = 10_000_000;

/** RFC 6455 §7.4.1. */
const CLOSE = { goingAway: 1001, unsupported: 1003, policy: 1008, tooBig: 1009 } as const;

type Kind = 'bridge' | 'jmap';

/** What is remembered of a socket while the hub sleeps. */
interface Attachment {
  kind: Kind;
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
    if (request.method !== 'POST') return new Response('not found\n', { status: 404 });
    this.#tell(await request.json<HubNotice>());
    return new Response(null, { status: 204 });
  }

  #open(request: Request): Response {
    const kind: Kind = request.headers.get('x-posthouse-socket') === 'bridge' ? 'bridge' : 'jmap';
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
  #end(): Response {
    for (const socket of this.ctx.getWebSockets()) {
      socket.serializeAttachment({ ...(socket.deserializeAttachment() as Attachment), ended: true } satisfies Attachment);
      close(socket, CLOSE.policy, 'please log in again');
    }
    return new Response(null, { status: 204 });
  }

  #tell({ account, modseq, changed }: HubNotice): void {
    const message = JSON.stringify({ modseq } satisfies PushMessage);
    for (const socket of this.ctx.getWebSockets()) {
      const attachment = socket.deserializeAttachment() as Attachment;
      const text = attachment.kind === 'bridge' ? message : pushed(attachment, account, changed, modseq);
      if (text !== null) send(socket, text);
      if (Date.now() - attachment.openedAt > SOCKET_LIFE_MS) close(socket, CLOSE.goingAway, 'please connect again');
    }
  }

  /** RFC 8887 §4.3: push is switched here, requests are answered by the JMAP door; a receiver only listens. */
  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const attachment = socket.deserializeAttachment() as Attachment;
    if (attachment.kind === 'bridge' || attachment.ended) return;
    if (typeof message !== 'string') return close(socket, CLOSE.unsupported, 'text only');
    if (message.length > MESSAGE_MAX) return close(socket, CLOSE.tooBig, 'too large');
    const push = parsePushMessage(message);
    if (!push) return send(socket, await answerWebSocketMessage(this.env, attachment.account, message));
    const types = push.enable ? push.dataTypes : null;
    socket.serializeAttachment({ ...attachment, enabled: push.enable, types } satisfies Attachment);
    if (push.enable && push.pushState !== null) await this.#catchUp(socket, { ...attachment, enabled: true, types }, push.pushState);
  }

  /** A client that was away is told at once where things stand (RFC 8887 §4.3.5.2). */
  async #catchUp(socket: WebSocket, attachment: Attachment, pushState: string): Promise<void> {
    const { modseq, ...states } = await openMail(this.env, attachment.account).states();
    if (String(modseq) === pushState) return;
    const text = pushed(attachment, attachment.account.id, states, modseq);
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
function pushed(
  { enabled, types }: Attachment,
  account: number,
  changed: Partial<Record<StateType, string>>,
  modseq: number,
): string | null {
  return enabled ? stateChange(account, changed, types, modseq) : null;
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
