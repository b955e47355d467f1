/** The bridge's doors: who may do what, commits that are made once, originals by range (DESIGN.md, invariants 1 and 6). */
import { env } from 'cloudflare:test';
import { beforeAll, describe, expect, test } from 'vitest';
import { indexMessage } from '../../../shared/mime/indexer.ts';
import type { ChangesPage, CommitAnswer, Operation, SearchAnswer } from '../../../shared/protocol.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import type { Account } from '../../../workers/store/mail/types.ts';
import { makeAccount, makeBridgeToken, makeReceiver, signedCall, type TestReceiver } from '../../support/directory.ts';
import { deliverMany, deliverRaw, digest, emailOf, mailboxOf, putMessage, rawMessage } from '../../support/mail.ts';

let receiver: TestReceiver;
let me: Account;
let you: Account;
let token: string;
let commits = 0;

beforeAll(async () => {
  me = await makeAccount(env, 'me@example.test');
  you = await makeAccount(env, 'you@example.test');
  receiver = await makeReceiver(env);
  token = await makeBridgeToken(env, me.id, receiver.id);
});

async function commit(
  operations: Operation[],
  options: { id?: string; since?: string; payloads?: Uint8Array[] } = {},
): Promise<CommitAnswer> {
  const header = { id: options.id ?? `commit-${++commits}`, since: options.since ?? '', operations };
  const answer = await signedCall(env, receiver, { path: '/bridge/commit', header, payloads: options.payloads, token });
  expect(answer.status).toBe(200);
  return answer.json();
}

async function get(path: string, options: { token?: string; headers?: Record<string, string> } = {}): Promise<Response> {
  return signedCall(env, receiver, { path, token, ...options });
}

test('changes from the beginning hold mailboxes and emails with their index; from the cursor on, nothing', async () => {
  const id = await deliverRaw(env, me, rawMessage({ subject: 'First' }));
  const page = await (await get('/bridge/changes?since=')).json<ChangesPage>();
  expect(page.mailboxes.map(({ role }) => role)).toEqual(['inbox', 'drafts', 'sent', 'archive', 'junk', 'trash']);
  const email = page.emails.find((candidate) => candidate.id === id);
  expect(email).toMatchObject({
    keywords: [],
    index: { subject: 'First', thread: id },
    placements: [{ uid: expect.any(Number), deleted: false }],
  });
  expect(page).toMatchObject({ reset: false, more: false });
  const next = await (await get(`/bridge/changes?since=${page.cursor}`)).json<ChangesPage>();
  expect(next).toMatchObject({ emails: [], mailboxes: [], cursor: page.cursor, more: false });
});

test('a commit answers with its results and with all changes since the cursor, and is made once', async () => {
  const id = await deliverRaw(env, me, rawMessage());
  const { cursor, emails } = await openMail(env, me).changes('', 500);
  const [{ mailbox, uid } = { mailbox: 0, uid: 0 }] = emails.find((email) => email.id === id)?.placements ?? [];
  const operations: Operation[] = [
    { op: 'store', mailbox, uids: [uid], add: ['$seen', 'Label'] },
    { op: 'createMailbox', parent: null, name: 'Once' },
  ];
  const first = await commit(operations, { id: 'the-same-commit', since: cursor });
  const again = await commit(operations, { id: 'the-same-commit', since: cursor });
  expect(again).toEqual(first);
  expect(first.results).toEqual([{ ok: true }, { ok: true, id: expect.any(Number) }]);
  expect(first.changes.emails).toMatchObject([{ id, keywords: ['$seen', 'label'] }]);
  expect((await openMail(env, me).mailboxes()).filter(({ name }) => name === 'Once')).toHaveLength(1);
});

test('an appended message travels in the payload and gets its uid', async () => {
  const raw = rawMessage({ subject: 'Appended' });
  const archive = await mailboxOf(env, me, 'archive');
  const append: Operation = {
    op: 'append',
    mailbox: archive,
    sha256: await digest(raw),
    inline: raw.length,
    index: indexMessage(raw),
    keywords: ['$seen'],
    receivedAt: 1_000_000,
  };
  const { results } = await commit([append], { payloads: [raw] });
  expect(results).toEqual([{ ok: true, id: expect.any(Number), uids: [[0, 1]] }]);
  const id = results[0]?.ok ? (results[0].id ?? 0) : 0;
  expect(await emailOf(env, me, id)).toMatchObject({
    subject: 'Appended',
    receivedAt: 1_000_000,
    keywords: ['$seen'],
    mailboxes: [archive],
  });
});

test('an append whose original is nowhere answers blobNotFound', async () => {
  const raw = rawMessage();
  const append: Operation = {
    op: 'append',
    mailbox: 1,
    sha256: await digest(raw),
    inline: 0,
    index: indexMessage(raw),
    keywords: [],
    receivedAt: 0,
  };
  expect((await commit([append])).results).toEqual([{ ok: false, error: 'blobNotFound' }]);
});

describe('a malformed commit is refused whole', () => {
  const cases: [string, unknown][] = [
    ['an unknown operation', { op: 'rm' }],
    ['a property of every object', { op: 'constructor' }],
    ['a uid that is no number', { op: 'expunge', mailbox: 1, uids: ['1'] }],
    ['a keyword with a quote', { op: 'store', mailbox: 1, uids: [1], add: ['a"b'] }],
    ['1,001 uids', { op: 'expunge', mailbox: 1, uids: Array(1001).fill(1) }],
    ['null', null],
  ];
  test.each(cases)('%s', async (_name, operation) => {
    const header = { id: `malformed-${++commits}`, since: '', operations: [operation] };
    expect((await signedCall(env, receiver, { path: '/bridge/commit', header, token })).status).toBe(400);
  });
});

test('a cursor of another kind, or of the future, asks for a reset', async () => {
  for (const since of ['x', '99999999', '1-2', '5-1-1-1-1']) {
    expect(await (await get(`/bridge/changes?since=${since}`)).json()).toMatchObject({ reset: true, cursor: '', more: true });
  }
});

test("invariant 6: without a user's token a receiver reads nothing, with a submit token neither", async () => {
  const { sha256 } = await putMessage(env, me, rawMessage());
  const submitOnly = await makeBridgeToken(env, me.id, receiver.id, 'submit');
  const other = await makeReceiver(env, 'two');
  for (const path of ['/bridge/changes?since=', `/blob/${me.id}/${sha256}`, '/bridge/push']) {
    expect((await signedCall(env, receiver, { path })).status).toBe(401);
    expect((await signedCall(env, receiver, { path, token: submitOnly })).status).toBe(403);
    expect((await signedCall(env, other, { path, token })).status).toBe(401);
  }
});

test("another account's original is not found with my token, nor can I write it", async () => {
  const raw = rawMessage();
  const { sha256 } = await putMessage(env, you, raw);
  expect((await get(`/blob/${you.id}/${sha256}`)).status).toBe(404);
  const call = {
    method: 'PUT',
    path: `/blob/${you.id}/${sha256}`,
    body: raw.slice(),
    token,
    headers: { 'content-length': String(raw.length) },
  };
  expect((await signedCall(env, receiver, call)).status).toBe(403);
});

test('an original is read whole and by range', async () => {
  const raw = rawMessage();
  const { sha256 } = await putMessage(env, me, raw);
  const path = `/blob/${me.id}/${sha256}`;
  expect(new Uint8Array(await (await get(path)).arrayBuffer())).toEqual(raw);
  const part = await get(path, { headers: { range: 'bytes=5-14' } });
  expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 5-14/${raw.length}`]);
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(raw.slice(5, 15));
  const tail = await get(path, { headers: { range: `bytes=${raw.length - 3}-${raw.length + 50}` } });
  expect(new Uint8Array(await tail.arrayBuffer())).toEqual(raw.slice(-3));
  expect((await get(path, { headers: { range: `bytes=${raw.length}-` } })).status).toBe(416);
});

test('invariant 2: a deposit with another digest or length is refused and not kept', async () => {
  const raw = rawMessage();
  const put = (sha256: string, length: number) =>
    signedCall(env, receiver, {
      method: 'PUT',
      path: `/blob/${me.id}/${sha256}`,
      body: raw.slice(),
      headers: { 'content-length': String(length) },
    });
  expect((await put('b'.repeat(64), raw.length)).status).toBe(422);
  expect((await put(await digest(raw), raw.length + 1)).status).toBe(422);
  expect(await openMail(env, me).getBlob('b'.repeat(64))).toBeNull();
  expect((await put('not-a-digest', raw.length)).status).toBe(404);
});

test('heads answer for all accounts asked, unknown ones left out', async () => {
  const answer = await signedCall(env, receiver, { path: `/bridge/heads?accounts=${me.id},${you.id},99999` });
  const modseqs = await Promise.all([me, you].map(async (account) => (await openMail(env, account).states()).modseq));
  expect(await answer.json()).toEqual({ heads: { [me.id]: modseqs[0], [you.id]: modseqs[1] } });
  expect((await signedCall(env, receiver, { path: '/bridge/heads?accounts=1;2' })).status).toBe(400);
});

test('a search tells the emails that have its words in a row, of the caller alone, in the body or anywhere', async () => {
  const found = async (scope: string, text: string): Promise<SearchAnswer> =>
    (await get(`/bridge/search?${new URLSearchParams({ scope, text, after: '' })}`)).json();
  const first = await deliverRaw(env, me, rawMessage({ subject: 'Quokka report', body: 'the quick brown wombat' }));
  const second = await deliverRaw(env, me, rawMessage({ subject: 'other', body: 'brown and quick quokkas; 天气预报' }));
  await deliverRaw(env, you, rawMessage({ subject: 'Quokka of another', body: 'quick brown' }));
  expect((await found('text', 'quokka')).emails.sort()).toEqual([first, second].sort());
  expect(await found('body', 'QUOKKA')).toEqual({ words: true, emails: [second], next: null });
  expect((await found('body', 'quick brow')).emails).toEqual([first]);
  expect((await found('body', '预报')).emails).toEqual([second]);
  expect((await found('text', '"quick" OR body:*')).emails).toEqual([]);
  expect(await found('text', '?!')).toEqual({ words: false, emails: [], next: null });
  expect((await get('/bridge/search?scope=all&text=x')).status).toBe(400);
});

test('a commit answers with all that it changed in one page, however much that is', async () => {
  const many = await makeAccount(env, 'many@example.test');
  const ids = await deliverMany(env, many, 520);
  const mail = openMail(env, many);
  let { cursor, more } = await mail.changes('', 500);
  while (more) ({ cursor, more } = await mail.changes(cursor, 500));
  const { changes } = await mail.commit({
    id: 'all-at-once',
    since: cursor,
    operations: [{ op: 'store', mailbox: 1, uids: ids, add: ['$seen'] }],
  });
  expect(changes.more).toBe(false);
  expect(changes.emails).toHaveLength(520);
  const bornToo = await mail.commit({
    id: 'with-index',
    since: '',
    operations: [{ op: 'store', mailbox: 1, uids: ids, add: ['$flagged'] }],
  });
  expect(bornToo.changes.more).toBe(true);
  expect(bornToo.changes.emails).toHaveLength(500);
});

test('what came and went between two looks is told as gone: a client may have seen it through another receiver', async () => {
  const mail = openMail(env, me);
  const { cursor } = await mail.changes('', 500);
  const archive = await mailboxOf(env, me, 'archive');
  const inbox = await mailboxOf(env, me, 'inbox');
  const [moved, gone] = [await deliverRaw(env, me, rawMessage()), await deliverRaw(env, me, rawMessage())];
  const { emails: born } = await mail.changes(cursor, 500);
  const uidOf = (wanted: number) => born.find(({ id }) => id === wanted)?.placements[0]?.uid ?? 0;
  const [movedUid, goneUid] = [uidOf(moved), uidOf(gone)];
  await commit([
    { op: 'move', mailbox: inbox, uids: [movedUid], to: archive },
    { op: 'store', mailbox: inbox, uids: [goneUid], deleted: true },
  ]);
  await commit([{ op: 'expunge', mailbox: inbox, uids: [goneUid] }]);
  const { emails } = await mail.changes(cursor, 500);
  const expunged = emails.flatMap(({ placements }) => placements.filter((placement) => placement.expunged).map(({ uid }) => uid));
  expect(expunged.sort()).toEqual([movedUid, goneUid].sort());
});
