/** Commits that are done whole or not at all: MULTIAPPEND (RFC 3502 §6.3.11) and large COPYs (RFC 9051 §6.4.7). */
import { env } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { readCommitRequest } from '../../../shared/operations.ts';
import type { Operation, OperationResult } from '../../../shared/protocol.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import type { Account } from '../../../workers/store/mail/types.ts';
import { createAccount, deliverMany, putMessage } from '../../support/mail.ts';
import { cost } from '../../support/rows.ts';

const [INBOX, ARCHIVE] = [1, 4];
/** Queries a request may make on the free plan. */
const QUERIES_MAX = 50;

async function commit(account: Account, operations: Operation[], atomic = true): Promise<OperationResult[]> {
  const answer = await openMail(env, account).commit({ id: crypto.randomUUID(), since: '', operations, atomic });
  return answer.results;
}

async function append(account: Account, size: number): Promise<Operation> {
  const { sha256, index } = await putMessage(env, account, new Uint8Array(size).fill(120));
  return { op: 'append', mailbox: INBOX, sha256, inline: 0, index, keywords: [], receivedAt: 5000 };
}

async function counted(account: Account, mailbox: number): Promise<number | undefined> {
  return (await openMail(env, account).mailboxes()).find(({ id }) => id === mailbox)?.messages;
}

test('of several messages none is stored when one is over quota, and all are when there is room', async () => {
  const account = await createAccount(env, { quota: 5000 });
  const [first, large, last] = await Promise.all([append(account, 100), append(account, 9000), append(account, 200)]);
  const before = await openMail(env, account).states();
  const refused = { ok: false, error: 'overQuota' };
  expect(await commit(account, [first, large, last])).toEqual([refused, refused, refused]);
  expect(await openMail(env, account).states()).toEqual(before);
  expect(await openMail(env, account).usage()).toMatchObject({ octets: 0, messages: 0 });
  expect(await commit(account, [first, last])).toMatchObject([{ uids: [[0, 1]] }, { uids: [[0, 2]] }]);
  expect(await openMail(env, account).usage()).toMatchObject({ octets: 300, messages: 2 });
});

test('the word comes through the border', () => {
  const request = { id: 'a-commit-id', since: '', operations: [] };
  expect(readCommitRequest({ ...request, atomic: true }, 'request').atomic).toBe(true);
  expect(readCommitRequest(request, 'request').atomic).toBeUndefined();
  expect(() => readCommitRequest({ ...request, atomic: 'yes' }, 'request')).toThrow();
});

test('without the word, an operation that fails takes no other with it', async () => {
  const account = await createAccount(env, { quota: 5000 });
  const operations = await Promise.all([append(account, 100), append(account, 9000), append(account, 200)]);
  expect(await commit(account, operations, false)).toMatchObject([{ ok: true }, { ok: false }, { ok: true }]);
  expect(await counted(account, INBOX)).toBe(2);
});

test('4,000 messages are copied and moved by one commit each, within the queries of a request', async () => {
  const account = await createAccount(env);
  await deliverMany(env, account, 4000);
  const slices = [0, 1, 2, 3].map((slice) => Array.from({ length: 1000 }, (_value, index) => slice * 1000 + index + 1));
  const copies = slices.map((uids): Operation => ({ op: 'copy', mailbox: INBOX, uids, to: ARCHIVE }));
  const missing: Operation = { op: 'copy', mailbox: INBOX, uids: [1], to: 999 };
  expect((await commit(account, [...copies, missing])).every(({ ok }) => !ok)).toBe(true);
  expect(await counted(account, ARCHIVE)).toBe(0);
  const copied = await cost(env.MAIL_0, () => commit(account, copies));
  expect(await counted(account, ARCHIVE)).toBe(4000);
  const moves = slices.map((uids): Operation => ({ op: 'move', mailbox: INBOX, uids, to: ARCHIVE }));
  const moved = await cost(env.MAIL_0, () => commit(account, moves));
  expect(await counted(account, INBOX)).toBe(0);
  expect(await counted(account, ARCHIVE)).toBe(8000);
  console.log(`queries of a commit over 4,000 messages: ${copied.queries} to copy, ${moved.queries} to move`);
  expect(Math.max(copied.queries, moved.queries)).toBeLessThanOrEqual(QUERIES_MAX);
}, 120_000);
