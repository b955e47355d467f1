/**
 * JMAP over a WebSocket (RFC 8887 §4.3): what a client's text message is, and how answers are wrapped.
 * The hub asks `parsePushMessage` first, since push is switched per connection; the rest are Requests.
 */
import type { Json, Problem } from './errors.ts';
import { isObject } from './readers.ts';

/** Types a client may name; more is a mistake. */
const DATA_TYPES_MAX = 64;

/** `WebSocketPushEnable` (types to be told of, null for all; the state it knows) or `WebSocketPushDisable`. */
export type PushSwitch = { enable: true; dataTypes: string[] | null; pushState: string | null } | { enable: false };

/** Reads a push switch; null when the message is something else. */
export function parsePushMessage(text: string): PushSwitch | null {
  if (text.length > 65_536) return null;
  const message = parseObject(text);
  if (message?.['@type'] === 'WebSocketPushDisable') return { enable: false };
  if (message?.['@type'] !== 'WebSocketPushEnable') return null;
  const { dataTypes, pushState } = message;
  const types = Array.isArray(dataTypes) ? dataTypes.filter((type) => typeof type === 'string').slice(0, DATA_TYPES_MAX) : null;
  return { enable: true, dataTypes: types, pushState: typeof pushState === 'string' ? pushState : null };
}

/** A Response as it travels on a WebSocket. */
export function socketResponse(requestId: string | null, response: Json): string {
  return JSON.stringify({ '@type': 'Response', ...(requestId === null ? {} : { requestId }), ...response });
}

/** A request-level error as it travels on a WebSocket. */
export function socketError(requestId: string | null, problem: Problem): string {
  return JSON.stringify({ '@type': 'RequestError', requestId, ...problem });
}

/** The `id` of a Request message. */
export function requestIdOf(message: unknown): string | null {
  return isObject(message) && typeof message.id === 'string' ? message.id : null;
}

function parseObject(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
