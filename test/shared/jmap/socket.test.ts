import { expect, test } from 'vitest';
import { REQUEST_SIZE_MAX } from '../../../shared/jmap/capabilities.ts';
import { readSocketMessage, socketError, socketResponse } from '../../../shared/jmap/socket.ts';

const read = (message: unknown) => readSocketMessage(typeof message === 'string' ? message : JSON.stringify(message));
const fault = (type: string, id: string | null = null) => ({
  kind: 'fault',
  id,
  problem: { type: `urn:ietf:params:jmap:error:${type}`, status: 400 },
});

test('a Request keeps its id', () => {
  expect(read({ '@type': 'Request', id: 'r1', using: [] })).toMatchObject({ kind: 'request', id: 'r1' });
  expect(read({ '@type': 'Request', using: [] })).toMatchObject({ kind: 'request', id: null });
});

test('push is enabled for all types or some, with or without a state, and disabled', () => {
  expect(read({ '@type': 'WebSocketPushEnable' })).toEqual({ kind: 'push', push: { enable: true, dataTypes: null, pushState: null } });
  expect(read({ '@type': 'WebSocketPushEnable', dataTypes: ['Email'], pushState: '7' })).toEqual({
    kind: 'push',
    push: { enable: true, dataTypes: ['Email'], pushState: '7' },
  });
  expect(read({ '@type': 'WebSocketPushDisable' })).toEqual({ kind: 'push', push: { enable: false } });
});

test.each([
  ['', fault('notJSON')],
  ['{', fault('notJSON')],
  ['"\\ud800"', fault('notJSON')],
  ['null', fault('notRequest')],
  ['[]', fault('notRequest')],
  ['"Request"', fault('notRequest')],
  [{}, fault('notRequest')],
  [{ id: 'r' }, fault('notRequest', 'r')],
  [{ '@type': 'Response', id: 'r' }, fault('notRequest', 'r')],
  [{ '@type': '__proto__' }, fault('notRequest')],
  [{ '@type': 7 }, fault('notRequest')],
  [{ '@type': 'Request', id: 7 }, fault('notRequest')],
  [{ '@type': 'WebSocketPushEnable', dataTypes: 'Email' }, fault('notRequest')],
  [{ '@type': 'WebSocketPushEnable', dataTypes: [7] }, fault('notRequest')],
  [{ '@type': 'WebSocketPushEnable', dataTypes: Array(65).fill('x') }, fault('notRequest')],
  [{ '@type': 'WebSocketPushEnable', pushState: 7 }, fault('notRequest')],
])('%j is refused', (message, expected) => {
  expect(read(message)).toMatchObject(expected);
});

test('a message of more octets than a request may have is refused', () => {
  for (const text of ['x'.repeat(REQUEST_SIZE_MAX), '語'.repeat(REQUEST_SIZE_MAX / 2)])
    expect(read(`"${text}"`)).toMatchObject(fault('limit'));
});

test('answers carry the id of their request when there is one', () => {
  expect(JSON.parse(socketResponse('r', { methodResponses: [] }))).toEqual({ '@type': 'Response', requestId: 'r', methodResponses: [] });
  expect(JSON.parse(socketResponse(null, { methodResponses: [] }))).toEqual({ '@type': 'Response', methodResponses: [] });
  const problem = { type: 't', status: 400, detail: 'd' };
  expect(JSON.parse(socketError(null, problem))).toEqual({ '@type': 'RequestError', requestId: null, ...problem });
});
