/** Header fields found where they stand (RFC 5322 §2.2). */
import { describe, expect, test } from 'vitest';
import { eachField, FieldNames, fieldValues } from '../../../receiver/imap/headerlines.ts';

const block = 'From: a\r\n b\r\nno field\r\nSubject : x\r\nFROM:c\r\n\tfolded\r\nTo:\r\n\r\nBody: not a field\r\n';

function fieldsOf(block: string): [string, string][] {
  const fields: [string, string][] = [];
  eachField(block, (start, nameEnd, end) => fields.push([block.slice(start, nameEnd), block.slice(start, end)]));
  return fields;
}

test('fields are found with their folded lines, up to the empty line', () => {
  expect(fieldsOf(block)).toEqual([
    ['From', 'From: a\r\n b\r\n'],
    ['Subject', 'Subject : x\r\n'],
    ['FROM', 'FROM:c\r\n\tfolded\r\n'],
    ['To', 'To:\r\n'],
  ]);
});

test('lines that are no field are passed over with what is folded to them', () => {
  expect(fieldsOf('two words: x\r\n folded\r\n: nameless\nA: 1\n\u00e4: x\nB: 2')).toEqual([
    ['A', 'A: 1\n'],
    ['B', 'B: 2'],
  ]);
  expect(fieldsOf('\nA: 1\n')).toEqual([]);
  expect(fieldsOf('')).toEqual([]);
});

test('a block of a million lines without a colon costs no more than its length', () => {
  const started = performance.now();
  expect(fieldsOf('a\n'.repeat(1_000_000))).toEqual([]);
  expect(performance.now() - started).toBeLessThan(2_000);
});

test('values are unfolded and trimmed', () => {
  expect(fieldValues(block, 'from')).toEqual(['a b', 'c\tfolded']);
  expect(fieldValues(block, 'to')).toEqual(['']);
  expect(fieldValues('Last: one', 'last')).toEqual(['one']);
  expect(fieldValues('X: caf\u00c3\u00a0\r\n', 'x')).toEqual(['caf\u00c3\u00a0']);
  expect(fieldValues('', 'last')).toEqual([]);
});

describe('names', () => {
  const names = new FieldNames(['Subject', 'to', 'X-Y_1']);
  test.each([
    ['subject', true],
    ['SUBJECT', true],
    ['To', true],
    ['x-y_1', true],
    ['x-y\x7f1', false],
    ['subjekt', false],
    ['Too', false],
    ['', false],
  ])('%s: %s', (name, expected) => {
    expect(names.has(`<${name}>`, 1, 1 + name.length)).toBe(expected);
  });
});
