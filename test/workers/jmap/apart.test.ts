/** Accounts kept apart (RFC 8620 §1.6.2): whatever a stranger names of another account is not found, by every method there is. */
import { beforeAll, expect, test } from 'vitest';
import { METHODS } from '../../../workers/jmap/methods/table.ts';
import { SUPPORTED } from '../../../workers/jmap/session.ts';
import { type Client, makeClient } from './client.ts';

type Args = Record<string, unknown>;

/** What the victim has; a stranger's own account is as it was made. */
interface Possessions {
  mailbox: string;
  email: string;
  thread: string;
  identity: string;
  blob: string;
  part: string;
  state: string;
}

/** Words that are nowhere but in the victim's mail. */
const SECRET = 'xyzzy-plugh';

let victim: Client;
let stranger: Client;
let theirs: Possessions;

/** Runs one call of the stranger, with every capability. */
async function call(name: string, args: Args): Promise<[string, Args]> {
  const answer = await stranger.post(JSON.stringify({ using: [...SUPPORTED], methodCalls: [[name, args, 'c']] }));
  const { methodResponses } = (await answer.json()) as { methodResponses: [string, Args][] };
  return methodResponses[0] ?? ['', {}];
}

beforeAll(async () => {
  [victim, stranger] = [await makeClient(), await makeClient()];
  const { created } = await victim.call('Mailbox/set', { create: { a: { name: SECRET }, b: { name: `${SECRET} 2` } } });
  const mailbox = (created as Record<string, { id: string }>).b?.id ?? '';
  const raw = `Message-ID: <${SECRET}@x>\r\nSubject: ${SECRET}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n${SECRET}\r\n--b\r\nContent-Type: application/x\r\n\r\n${SECRET}\r\n--b--\r\n`;
  await victim.import(raw, mailbox);
  const { id: email, threadId: thread, blobId: blob } = await victim.import(raw.replace('<', '<2'), mailbox);
  const { attachments } = await victim.email(email, { properties: ['attachments'] });
  const [{ blobId: part }] = attachments as [{ blobId: string }];
  await victim.call('Identity/get', { ids: null });
  const identity = await victim.call('Identity/set', { create: { k: { name: SECRET, email: victim.account.address } } });
  const identityId = (identity.created as Record<string, { id: string }>).k?.id ?? '';
  const { state } = await victim.call('Email/get', { ids: [] });
  theirs = { mailbox, email, thread, identity: identityId, blob, part, state: String(state) };
});

/** Asks for what is theirs, and how the answer says that it is not there. Each method of the table has its row. */
const ROWS: Record<string, (theirs: Possessions) => { args: Args; says: Args }> = {
  'Core/echo': () => ({ args: {}, says: {} }),
  'Blob/copy': ({ blob }) => ({ args: { fromAccountId: victim.accountId, blobIds: [blob] }, says: { type: 'fromAccountNotFound' } }),
  'Blob/upload': ({ blob }) => ({
    args: { create: { k: { data: [{ blobId: blob }] } } },
    says: { notCreated: { k: { type: 'blobNotFound', notFound: [blob] } } },
  }),
  'Blob/get': ({ blob, part }) => ({ args: { ids: [blob, part] }, says: { list: [], notFound: [blob, part] } }),
  'Blob/lookup': ({ blob }) => ({
    args: { typeNames: ['Email'], ids: [blob] },
    says: { list: [{ id: blob, matchedIds: { Email: [] } }] },
  }),
  // Of a login, which these clients have none of: push-subscription.test.ts keeps logins apart.
  'PushSubscription/get': () => ({ args: { accountId: undefined, ids: ['P1'] }, says: {} }),
  'PushSubscription/set': () => ({ args: { accountId: undefined, destroy: ['P1'] }, says: {} }),
  'Mailbox/get': ({ mailbox }) => ({ args: { ids: [mailbox] }, says: { list: [], notFound: [mailbox] } }),
  'Mailbox/changes': () => ({ args: { sinceState: '999999' }, says: { type: 'cannotCalculateChanges' } }),
  'Mailbox/query': ({ mailbox }) => ({ args: { filter: { parentId: mailbox } }, says: { ids: [] } }),
  'Mailbox/queryChanges': () => ({ args: { sinceQueryState: '999999' }, says: { type: 'cannotCalculateChanges' } }),
  'Mailbox/set': ({ mailbox }) => ({
    args: { create: { k: { name: 'x', parentId: mailbox } }, update: { [mailbox]: { name: 'x' } }, destroy: [mailbox] },
    says: { notCreated: { k: { type: 'invalidProperties' } }, notDestroyed: { [mailbox]: { type: 'notFound' } } },
  }),
  'Thread/get': ({ thread }) => ({ args: { ids: [thread] }, says: { list: [], notFound: [thread] } }),
  'Thread/changes': () => ({ args: { sinceState: '999999' }, says: { type: 'cannotCalculateChanges' } }),
  'Email/get': ({ email }) => ({ args: { ids: [email] }, says: { list: [], notFound: [email] } }),
  'Email/changes': () => ({ args: { sinceState: '999999' }, says: { type: 'cannotCalculateChanges' } }),
  'Email/query': ({ mailbox }) => ({ args: { filter: { inMailbox: mailbox } }, says: { ids: [] } }),
  'Email/queryChanges': () => ({ args: { sinceQueryState: '999999' }, says: { type: 'cannotCalculateChanges' } }),
  'Email/set': ({ email, mailbox, blob }) => ({
    args: {
      create: { box: { mailboxIds: { [mailbox]: true } }, blob: { mailboxIds: { F1: true }, attachments: [{ blobId: blob }] } },
      update: { [email]: { 'keywords/$seen': true } },
      destroy: [email.replace(/\d+/, '77')],
    },
    says: {
      notCreated: { box: { type: 'invalidProperties', properties: ['mailboxIds'] }, blob: { type: 'blobNotFound', notFound: [blob] } },
      notUpdated: { [email]: { type: 'notFound' } },
      notDestroyed: { M77: { type: 'notFound' } },
    },
  }),
  'Email/copy': ({ email }) => ({
    args: { fromAccountId: victim.accountId, create: { k: { id: email, mailboxIds: { F1: true } } } },
    says: { type: 'fromAccountNotFound' },
  }),
  'Email/import': ({ blob }) => ({
    args: { emails: { k: { blobId: blob, mailboxIds: { F1: true } } } },
    says: { notCreated: { k: { type: 'invalidProperties', properties: ['blobId'] } } },
  }),
  'Email/parse': ({ blob, part }) => ({ args: { blobIds: [blob, part] }, says: { parsed: null, notFound: [blob, part] } }),
  'SearchSnippet/get': ({ email }) => ({ args: { filter: { text: SECRET }, emailIds: [email] }, says: { list: [], notFound: [email] } }),
  'Identity/get': ({ identity }) => ({ args: { ids: [identity] }, says: { list: [], notFound: [identity] } }),
  'Identity/changes': () => ({ args: { sinceState: '999999' }, says: { type: 'cannotCalculateChanges' } }),
  'Identity/set': ({ identity }) => ({
    args: { update: { [identity]: { name: 'x' } } },
    says: { notUpdated: { [identity]: { type: 'notFound' } } },
  }),
  'EmailSubmission/get': () => ({ args: { ids: ['S1'] }, says: { list: [], notFound: ['S1'] } }),
  'EmailSubmission/changes': () => ({ args: { sinceState: '999999' }, says: { type: 'cannotCalculateChanges' } }),
  'EmailSubmission/query': ({ email }) => ({ args: { filter: { emailIds: [email] } }, says: { ids: [] } }),
  'EmailSubmission/queryChanges': () => ({ args: { sinceQueryState: '999999' }, says: { type: 'cannotCalculateChanges' } }),
  'EmailSubmission/set': ({ email, identity }) => ({
    args: { create: { k: { emailId: email, identityId: identity } }, destroy: ['S1'] },
    says: { notCreated: { k: { type: 'invalidProperties' } }, notDestroyed: { S1: { type: 'notFound' } } },
  }),
  'VacationResponse/get': () => ({ args: { ids: ['x'] }, says: { list: [], notFound: ['x'] } }),
  'VacationResponse/set': () => ({ args: { update: { x: { isEnabled: true } } }, says: { notUpdated: { x: { type: 'notFound' } } } }),
  'MDN/send': ({ email, identity }) => ({
    args: {
      identityId: identity,
      send: { k: { forEmailId: email, disposition: { actionMode: 'manual-action', sendingMode: 'mdn-sent-manually', type: 'displayed' } } },
      onSuccessUpdateEmail: { '#k': { 'keywords/$mdnsent': true } },
    },
    says: {},
  }),
  'MDN/parse': ({ blob }) => ({ args: { blobIds: [blob] }, says: { notFound: [blob] } }),
  'Quota/get': () => ({ args: { ids: ['x'] }, says: { list: [], notFound: ['x'] } }),
  'Quota/changes': () => ({ args: { sinceState: '999999' }, says: { type: 'cannotCalculateChanges' } }),
  'Quota/query': () => ({ args: { filter: { name: SECRET } }, says: { ids: [] } }),
  'Quota/queryChanges': () => ({ args: { sinceQueryState: '999999' }, says: { type: 'cannotCalculateChanges' } }),
};

test('every method there is stands in this test', () => {
  expect([...METHODS.keys()].filter((name) => !Object.hasOwn(ROWS, name))).toEqual([]);
});

test.each(Object.keys(ROWS))('%s finds nothing of another account, and tells nothing of it', async (name) => {
  const { args, says } = ROWS[name]?.(theirs) ?? { args: {}, says: {} };
  const [, answer] = await call(name, { accountId: stranger.accountId, ...args });
  expect(answer).toMatchObject(says);
  const asked = new Set([...JSON.stringify(args).matchAll(new RegExp(SECRET, 'g'))]);
  if (asked.size === 0) expect(JSON.stringify(answer)).not.toContain(SECRET);
});

test.each(Object.keys(ROWS).filter((name) => !/^(Core|PushSubscription)\//.test(name)))(
  "%s does not know another's account",
  async (name) => {
    const { args } = ROWS[name]?.(theirs) ?? { args: {} };
    const [answered, answer] = await call(name, { ...args, accountId: victim.accountId });
    // RFC 9007 has invalidArguments for it.
    const type = name.startsWith('MDN/') ? 'invalidArguments' : 'accountNotFound';
    expect([answered, answer]).toMatchObject(['error', { type }]);
  },
);

test('nothing of theirs has changed', async () => {
  const { state } = await victim.call('Email/get', { ids: [] });
  expect(state).toBe(theirs.state);
});
