/** A message that came in by Email/import as it was, bare CR and all, and is submitted by EmailSubmission/set (RFC 8621 §7.5). */
import { beforeAll, expect, test } from 'vitest';
import type { Json } from '../../../shared/jmap/errors.ts';
import { type Client, makeClient } from '../jmap/client.ts';

let client: Client;
beforeAll(async () => {
  client = await makeClient();
});

test.each([
  ['hides a second From behind a bare CR', 'X-A: b\rFrom: ceo@bank.test'],
  ['has a bare LF', 'X-A: b\nX-B: c'],
])('an imported message whose header %s is kept, and not sent', async (_name, line) => {
  const { drafts } = await client.roles();
  const { list } = await client.call('Identity/get', { ids: null });
  const lines = [`From: ${client.account.address}`, 'To: friend@elsewhere.test', line, '', 'Hello', ''];
  const { id } = await client.import(lines.join('\r\n'), drafts ?? '', { keywords: { $draft: true } });
  const record = { identityId: (list as Json[])[0]?.id, emailId: id };
  const answer = await client.call('EmailSubmission/set', { create: { k: record } });
  expect(answer.created).toBeNull();
  expect(answer.notCreated).toMatchObject({ k: { type: 'invalidEmail', description: expect.stringContaining('bare CR') } });
});
