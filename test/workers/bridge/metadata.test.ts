/** What the feed carries besides mail: annotations (RFC 5464) and usage (RFC 9208); and a message replaced in one commit (RFC 8508). */
import { env } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { METADATA_ENTRIES_MAX, METADATA_OCTETS_MAX, METADATA_VALUE_MAX } from '../../../shared/metadata.ts';
import { indexMessage } from '../../../shared/mime/indexer.ts';
import type { ChangesPage, CommitAnswer, Operation } from '../../../shared/protocol.ts';
import { openMail, setQuota } from '../../../workers/store/mail/index.ts';
import type { Account } from '../../../workers/store/mail/types.ts';
import { makeAccount, makeBridgeToken, makeReceiver, signedCall, type TestReceiver } from '../../support/directory.ts';
import { deliverRaw, digest, mailboxOf, rawMessage } from '../../support/mail.ts';

let receiver: TestReceiver;
let me: Account;
let token: string;
let commits = 0;

beforeAll(async () => {
  me = await makeAccount(env, 'me@example.test');
  receiver = await makeReceiver(env);
  token = await makeBridgeToken(env, me.id, receiver.id);
});

async function send(operations: Operation[], more: { since?: string; atomic?: boolean; payloads?: Uint8Array[] } = {}): Promise<Response> {
  const { payloads, since = '', atomic } = more;
  const header = { id: `metadata-commit-${++commits}`, since, operations, ...(atomic && { atomic }) };
  return signedCall(env, receiver, { path: '/bridge/commit', header, payloads, token });
}

async function commit(...asked: Parameters<typeof send>): Promise<CommitAnswer> {
  const answer = await send(...asked);
  expect(answer.status).toBe(200);
  return answer.json();
}

const changes = async (since: string) =>
  (await signedCall(env, receiver, { path: `/bridge/changes?since=${since}`, token })).json<ChangesPage>();
const set = (mailbox: number, ...entries: [string, string | null][]): Operation => ({ op: 'setMetadata', mailbox, entries });

test('annotations reach every mirror, whole, when one of them changed, and only then', async () => {
  const { cursor } = await changes('');
  expect(await changes('')).not.toHaveProperty('metadata');
  const inbox = await mailboxOf(env, me, 'inbox');
  const binary = 'a\0\u00ff\r\nb';
  const { results, changes: page } = await commit([set(inbox, ['/Private/Comment', binary]), set(0, ['/shared/comment', ''])], {
    since: cursor,
  });
  expect(results).toEqual([{ ok: true }, { ok: true }]);
  const expected = [
    { mailbox: 0, entry: '/shared/comment', value: '' },
    { mailbox: inbox, entry: '/private/comment', value: binary },
  ];
  expect(page.metadata).toEqual(expected);
  expect((await changes(cursor)).metadata).toEqual(expected);
  expect((await changes('')).metadata).toEqual(expected);
  expect(await changes(page.cursor)).not.toHaveProperty('metadata');
  const last = await commit([set(inbox, ['/private/comment', null]), set(0, ['/shared/comment', null])], { since: page.cursor });
  expect(last.changes.metadata).toEqual([]);
});

test('annotations go with their mailbox', async () => {
  const made = await commit([{ op: 'createMailbox', parent: null, name: 'Annotated' }]);
  const mailbox = made.results[0]?.ok ? (made.results[0].id ?? 0) : 0;
  await commit([set(mailbox, ['/private/comment', 'x'])]);
  await commit([{ op: 'destroyMailbox', mailbox }]);
  const left = await env.MAIL_0.prepare('SELECT COUNT(*) AS n FROM metadata').first<{ n: number }>();
  expect(left?.n).toBe(0);
  expect((await commit([set(mailbox, ['/private/comment', 'x'])])).results).toEqual([
    { ok: false, error: 'notFound', description: 'mailbox' },
  ]);
});

test('an account keeps no more annotations than it may, in number and in all', async () => {
  const full = Array.from({ length: 5 }, (_, part) =>
    set(0, ...Array.from({ length: 100 }, (_, index): [string, string] => [`/private/vendor/x/${part}-${index}`, ''])),
  );
  expect((await commit(full)).results.every(({ ok }) => ok)).toBe(true);
  expect(full.length * 100).toBe(METADATA_ENTRIES_MAX);
  const refused = [{ ok: false, error: 'tooLarge', description: 'annotations' }];
  expect((await commit([set(0, ['/private/vendor/x/more', ''])])).results).toEqual(refused);
  expect((await commit([set(0, ['/private/vendor/x/0-0', 'replaced'])])).results).toEqual([{ ok: true }]);
  for (let part = 0; part < 5; part++) {
    await commit([set(0, ...Array.from({ length: 100 }, (_, index): [string, null] => [`/private/vendor/x/${part}-${index}`, null]))]);
  }
  const large = 'y'.repeat(METADATA_VALUE_MAX);
  const count = Math.floor(METADATA_OCTETS_MAX / METADATA_VALUE_MAX);
  const values = Array.from({ length: count }, (_, index): [string, string] => [`/private/vendor/y/${index}`, large]);
  expect((await commit([set(0, ...values)])).results).toEqual(refused);
  expect((await commit([set(0, ...values.slice(0, count - 1))])).results).toEqual([{ ok: true }]);
  await commit([set(0, ...values.map(([entry]): [string, null] => [entry, null]))]);
});

test.each([
  ['a name outside /private and /shared', ['/other/x', 'y']],
  ['a vendor without an entry', ['/private/vendor/acme', 'y']],
  ['a name with a wild card', ['/private/a*', 'y']],
  ['a value that is too long', ['/private/a', 'x'.repeat(METADATA_VALUE_MAX + 1)]],
  ['a value that is no byte string', ['/private/a', '\u0100']],
] as [string, [string, string]][])('%s is no commit', async (_what, entry) => {
  expect((await send([set(0, entry)])).status).toBe(400);
});

test('every page says how much the account holds and may hold', async () => {
  const before = (await changes('')).usage;
  expect(before?.quota).toBeNull();
  await deliverRaw(env, me, rawMessage());
  const after = (await changes('')).usage;
  expect(after?.octets).toBeGreaterThan(before?.octets ?? 0);
  await setQuota(env, me.shard, me.id, 123_456_789);
  expect((await changes('')).usage?.quota).toBe(123_456_789);
  await setQuota(env, me.shard, me.id, null);
});

test('replacing a message needs only the room that it takes more than the old one', async () => {
  const inbox = await mailboxOf(env, me, 'inbox');
  const append = async (raw: Uint8Array): Promise<Operation> => ({
    op: 'append',
    mailbox: inbox,
    sha256: await digest(raw),
    inline: raw.length,
    index: indexMessage(raw),
    keywords: [],
    receivedAt: Date.now(),
  });
  const old = rawMessage({ subject: 'old' });
  const stored = await commit([await append(old)], { payloads: [old] });
  const uid = stored.results[0]?.ok ? (stored.results[0].uids?.[0]?.[1] ?? 0) : 0;
  const usage = (await changes('')).usage?.octets ?? 0;
  await setQuota(env, me.shard, me.id, usage + 10);
  const place = { mailbox: inbox, uids: [uid] };
  const removal: Operation[] = [
    { op: 'store', ...place, deleted: true },
    { op: 'expunge', ...place },
  ];
  const tooLarge = rawMessage({ subject: 'much longer than ten octets more' });
  const refused = await commit([...removal, await append(tooLarge)], { atomic: true, payloads: [tooLarge] });
  expect(refused.results[2]).toMatchObject({ ok: false, error: 'overQuota' });
  expect((await openMail(env, me).usage()).octets).toBe(usage);
  const fits = rawMessage({ subject: 'new' });
  const done = await commit([...removal, await append(fits)], { atomic: true, payloads: [fits] });
  expect(done.results.every(({ ok }) => ok)).toBe(true);
  await setQuota(env, me.shard, me.id, null);
});
