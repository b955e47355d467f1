/** Whatever JSON the methods of submission, vacation, MDN and quota are given, they answer with an error of the RFCs, never `serverFail`. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { type Client, makeClient } from './client.ts';

const METHODS: Record<string, string[]> = {
  'EmailSubmission/get': ['ids', 'properties'],
  'EmailSubmission/changes': ['sinceState', 'maxChanges'],
  'EmailSubmission/query': ['filter', 'sort', 'position', 'anchor', 'anchorOffset', 'limit', 'calculateTotal'],
  'EmailSubmission/queryChanges': ['filter', 'sort', 'sinceQueryState', 'maxChanges', 'upToId', 'calculateTotal'],
  'EmailSubmission/set': ['ifInState', 'create', 'update', 'destroy', 'onSuccessUpdateEmail', 'onSuccessDestroyEmail'],
  'VacationResponse/get': ['ids', 'properties'],
  'VacationResponse/set': ['ifInState', 'create', 'update', 'destroy'],
  'MDN/send': ['identityId', 'send', 'onSuccessUpdateEmail'],
  'MDN/parse': ['blobIds'],
  'Quota/get': ['ids', 'properties'],
  'Quota/changes': ['sinceState', 'maxChanges'],
  'Quota/query': ['filter', 'sort', 'position', 'anchor', 'limit'],
  'Quota/queryChanges': ['filter', 'sort', 'sinceQueryState', 'maxChanges', 'calculateTotal'],
};

const WORDS = [
  'id',
  'singleton',
  '#k',
  'k',
  'S1',
  'M1',
  'T1',
  'I1',
  '0',
  '1',
  '1-1-1',
  'undoStatus',
  'pending',
  'emailId',
  'operator',
  '__proto__',
];
const NAMES = [
  ...WORDS,
  'conditions',
  'property',
  'sentAt',
  'isAscending',
  'identityIds',
  'before',
  'envelope',
  'mailFrom',
  'parameters',
  'HOLDFOR',
];
const MORE = ['rcptTo', 'email', 'isEnabled', 'fromDate', 'subject', 'forEmailId', 'disposition', 'keywords/$mdnsent', 'subject/x'];

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, -1, 1, 2 ** 53, 1e300, 0.5, '', 'AND', 'NOT', '2026-11-01T00:00:00Z', ...WORDS),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...NAMES, ...MORE), tie('value'), { maxKeys: 5 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
  ),
}));

let client: Client;
beforeAll(async () => {
  client = await makeClient();
});

test.each(Object.entries(METHODS))('%s', async (name, args) => {
  const calls = fc.record(Object.fromEntries(args.map((arg) => [arg, value])), { requiredKeys: [] });
  await fc.assert(
    fc.asyncProperty(fc.array(calls, { minLength: 1, maxLength: 8 }), async (batch) => {
      const { methodResponses } = await client.request(batch.map((record) => [name, record]));
      for (const [answered, answer] of methodResponses) expect([answered, answer.type]).not.toEqual(['error', 'serverFail']);
    }),
    { numRuns: 25 },
  );
});
