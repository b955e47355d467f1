/**
 * Push by EventSource (RFC 8620 §7.3). The stream hangs on the account's hub like a WebSocket client of
 * its own; each StateChange becomes one `state` event, and a ping keeps proxies from closing the line.
 */
import { isObject } from '../../../shared/jmap/readers.ts';
import type { Env } from '../../env.ts';
import { hubOf } from '../../store/mail/index.ts';
import type { Account } from '../../store/mail/types.ts';
import { socketHeaders } from './hub-calls.ts';

/** Seconds between pings that we allow; RFC 8620 §7.3 leaves the bounds to the server. */
const PING_MIN = 30;
const PING_MAX = 3600;
/** Types one stream may name. */
const TYPES_MAX = 64;
/** Events a client may leave unread. */
const UNREAD_MAX = 64;
/** Characters of a Last-Event-ID; ours is a number. */
const EVENT_ID_MAX = 64;

/** What the query of the URL asks for. */
export interface StreamWishes {
  /** Null for all. */
  types: string[] | null;
  /** End the stream after the first event. */
  closeAfterState: boolean;
  /** Seconds; 0 for none. */
  ping: number;
}

/** Reads `types`, `closeafter` and `ping`; null when one of them is none. */
export function readWishes(query: (name: string) => string | undefined): StreamWishes | null {
  const types = query('types') ?? '*';
  const closeAfter = query('closeafter') ?? 'no';
  const ping = Number(query('ping') ?? '0');
  if ((closeAfter !== 'no' && closeAfter !== 'state') || !Number.isSafeInteger(ping) || ping < 0) return null;
  const bounded = ping === 0 ? 0 : Math.min(PING_MAX, Math.max(PING_MIN, ping));
  return { types: types === '*' ? null : types.split(',').slice(0, TYPES_MAX), closeAfterState: closeAfter === 'state', ping: bounded };
}

/** The stream of an account. `lastEventId`: the push state the client saw last. */
export async function openEventSource(env: Env, account: Account, wishes: StreamWishes, lastEventId: string | null): Promise<Response> {
  const answer = await hubOf(env, account.id).fetch('https://hub/jmap/ws', { headers: socketHeaders('jmap', account) });
  const socket = answer.webSocket;
  if (!socket) return new Response('push is not available now\n', { status: 503, headers: { 'retry-after': '60' } });
  const stream = pump(socket, wishes);
  const pushState = lastEventId ? { pushState: lastEventId.slice(0, EVENT_ID_MAX) } : {};
  socket.send(JSON.stringify({ '@type': 'WebSocketPushEnable', dataTypes: wishes.types, ...pushState }));
  return new Response(stream, {
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  });
}

function pump(socket: WebSocket, wishes: StreamWishes): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  let ping: ReturnType<typeof setTimeout> | undefined;
  const end = () => {
    clearTimeout(ping);
    socket.close();
    writer.close().catch(() => {});
  };
  /** A ping is due when its time has passed since the event before, whichever that was (RFC 8620 §7.3). */
  const armPing = () => {
    clearTimeout(ping);
    if (wishes.ping > 0) ping = setTimeout(() => send('ping', JSON.stringify({ interval: wishes.ping })), wishes.ping * 1000);
  };
  const send = (event: string, data: string, id?: string) => {
    // A client that reads nothing comes back with its Last-Event-ID.
    if ((writer.desiredSize ?? 0) < -UNREAD_MAX) return end();
    armPing();
    const text = `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`;
    // The client has gone when writing fails.
    writer.write(encoder.encode(text)).catch(end);
  };
  socket.accept();
  socket.addEventListener('message', ({ data }) => {
    const event = stateEvent(data);
    if (!event) return;
    send('state', event.data, event.id);
    if (wishes.closeAfterState) end();
  });
  socket.addEventListener('close', end);
  writer.closed.catch(end);
  armPing();
  return readable;
}

/** A StateChange of the hub as an event: the push state is its id. */
function stateEvent(message: unknown): { data: string; id: string | undefined } | null {
  const change: unknown = typeof message === 'string' ? JSON.parse(message) : null;
  if (!isObject(change) || change['@type'] !== 'StateChange') return null;
  const { pushState, ...data } = change;
  return { data: JSON.stringify(data), id: typeof pushState === 'string' ? pushState : undefined };
}
