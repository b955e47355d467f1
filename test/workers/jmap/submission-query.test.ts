/** EmailSubmission/query and /queryChanges (RFC 8621 §7.3, §7.4): what matches, in which order, from where, and at what cost. */
import { env } from 'cloudflare:test';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '../../../shared/jmap/errors.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import type { NewSubmissionRow } from '../../../workers/store/mail/submission-rows.ts';
import { cost } from '../../support/rows.ts';
import { type Client, makeClient } from './client.ts';

const DAY = Date.parse('2026-11-01T00:00:00Z');
const at = (hour: number) => new Date(DAY + hour * 3_600_000).toISOString().slice(0, 19).concat('Z');

/** A submission as the store keeps it; the Queue here takes what is due, so these are not. */
async function add(client: Client, changes: Partial<NewSubmissionRow> = {}): Promise<string> {
  const row: NewSubmissionRow = {
    identity: 1,
    email: 1,
    thread: 1,
    sha256: 'a'.repeat(64),
    mailFrom: client.account.address,
    rcptTo: ['a@b.test'],
    undoStatus: 'final',
    deliveryStatus: {},
    sendAt: DAY,
    dueAt: null,
    ...changes,
  };
  return `S${await openMail(env, client.account).addSubmission(crypto.randomUUID(), row)}`;
}

let client: Client;
/** Six, an hour apart: emails 9, 10, 11 …, two threads, two identities, one pending and one canceled. */
let all: string[];
beforeAll(async () => {
  client = await makeClient();
  all = [];
  for (let n = 0; n < 6; n++) {
    const undoStatus = n === 2 ? 'pending' : n === 4 ? 'canceled' : 'final';
    all.push(
      await add(client, { email: 9 + n, thread: n % 2 === 0 ? 9 : 10, identity: n < 3 ? 1 : 2, sendAt: DAY + n * 3_600_000, undoStatus }),
    );
  }
});

const named = (...indexes: number[]) => indexes.map((index) => all[index] ?? '');
const ascending = { sort: [{ property: 'sentAt' }] };
async function query(args: Json = ascending): Promise<Json> {
  return client.call('EmailSubmission/query', args);
}

describe('a filter', () => {
  test.each<[string, Json, number[]]>([
    ['nothing asked for: all', {}, [0, 1, 2, 3, 4, 5]],
    ['identityIds', { identityIds: ['I1'] }, [0, 1, 2]],
    ['identityIds, several', { identityIds: ['I1', 'I2', 'I77'] }, [0, 1, 2, 3, 4, 5]],
    ['emailIds', { emailIds: ['M9', 'M12'] }, [0, 3]],
    ['threadIds', { threadIds: ['T10'] }, [1, 3, 5]],
    ['undoStatus pending', { undoStatus: 'pending' }, [2]],
    ['undoStatus canceled', { undoStatus: 'canceled' }, [4]],
    ['undoStatus final', { undoStatus: 'final' }, [0, 1, 3, 5]],
    ['undoStatus that is none', { undoStatus: 'sent' }, []],
    ['before', { before: at(2) }, [0, 1]],
    ['after, the moment itself included', { after: at(2) }, [2, 3, 4, 5]],
    ['several at once', { after: at(1), before: at(5), threadIds: ['T10'] }, [1, 3]],
    ['ids of no type of ours', { emailIds: ['S1', 'x'] }, []],
    ['an empty list', { identityIds: [] }, []],
    ['OR', { operator: 'OR', conditions: [{ emailIds: ['M9'] }, { undoStatus: 'pending' }] }, [0, 2]],
    ['NOT', { operator: 'NOT', conditions: [{ threadIds: ['T10'] }, { undoStatus: 'pending' }] }, [0, 4]],
    ['AND of OR', { operator: 'AND', conditions: [{ identityIds: ['I1'] }, { operator: 'OR', conditions: [{ before: at(1) }] }] }, [0]],
    ['AND of nothing', { operator: 'AND', conditions: [] }, [0, 1, 2, 3, 4, 5]],
    ['NOT of all', { operator: 'NOT', conditions: [{}] }, []],
    ['OR of nothing', { operator: 'OR', conditions: [] }, []],
  ])('%s', async (_name, filter, expected) => {
    const { ids, total } = await query({ ...ascending, filter, calculateTotal: true });
    expect(ids).toEqual(named(...expected));
    expect(total).toBe(expected.length);
  });

  test.each<[string, Json, string]>([
    ['of an unknown name', { subject: 'x' }, 'unsupportedFilter'],
    ['of another type', { identityIds: 'I1' }, 'invalidArguments'],
    ['with a date that is none', { before: '2026-13-01T00:00:00Z' }, 'invalidArguments'],
    ['with a date not in UTC', { before: '2026-11-01T00:00:00+01:00' }, 'invalidArguments'],
  ])('%s is refused', async (_name, filter, error) => {
    expect(await client.errorOf('EmailSubmission/query', { filter })).toBe(error);
  });

  test('of as many conditions as are allowed is one statement', async () => {
    const conditions = Array.from({ length: 48 }, (_, n) => ({
      emailIds: [`M${n}`],
      after: at(0),
      before: at(9),
      threadIds: ['T9', 'T10'],
    }));
    const { ids } = await query({ ...ascending, filter: { operator: 'OR', conditions } });
    expect(ids).toEqual(all);
  });
});

describe('a sort', () => {
  test.each<[string, Json[], number[]]>([
    ['sentAt', [{ property: 'sentAt', isAscending: false }], [5, 4, 3, 2, 1, 0]],
    ['sendAt, which is the same', [{ property: 'sendAt' }], [0, 1, 2, 3, 4, 5]],
    ['emailId, as the texts they are', [{ property: 'emailId' }], [1, 2, 3, 4, 5, 0]],
    ['threadId, then sentAt downward', [{ property: 'threadId' }, { property: 'sentAt', isAscending: false }], [5, 3, 1, 4, 2, 0]],
  ])('by %s', async (_name, sort, expected) => {
    expect((await query({ sort })).ids).toEqual(named(...expected));
  });

  test('of its own is newest first; an unknown one is unsupportedSort', async () => {
    expect((await query({})).ids).toEqual(named(5, 4, 3, 2, 1, 0));
    expect(await client.errorOf('EmailSubmission/query', { sort: [{ property: 'identityId' }] })).toBe('unsupportedSort');
  });
});

describe('a window', () => {
  test.each<[string, Json, number, number[]]>([
    ['position and limit', { position: 1, limit: 2 }, 1, [1, 2]],
    ['a negative position', { position: -2 }, 4, [4, 5]],
    ['a negative position before the beginning', { position: -20, limit: 1 }, 0, [0]],
    ['a position behind the end', { position: 20 }, 20, []],
    ['limit 0', { limit: 0 }, 0, []],
  ])('by %s', async (_name, window, position, expected) => {
    expect(await query({ ...ascending, ...window })).toMatchObject({ position, ids: named(...expected), canCalculateChanges: true });
  });

  test.each<[string, string, number, number, number[]]>([
    ['upward', 'sentAt', 0, 3, [3, 4]],
    ['with an offset', 'sentAt', -2, 1, [1, 2]],
    ['with an offset before the beginning', 'sentAt', -9, 0, [0, 1]],
    ['by the texts of ids', 'emailId', 0, 2, [3, 4]],
  ])('at an anchor, %s', async (_name, property, anchorOffset, position, expected) => {
    const answer = await query({ sort: [{ property }], anchor: all[3], anchorOffset, limit: 2 });
    expect(answer).toMatchObject({ position, ids: named(...expected) });
  });

  test('at an anchor in two directions', async () => {
    const sort = [{ property: 'threadId' }, { property: 'sentAt', isAscending: false }];
    expect(await query({ sort, anchor: all[4], limit: 2 })).toMatchObject({ position: 3, ids: named(4, 2) });
  });

  test('at an anchor that is not in the list is anchorNotFound', async () => {
    const anchors = { strange: 'x', unknown: 'S999', 'filtered out': all[0] };
    for (const [name, anchor] of Object.entries(anchors)) {
      const args = { ...ascending, filter: { threadIds: ['T10'] }, anchor };
      expect(await client.errorOf('EmailSubmission/query', args), name).toBe('anchorNotFound');
    }
  });

  test('shows neither what was destroyed nor another account’s', async () => {
    const other = await makeClient();
    const [first, second] = [await add(other), await add(other, { sendAt: DAY + 1000 })];
    await other.call('EmailSubmission/set', { destroy: [first] });
    await add(other, { isListed: false });
    expect((await other.call('EmailSubmission/query', { calculateTotal: true })).ids).toEqual([second]);
    expect((await other.call('EmailSubmission/get', { ids: null })).list).toHaveLength(1);
  });
});

describe('queryChanges', () => {
  let asker: Client;
  let rows: string[];
  beforeAll(async () => {
    asker = await makeClient();
    rows = [];
    for (const hour of [1, 3, 5]) rows.push(await add(asker, { sendAt: DAY + hour * 3_600_000, undoStatus: 'pending' }));
  });
  const state = async () => (await asker.call('EmailSubmission/query', {})).queryState;
  const changes = (args: Json) => asker.call('EmailSubmission/queryChanges', { ...ascending, ...args });

  test('say where new ones came in, and who is gone', async () => {
    const since = await state();
    const middle = await add(asker, { sendAt: DAY + 4 * 3_600_000 });
    const last = await add(asker, { sendAt: DAY + 9 * 3_600_000 });
    await asker.call('EmailSubmission/set', { destroy: [rows[0]] });
    const answer = await changes({ sinceQueryState: since, calculateTotal: true });
    expect(answer).toMatchObject({ oldQueryState: since, removed: [rows[0]], total: 4 });
    expect(answer.added).toEqual([
      { id: middle, index: 1 },
      { id: last, index: 3 },
    ]);
    expect(answer.newQueryState).toBe(await state());
    const downward = await changes({ sort: [{ property: 'sentAt', isAscending: false }], sinceQueryState: since });
    expect(downward.added).toEqual([
      { id: last, index: 0 },
      { id: middle, index: 2 },
    ]);
  });

  test('leave alone what only changed its status, unless the list is of a status', async () => {
    const since = await state();
    await asker.call('EmailSubmission/set', { update: { [String(rows[1])]: { undoStatus: 'canceled' } } });
    expect(await changes({ sinceQueryState: since })).toMatchObject({ removed: [], added: [] });
    expect(await changes({ sinceQueryState: since, filter: { undoStatus: 'pending' } })).toMatchObject({ removed: [rows[1]], added: [] });
    const canceled = await changes({ sinceQueryState: since, filter: { undoStatus: 'canceled' } });
    expect(canceled).toMatchObject({ removed: [rows[1]], added: [{ id: rows[1], index: 0 }] });
  });

  test('are none at the state itself, too many beyond maxChanges, and cannot be calculated from no state of ours', async () => {
    const since = await state();
    expect(await changes({ sinceQueryState: since })).toMatchObject({ removed: [], added: [], newQueryState: since });
    await add(asker);
    await add(asker);
    const call = (args: Json) => asker.errorOf('EmailSubmission/queryChanges', { ...ascending, ...args });
    expect(await call({ sinceQueryState: since, maxChanges: 1 })).toBe('tooManyChanges');
    expect(await call({ sinceQueryState: 'nonsense' })).toBe('cannotCalculateChanges');
  });
});

describe('the cost', () => {
  const pages: [string, Json][] = [
    ['the newest', {}],
    ['one identity', { filter: { identityIds: ['I2'] } }],
    ['the pending ones', { filter: { undoStatus: 'pending' } }],
    ['one email', { filter: { emailIds: ['M5'] } }],
    ['one thread', { filter: { threadIds: ['T5'] } }],
    ['a quarter of an hour', { filter: { after: at(1), before: at(1.25) } }],
    ['by email', { sort: [{ property: 'emailId' }] }],
  ];

  test('of a page is its rows, not the number of submissions', async () => {
    const few = await filled(100);
    const many = await filled(1000);
    for (const [name, args] of pages) {
      const read = (who: Client) => cost(env.MAIL_0, () => who.call('EmailSubmission/query', { ...args, limit: 10 }));
      const [small, large] = [await read(few), await read(many)];
      console.log(`EmailSubmission/query, ${name}: ${small.read} rows of 100, ${large.read} of 1,000`);
      expect(large.read, name).toBeLessThanOrEqual(small.read * 1.1 + 5);
    }
  });

  /** A few of identity 2 and pending, all else alike, as in real life. */
  async function filled(count: number): Promise<Client> {
    const who = await makeClient();
    const start = await add(who);
    const key = who.account.id * 2 ** 32 + Number(start.slice(1));
    await env.MAIL_0.prepare(
      `INSERT INTO submission (key, account, idempotency, modseq, createdModseq, dueAt, attempts, undoStatus, sendAt, identity, email, thread,
         sha256, mailFrom, rcptTo, deliveryStatus)
       SELECT ?1 + value, account, 'filled ' || value, modseq, createdModseq, NULL, 0, iif(value <= 5, 'pending', 'final'), ?2 + value * 60000,
         iif(value <= 5, 2, 1), value, value, sha256, mailFrom, rcptTo, deliveryStatus
       FROM submission, json_each(?3) WHERE submission.key = ?1`,
    )
      .bind(key, DAY, JSON.stringify(Array.from({ length: count }, (_, n) => n + 1)))
      .run();
    return who;
  }
});
