/**
 * JMAP over WebSocket (RFC 8887). The Worker authenticates the upgrade and hands the connection to the
 * account's hub; the hub hands each Request back to `answerSocketRequest` and keeps push to itself.
 */
import type { Json } from '../../shared/jmap/errors.ts';
import { readRequest } from '../../shared/jmap/request.ts';
import { socketError, socketResponse } from '../../shared/jmap/socket.ts';
import type { Env } from '../env.ts';
import { hubOf } from '../store/mail/index.ts';
import type { Account } from '../store/mail/types.ts';
import { runRequest } from './dispatch.ts';
import { socketHeaders } from './push/hub-calls.ts';
import { SUPPORTED } from './session.ts';

/** The text that answers one Request message: a Response or a RequestError. */
export async function answerSocketRequest(env: Env, account: Account, id: string | null, value: Json): Promise<string> {
  const request = readRequest(value, SUPPORTED);
  return 'problem' in request ? socketError(id, request.problem) : socketResponse(id, await runRequest(env, account, request));
}

/** The upgrade, forwarded to the account's hub. `Sec-WebSocket-Protocol: jmap` is required (RFC 8887 §4.1). */
export async function openWebSocket(env: Env, account: Account, request: Request): Promise<Response> {
  if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket')
    return new Response('WebSocket upgrade expected\n', { status: 426, headers: { upgrade: 'websocket' } });
  const offered = (request.headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
  if (!offered.includes('jmap')) return new Response('the jmap subprotocol is required\n', { status: 400 });
  const headers = new Headers(request.headers);
  for (const [name, value] of Object.entries(socketHeaders('jmap', account))) headers.set(name, value);
  return hubOf(env, account.id).fetch(new Request(request, { headers }));
}
