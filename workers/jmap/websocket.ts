/**
 * JMAP over WebSocket (RFC 8887). The Worker authenticates the upgrade and hands the connection to the
 * account's hub; the hub hands each Request back to `answerWebSocketMessage` and keeps push to itself.
 */
import { REQUEST_SIZE_MAX } from '../../shared/jmap/capabilities.ts';
import { requestProblem } from '../../shared/jmap/errors.ts';
import { isObject } from '../../shared/jmap/readers.ts';
import { parseIJson, readRequest } from '../../shared/jmap/request.ts';
import { requestIdOf, socketError, socketResponse } from '../../shared/jmap/socket.ts';
import type { Env } from '../env.ts';
import type { Account } from '../store/mail/types.ts';
import { runRequest } from './dispatch.ts';
import { SUPPORTED } from './session.ts';

export { parsePushMessage } from '../../shared/jmap/socket.ts';

/** The text that answers one text message: a Response or a RequestError. Never throws. */
export async function answerWebSocketMessage(env: Env, account: Account, text: string): Promise<string> {
  // A UTF-16 unit is at least one octet and at most three in UTF-8.
  if (text.length > REQUEST_SIZE_MAX || new TextEncoder().encode(text).length > REQUEST_SIZE_MAX)
    return socketError(null, requestProblem('limit', 'The request is too large.', 'maxSizeRequest'));
  const parsed = parseIJson(text);
  if ('problem' in parsed) return socketError(null, parsed.problem);
  const requestId = requestIdOf(parsed.value);
  if (!isObject(parsed.value) || parsed.value['@type'] !== 'Request')
    return socketError(requestId, requestProblem('notRequest', 'The message has no @type of this protocol (RFC 8887 section 4.3).'));
  const request = readRequest(parsed.value, SUPPORTED);
  return 'problem' in request
    ? socketError(requestId, request.problem)
    : socketResponse(requestId, await runRequest(env, account, request));
}

/** The upgrade, forwarded to the account's hub. `Sec-WebSocket-Protocol: jmap` is required (RFC 8887 §4.1). */
export async function openWebSocket(env: Env, account: Account, request: Request): Promise<Response> {
  if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') return new Response('WebSocket upgrade expected\n', { status: 426 });
  const offered = (request.headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
  if (!offered.includes('jmap')) return new Response('the jmap subprotocol is required\n', { status: 400 });
  const headers = new Headers(request.headers);
  headers.set('x-posthouse-socket', 'jmap');
  headers.set('x-posthouse-account', JSON.stringify(account));
  const hub = env.HUB.get(env.HUB.idFromName(String(account.id)));
  return hub.fetch(new Request(request, { headers }));
}
