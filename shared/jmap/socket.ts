/**
 * JMAP over a WebSocket (RFC 8887 §4.3): what a client's text message is, and how answers are wrapped. A message is a
 * Request, or switches push for its connection; anything else is answered with a RequestError.
 */
import { REQUEST_SIZE_MAX } from './capabilities.ts';
import type { Json, Problem } from './errors.ts';
import { requestProblem, ShapeError } from './errors.ts';
import { arrayOf, isObject, nullable, readString } from './readers.ts';
import { parseIJson } from './request.ts';

/** Types a client may name; more is a mistake. */
const DATA_TYPES_MAX = 64;

/** `WebSocketPushEnable` (types to be told of, null for all; the state it knows) or `WebSocketPushDisable` (RFC 8887 §4.3.5). */
export type PushSwitch = { enable: true; dataTypes: string[] | null; pushState: string | null } | { enable: false };

/** What a text message is. `id`: the client's own, to be sent back with the answer. */
export type SocketMessage =
  | { kind: 'request'; id: string | null; value: Json }
  | { kind: 'push'; push: PushSwitch }
  | { kind: 'fault'; id: string | null; problem: Problem };

/** Reads a text message. */
export function readSocketMessage(text: string): SocketMessage {
  // A UTF-16 unit is at least one octet and at most three in UTF-8.
  if (text.length > REQUEST_SIZE_MAX || new TextEncoder().encode(text).length > REQUEST_SIZE_MAX)
    return { kind: 'fault', id: null, problem: requestProblem('limit', 'The request is too large.', 'maxSizeRequest') };
  const parsed = parseIJson(text);
  if ('problem' in parsed) return { kind: 'fault', id: null, problem: parsed.problem };
  const { value } = parsed;
  const id = isObject(value) && typeof value.id === 'string' ? value.id : null;
  if (!isObject(value)) return fault(id, 'The message is no object.');
  const read = typeof value['@type'] === 'string' ? READERS.get(value['@type']) : undefined;
  return read ? read(value, id) : fault(id, 'The message has no @type of this protocol (RFC 8887 section 4.3).');
}

type MessageReader = (value: Json, id: string | null) => SocketMessage;
const READERS: ReadonlyMap<string, MessageReader> = new Map<string, MessageReader>([
  ['Request', readRequestMessage],
  ['WebSocketPushEnable', readPushEnable],
  ['WebSocketPushDisable', () => ({ kind: 'push', push: { enable: false } })],
]);

function readRequestMessage(value: Json, id: string | null): SocketMessage {
  if (value.id !== undefined && id === null) return fault(null, 'The id of a Request must be a string.');
  return { kind: 'request', id, value };
}

const readTypes = nullable(arrayOf(readString));
const readState = nullable(readString);

function readPushEnable({ dataTypes, pushState }: Json, id: string | null): SocketMessage {
  try {
    const types = readTypes(dataTypes, 'dataTypes');
    if (types && types.length > DATA_TYPES_MAX) return fault(id, `dataTypes: at most ${DATA_TYPES_MAX} types`);
    return { kind: 'push', push: { enable: true, dataTypes: types, pushState: readState(pushState, 'pushState') } };
  } catch (error) {
    if (error instanceof ShapeError) return fault(id, error.message);
    throw error;
  }
}

function fault(id: string | null, detail: string): SocketMessage {
  return { kind: 'fault', id, problem: requestProblem('notRequest', detail) };
}

/** A Response as it travels on a WebSocket. */
export function socketResponse(requestId: string | null, response: Json): string {
  return JSON.stringify({ '@type': 'Response', ...(requestId === null ? {} : { requestId }), ...response });
}

/** A request-level error as it travels on a WebSocket. */
export function socketError(requestId: string | null, problem: Problem): string {
  return JSON.stringify({ '@type': 'RequestError', requestId, ...problem });
}
