import { expect, test } from 'vitest';
import { readUtcDate, utcDate, zonedDate } from '../../../shared/jmap/dates.ts';
import { decodeBlobId, decodeId, encodeBlobId, encodeId } from '../../../shared/jmap/ids.ts';
import { applyPatch } from '../../../shared/jmap/patch.ts';
import { cutWindow, queryWindow, readFilter, readSort } from '../../../shared/jmap/query.ts';

test('ids of one type are read by that type only', () => {
  expect(decodeId('Email', encodeId('Email', 7))).toBe(7);
  for (const text of ['T7', 'M', 'M0', 'M07', 'M-1', 'M1.5', 'M9999999999999999', 'm7', ' M7', 'M7 '])
    expect(decodeId('Email', text)).toBeNull();
});

test('blob ids name an original or a part of it, and nothing else parses', () => {
  const sha256 = 'ab'.repeat(32);
  for (const name of [{ sha256 }, { sha256, part: { offset: 12, length: 0, encoding: 'q' as const } }])
    expect(decodeBlobId(encodeBlobId(name))).toEqual(name);
  for (const text of ['', 'G', `G${sha256}-1-2`, `G${sha256}-1-2-x`, `G${sha256.toUpperCase()}`, `G${sha256}-1--2-i`])
    expect(decodeBlobId(text)).toBeNull();
});

test('dates are written to the second and only calendar days are read', () => {
  expect(utcDate(1_700_000_000_999)).toBe('2023-11-14T22:13:20Z');
  expect(zonedDate({ time: Date.UTC(2018, 6, 10, 1, 3, 11), offset: 600 })).toBe('2018-07-10T11:03:11+10:00');
  expect(zonedDate({ time: Date.UTC(2018, 6, 10, 1, 3, 11), offset: -570 })).toBe('2018-07-09T15:33:11-09:30');
  expect(readUtcDate('2026-11-22T04:42:51.5Z', 'x')).toBe(Date.UTC(2026, 10, 22, 4, 42, 51, 500));
  for (const text of [
    '2026-02-30T00:00:00Z',
    '2026-11-22',
    '2026-11-22t04:42:51z',
    '2026-11-22T04:42:51+01:00',
    '2026-11-22T25:00:00Z',
    '',
  ])
    expect(() => readUtcDate(text, 'x')).toThrow();
});

test('a patch changes what it points at and leaves the object it was given alone', () => {
  const before = { name: 'a', keywords: { x: true } };
  expect(applyPatch(before, { name: 'b', 'keywords/y': true, 'keywords/x': null })).toEqual({
    value: { name: 'b', keywords: { y: true } },
  });
  expect(before).toEqual({ name: 'a', keywords: { x: true } });
});

test.each([
  [{ 'keywords/x/y': true }],
  [{ 'nothing/x': 1 }],
  [{ keywords: {}, 'keywords/y': true }],
  [{ 'list/0': 1 }],
  [{ 'keywords/~2': true }],
  [{ 'keywords/x~': true }],
  [{ 'a/b/c/d/e/f/g/h/i': 1 }],
])('the patch %j is invalid', (patch) => {
  expect(applyPatch({ keywords: { x: true }, list: [1] }, patch)).toMatchObject({ error: { type: 'invalidPatch' } });
});

test('a patch that names __proto__ does not touch the prototype', () => {
  const patched = applyPatch({ a: 1 }, JSON.parse('{"__proto__": {"polluted": true}}'));
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect('value' in patched && Object.getPrototypeOf(patched.value)).toBe(Object.prototype);
});

const window = { position: 0, anchor: null, anchorOffset: 0, limit: null, calculateTotal: false };
const ids = ['a', 'b', 'c', 'd', 'e'];

test.each([
  [{ position: 1, limit: 2 }, ['b', 'c'], 1],
  [{ position: -2, limit: 10 }, ['d', 'e'], 3],
  [{ position: -9, limit: 1 }, ['a'], 0],
  [{ position: 9, limit: 1 }, [], 9],
  [{ anchor: 'c', anchorOffset: -1, limit: 2 }, ['b', 'c'], 1],
  [{ anchor: 'b', anchorOffset: -5, limit: 2 }, ['a', 'b'], 0],
  [{ anchor: 'b', position: 4, limit: 1 }, ['b'], 1],
  [{ limit: 0 }, [], 0],
])('the window %j shows %j', (asked, shown, position) => {
  expect(cutWindow(ids, queryWindow({ ...window, ...asked }))).toEqual({ ids: shown, position, total: 5 });
});

test('an anchor that is not in the results is an error', () => {
  expect(() => cutWindow(ids, queryWindow({ ...window, anchor: 'z' }))).toThrow('anchorNotFound');
});

test('filters and sorts outside what we know are unsupported, malformed ones are invalid', () => {
  const read = (filter: Record<string, unknown>) => readFilter(filter, (condition) => condition);
  expect(() => read({ operator: 'XOR', conditions: [] })).toThrow('invalidArguments');
  expect(() => read({ operator: 'AND', conditions: [1] })).toThrow('invalidArguments');
  let deep: Record<string, unknown> = {};
  for (let level = 0; level < 21; level++) deep = { operator: 'NOT', conditions: [deep] };
  expect(() => read(deep)).toThrow('unsupportedFilter');
  expect(() => readSort([{ property: 'color' }], ['size'])).toThrow('unsupportedSort');
  expect(() => readSort([{ property: 'size', collation: 'i;nothing' }], ['size'])).toThrow('unsupportedSort');
  expect(() => readSort([{ property: 'size', isAscending: 1 }], ['size'])).toThrow('invalidArguments');
  expect(() => readSort([{ property: 'hasKeyword' }], ['hasKeyword'], ['hasKeyword'])).toThrow('invalidArguments');
});
