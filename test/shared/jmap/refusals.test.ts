/** What is wrong with a mailbox or an identity is said in words, each property by its name. */
import { expect, test } from 'vitest';
import { readIdentityCreation } from '../../../shared/jmap/identity.ts';
import { readMailboxCreation } from '../../../shared/jmap/mailbox/changes.ts';

test('a mailbox is told why its name and what else it names are refused', () => {
  expect(readMailboxCreation({ name: 'a/b', totalEmails: 3 })).toEqual({
    type: 'invalidProperties',
    properties: ['totalEmails', 'name'],
    description: 'totalEmails: cannot be set; name: must be a name without control characters or /',
  });
});

test('so is an identity', () => {
  expect(readIdentityCreation({ email: 'nobody', mayDelete: true })).toEqual({
    type: 'invalidProperties',
    properties: ['mayDelete', 'email'],
    description: 'mayDelete: cannot be set; email: must be an address',
  });
});
