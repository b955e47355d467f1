import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { resolveReferences } from '../../../shared/jmap/references.ts';
import type { Invocation } from '../../../shared/jmap/request.ts';

const responses: Invocation[] = [
  [
    'Email/get',
    {
      list: [
        { threadId: 'T1', tags: ['a', 'b'] },
        { threadId: 'T2', tags: ['c'] },
      ],
      'a/b': { '~': [7, 8] },
    },
    'c0',
  ],
  ['error', { type: 'serverFail' }, 'c1'],
];

function resolve(path: string, resultOf = 'c0', name = 'Email/get'): unknown {
  return resolveReferences({ '#ids': { resultOf, name, path } }, responses).ids;
}

test.each([
  ['/list/0/threadId', 'T1'],
  ['/list/*/threadId', ['T1', 'T2']],
  ['/list/*/tags', ['a', 'b', 'c']],
  ['/list/*/tags/0', ['a', 'c']],
  ['/a~1b/~0', [7, 8]],
  ['/a~1b/~0/1', 8],
])('the path %s leads to what RFC 8620 section 3.7 says', (path, expected) => {
  expect(resolve(path)).toEqual(expected);
});

test.each([
  ['/list/9/threadId', 'c0', 'Email/get'],
  ['/list/*/nothing', 'c0', 'Email/get'],
  ['/list/-1', 'c0', 'Email/get'],
  ['/list/00', 'c0', 'Email/get'],
  ['/toString', 'c0', 'Email/get'],
  ['list', 'c0', 'Email/get'],
  ['/a~2b', 'c0', 'Email/get'],
  ['/a~', 'c0', 'Email/get'],
  ['/a~1b/*', 'c0', 'Email/get'],
  ['/list', 'c9', 'Email/get'],
  ['/list', 'c0', 'Email/query'],
  ['/type', 'c1', 'Email/get'],
  [`/${'a/'.repeat(600)}`, 'c0', 'Email/get'],
])('the reference %s of %s %s is an invalid result reference', (path, resultOf, name) => {
  expect(() => resolve(path, resultOf, name)).toThrow(new MethodError('invalidResultReference').type);
});

test('an argument given plain and by reference is invalid', () => {
  expect(() => resolveReferences({ ids: [], '#ids': { resultOf: 'c0', name: 'Email/get', path: '/list' } }, responses)).toThrow(
    'invalidArguments',
  );
});

test('any reference resolves or is a method error', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), (reference, path) => {
      for (const value of [reference, { resultOf: 'c0', name: 'Email/get', path }]) {
        try {
          resolveReferences({ '#x': value }, responses);
        } catch (error) {
          expect(error).toBeInstanceOf(MethodError);
        }
      }
    }),
  );
});
