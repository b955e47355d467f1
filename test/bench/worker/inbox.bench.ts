/** What opening the inbox costs: the webmail's own request against a counted D1 and R2. */
import { env } from 'cloudflare:test';
import { test } from 'vitest';
import { app } from '../../../workers/app.ts';
import { createMailAccount } from '../../../workers/store/mail/index.ts';
import { makeAccount, makeApiToken, ORIGIN } from '../../support/directory.ts';
import { deliverMany } from '../../support/mail.ts';
import { openInboxRequest } from '../inbox-request.ts';
import { counted } from './counted.ts';
import { report, SIZES } from './sizes.ts';

test('queries and round trips to open the inbox', async () => {
  const account = await makeAccount(env, 'bench@example.test');
  await createMailAccount(env, account.shard, account.id, null);
  const authorization = `Bearer ${await makeApiToken(env, account.id)}`;
  await deliverMany(env, account, SIZES[0] ?? 0);
  const call = (cost?: ReturnType<typeof counted>) => async (methodCalls: unknown) => {
    const init = { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify(methodCalls) };
    const answer = await app.request(`${ORIGIN}/jmap/api`, init, cost?.env ?? env);
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json<{ methodResponses: [string, { list?: { id: string; role: string }[] }, string][] }>();
  };
  const first = await call()({
    using: ['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:mail'],
    methodCalls: [['Mailbox/get', { accountId: `A${account.id}`, ids: null }, 'm']],
  });
  const inbox = first.methodResponses[0]?.[1].list?.find(({ role }) => role === 'inbox')?.id ?? '';
  const cost = counted(env);
  const answer = await call(cost)(openInboxRequest(`A${account.id}`, inbox));
  const failed = answer.methodResponses.find(([name]) => name === 'error');
  if (failed) throw new Error(JSON.stringify(failed));
  report({ what: 'queries to open the inbox, one JMAP request', ours: cost.queries, unit: '', budget: 25 });
  report({ what: 'round trips to D1 for it', ours: cost.trips, unit: '', budget: 8 });
  report({ what: 'originals read from R2 for it', ours: cost.originals, unit: '' });
});
