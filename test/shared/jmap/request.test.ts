import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CALLS_MAX, CORE } from '../../../shared/jmap/capabilities.ts';
import { duplicateName } from '../../../shared/jmap/duplicate-names.ts';
import { parseIJson, readRequest } from '../../../shared/jmap/request.ts';

const supported = new Set([CORE]);

function problemOf(value: unknown): string | undefined {
  const request = readRequest(value, supported);
  return 'problem' in request ? request.problem.type.replace('urn:ietf:params:jmap:error:', '') : undefined;
}

test.each(['{', '', '[1,]', '"\\ud800"', '{"\\udc00":1}', `${'['.repeat(200)}${']'.repeat(200)}`])('%s is not I-JSON', (text) => {
  const parsed = parseIJson(text);
  expect('problem' in parsed && parsed.problem.type).toBe('urn:ietf:params:jmap:error:notJSON');
});

test.each([
  [null],
  [[]],
  [{}],
  [{ using: [], methodCalls: {} }],
  [{ using: [1], methodCalls: [] }],
  [{ using: [], methodCalls: [['a', {}]] }],
  [{ using: [], methodCalls: [['a', [], 'c']] }],
  [{ using: [], methodCalls: [['a', {}, 1]] }],
  [{ using: [], methodCalls: [], createdIds: { a: 1 } }],
])('%j is JSON and no Request', (value) => {
  expect(problemOf(value)).toBe('notRequest');
});

test('a capability we do not have, and too many calls, refuse the whole request', () => {
  expect(problemOf({ using: ['urn:x'], methodCalls: [] })).toBe('unknownCapability');
  expect(problemOf({ using: [CORE], methodCalls: Array(CALLS_MAX + 1).fill(['a', {}, 'c']) })).toBe('limit');
});

test('properties nobody knows are ignored and created ids are kept', () => {
  const request = readRequest({ using: [CORE], methodCalls: [['Core/echo', {}, 'c']], createdIds: { a: 'M1' }, more: 1 }, supported);
  expect('problem' in request ? null : request.createdIds).toEqual(new Map([['a', 'M1']]));
});

test('any JSON is a Request or a problem', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => typeof readRequest(value, supported) === 'object'));
});

const faultOf = (text: string) => {
  const parsed = parseIJson(text);
  return 'problem' in parsed ? parsed.problem.detail : null;
};

test.each([
  '{"a":1,"a":1}',
  '{"x":[{"b":{},"c":[{"a":"","b":"{\\"a\\":1}","a":null}]}]}',
  '{"a":1,"\\u0061":2}',
  '{"\\\\":"\\\\","\\\\":1}',
  '[1,{"":0,"":0}]',
  '1e400',
  '[-1e999]',
])('%s names or counts what I-JSON forbids', (text) => {
  expect(faultOf(text)).not.toBeNull();
});

test.each([
  '{"a":{"a":{"a":[]}},"b":["a","a",{"a":1},{"a":1}]}',
  '{"a":"a","b":"a","\\"a\\"":"{\\"a\\":1,\\"a\\":2}"}',
  '{"a\\\\":1,"a":"\\\\\\""}',
  '{"a":9007199254740993}',
  '"\\ufffe"',
])('%s is I-JSON enough', (text) => {
  expect(faultOf(text)).toBeNull();
});

test('whatever JSON.stringify writes has no name twice', () => {
  fc.assert(fc.property(fc.json(), (text) => duplicateName(text) === null || duplicateName(JSON.stringify(JSON.parse(text))) === null));
});
