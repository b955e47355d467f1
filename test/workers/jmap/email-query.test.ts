import { env } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { HEADER_EMAILS_MAX, HEADER_ORIGINALS_MAX } from '../../../workers/store/mail/query/header.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
let roles: Record<string, string>;
/** Email ids by the letter in the subject. */
const ids: Record<string, string> = {};

const mail = (letter: string, more: string[] = [], body = `body of ${letter}`) =>
  [`Message-ID: <${letter}@x>`, `From: ${letter} <${letter}@example.com>`, `Subject: letter ${letter}`, ...more, '', body].join('\r\n');

beforeAll(async () => {
  client = await makeClient();
  roles = await client.roles();
  const add = async (letter: string, mailbox: string, minute: number, raw: string, keywords: string[] = []) => {
    const made = await client.import(raw, mailbox, {
      receivedAt: `2020-01-01T00:0${minute}:00Z`,
      keywords: Object.fromEntries(keywords.map((keyword) => [keyword, true])),
    });
    ids[letter] = made.id;
  };
  const inbox = roles.inbox ?? '';
  await add('a', inbox, 1, mail('a', ['To: team@example.org']), ['$seen']);
  await add('b', inbox, 2, mail('b', ['X-Mailer: blue moon'], '会议记录在附件里'));
  await add('c', inbox, 3, mail('c', ['In-Reply-To: <a@x>']), ['$flagged']);
  await add('d', roles.archive ?? '', 4, mail('d', ['In-Reply-To: <a@x>', 'Cc: boss@example.org'], 'x'.repeat(5000)));
  await add('e', roles.trash ?? '', 5, mail('e', ['Bcc: secret@example.org', 'Date: Wed, 01 Jan 2003 00:00:00 +0000'], 'naïve café'));
});

async function query(args: Record<string, unknown>): Promise<string> {
  const { ids: found } = await client.call('Email/query', { sort: [{ property: 'receivedAt' }], ...args });
  return letters(found);
}

function letters(found: unknown): string {
  const byId = Object.fromEntries(Object.entries(ids).map(([letter, id]) => [id, letter]));
  return (found as string[]).map((id) => byId[id] ?? '?').join('');
}

test.each<[Record<string, unknown> | null, string]>([
  [null, 'abcde'],
  [{}, 'abcde'],
  [{ after: '2020-01-01T00:02:00Z', before: '2020-01-01T00:04:00Z' }, 'bc'],
  [{ minSize: 5000 }, 'd'],
  [{ maxSize: 5000 }, 'abce'],
  [{ hasKeyword: '$SEEN' }, 'a'],
  [{ notKeyword: '$seen' }, 'bcde'],
  [{ allInThreadHaveKeyword: '$flagged' }, ''],
  [{ someInThreadHaveKeyword: '$flagged' }, 'acd'],
  [{ noneInThreadHaveKeyword: '$flagged' }, 'be'],
  [{ hasAttachment: true }, ''],
  [{ hasAttachment: false }, 'abcde'],
  [{ from: 'c@example.com' }, 'c'],
  [{ to: 'team' }, 'a'],
  [{ cc: 'boss' }, 'd'],
  [{ bcc: 'secret' }, 'e'],
  [{ subject: 'letter b' }, 'b'],
  [{ body: 'cafe' }, 'e'],
  [{ text: '会议' }, 'b'],
  [{ text: '"letter c"' }, 'c'],
  [{ header: ['X-Mailer'] }, 'b'],
  [{ header: ['x-mailer', 'moon'] }, 'b'],
  [{ header: ['x-mailer', 'sun'] }, ''],
  [{ operator: 'OR', conditions: [{ hasKeyword: '$seen' }, { minSize: 5000 }] }, 'ad'],
  [{ operator: 'NOT', conditions: [{ hasKeyword: '$seen' }, { minSize: 5000 }] }, 'bce'],
  [{ operator: 'AND', conditions: [{ notKeyword: '$seen' }, { operator: 'NOT', conditions: [{ text: 'letter' }] }] }, ''],
  [{ inMailbox: 'F999' }, ''],
  [{ inMailbox: 'nonsense' }, ''],
])('the filter %j finds %j', async (filter, found) => {
  expect(await query({ filter })).toBe(found);
});

test('mailboxes are filtered by their ids', async () => {
  expect(await query({ filter: { inMailbox: roles.inbox } })).toBe('abc');
  expect(await query({ filter: { inMailboxOtherThan: [roles.inbox, roles.trash] } })).toBe('d');
});

test.each<[Record<string, unknown>[], string]>([
  [[{ property: 'receivedAt', isAscending: false }], 'edcba'],
  [[{ property: 'size', isAscending: false }, { property: 'receivedAt' }], 'd'],
  [[{ property: 'from', isAscending: false }], 'edcba'],
  [[{ property: 'subject', collation: 'i;ascii-casemap' }], 'abcde'],
  [[{ property: 'hasKeyword', keyword: '$seen', isAscending: false }, { property: 'receivedAt' }], 'abcde'],
  [[{ property: 'someInThreadHaveKeyword', keyword: '$flagged', isAscending: false }, { property: 'receivedAt' }], 'acdbe'],
])('the sort %j gives %s', async (sort, order) => {
  expect((await query({ sort })).slice(0, order.length)).toBe(order);
});

test.each<[Record<string, unknown>, string, number]>([
  [{ position: 1, limit: 2 }, 'bc', 1],
  [{ position: -2 }, 'de', 3],
  [{ position: 9 }, '', 9],
  [{ limit: 0 }, '', 0],
])('the window %j shows %j', async (window, shown, position) => {
  const answer = await client.call('Email/query', { sort: [{ property: 'receivedAt' }], calculateTotal: true, ...window });
  expect([letters(answer.ids), answer.position, answer.total]).toEqual([shown, position, 5]);
});

test('pages go by anchor', async () => {
  const at = (anchorOffset: number, limit: number) => query({ anchor: ids.c, anchorOffset, limit });
  expect([await at(0, 2), await at(1, 2), await at(-1, 2), await at(-9, 2)]).toEqual(['cd', 'de', 'bc', 'ab']);
  expect(await client.errorOf('Email/query', { anchor: 'M999' })).toBe('anchorNotFound');
  expect(await client.errorOf('Email/query', { anchor: 'x' })).toBe('anchorNotFound');
});

test('threads collapse to the first of each in the order asked', async () => {
  expect(await query({ collapseThreads: true })).toBe('abe');
  expect(await query({ collapseThreads: true, sort: [{ property: 'receivedAt', isAscending: false }] })).toBe('edb');
  expect(await query({ collapseThreads: true, filter: { inMailbox: roles.inbox } })).toBe('ab');
  const { total } = await client.call('Email/query', { collapseThreads: true, calculateTotal: true });
  expect(total).toBe(3);
});

test('what cannot be filtered or sorted is said', async () => {
  expect(await client.errorOf('Email/query', { filter: { color: 'red' } })).toBe('unsupportedFilter');
  expect(await client.errorOf('Email/query', { filter: { text: 7 } })).toBe('invalidArguments');
  expect(await client.errorOf('Email/query', { filter: { text: 'x'.repeat(100_000) } })).toBe('unsupportedFilter');
  expect(await client.errorOf('Email/query', { filter: { header: [] } })).toBe('invalidArguments');
  expect(await client.errorOf('Email/query', { sort: [{ property: 'color' }] })).toBe('unsupportedSort');
  expect(await client.errorOf('Email/query', { limit: -1 })).toBe('invalidArguments');
});

test('a limit of ours is said, and the state is that of Email', async () => {
  const { state } = await client.call('Email/get', { ids: [] });
  expect(await client.call('Email/query', {})).toMatchObject({ queryState: state, canCalculateChanges: true, limit: 500 });
  expect(await client.call('Email/query', { limit: 3 })).not.toHaveProperty('limit');
});

test('the whole account is got by no ids', async () => {
  const { list } = await client.call('Email/get', { ids: null, properties: [] });
  expect((list as { id: string }[]).map(({ id }) => id).sort()).toEqual(Object.values(ids).sort());
});

test('snippets mark the words in subject and body, and are null where nothing matches', async () => {
  const snippets = async (filter: Record<string, unknown> | null) => {
    const { list, notFound } = await client.call('SearchSnippet/get', { filter, emailIds: [ids.b, ids.e, 'M999'] });
    expect(notFound).toEqual(['M999']);
    return list;
  };
  expect(await snippets({ text: '会议 letter' })).toEqual([
    { emailId: ids.b, subject: '<mark>letter</mark> b', preview: '<mark>会议</mark>记录在附件里' },
    { emailId: ids.e, subject: '<mark>letter</mark> e', preview: null },
  ]);
  expect(await snippets({ operator: 'NOT', conditions: [{ body: 'cafe' }] })).toEqual([
    { emailId: ids.b, subject: null, preview: null },
    { emailId: ids.e, subject: null, preview: null },
  ]);
  expect(await snippets({ body: 'cafe' })).toContainEqual({ emailId: ids.e, subject: null, preview: 'naïve <mark>café</mark>' });
  expect(await client.errorOf('SearchSnippet/get', { filter: { color: 1 }, emailIds: [] })).toBe('unsupportedFilter');
});

test('a header field that the index does not keep is looked for in the originals that have it', async () => {
  const other = await makeClient();
  const inbox = (await other.roles()).inbox ?? '';
  const add = async (raw: string) => (await other.import(`${raw}\r\n\r\nx\r\n`, inbox)).id;
  const moon = await add('X-Unheard-Of: =?utf-8?Q?Der_gr=C3=BCne?=\r\n Mond');
  const sun = await add('x-UNHEARD-of: Sonne\r\nX-Unheard-Of: Licht');
  const odd = await add('X.Unheard_Of: no');
  const many = await add(Array.from({ length: 70 }, (_, index) => `X-Many-${index}: ${index}`).join('\r\n'));
  const found = async (header: string[], more = {}) => {
    const { ids } = await other.call('Email/query', { filter: { header, ...more }, sort: [{ property: 'receivedAt' }] });
    return (ids as string[]).sort();
  };
  expect(await found(['X-Unheard-Of'])).toEqual([moon, sun].sort());
  expect(await found(['x-unheard-of', 'grüne Mond'])).toEqual([moon]);
  expect(await found(['X-Unheard-Of', 'LICHT'])).toEqual([sun]);
  expect(await found(['X.Unheard_Of'])).toEqual([odd]);
  expect(await found(['X-Many-69', '69'])).toEqual([many]);
  expect(await found(['X-Unheard-Of'], { minSize: 1_000_000 })).toEqual([]);
  const not = { operator: 'NOT', conditions: [{ header: ['X-Unheard-Of'] }] };
  expect(((await other.call('Email/query', { filter: not })).ids as string[]).sort()).toEqual([odd, many].sort());
});

test('more originals with a field than one request may read make the filter unsupported, until it is narrowed', async () => {
  const other = await makeClient();
  const inbox = (await other.roles()).inbox ?? '';
  for (let index = 0; index <= HEADER_ORIGINALS_MAX; index++)
    await other.import(`X-Frequent: value ${index}\r\nSubject: part${index % 2}\r\n\r\nx\r\n`, inbox);
  const header = ['X-Frequent', 'value 4'];
  expect(await other.errorOf('Email/query', { filter: { header } })).toBe('unsupportedFilter');
  expect((await other.call('Email/query', { filter: { header: ['X-Frequent'] } })).ids).toHaveLength(HEADER_ORIGINALS_MAX + 1);
  expect((await other.call('Email/query', { filter: { header, subject: 'part0' } })).ids).toHaveLength(2);
});

test('a header field that more emails have than can be looked at makes the filter unsupported', async () => {
  const crowded = await makeClient();
  const inbox = (await crowded.roles()).inbox ?? '';
  await crowded.import('X-Mailer: first\r\n\r\nx\r\n', inbox);
  const filter = { operator: 'NOT', conditions: [{ header: ['X-Mailer', 'second'] }] };
  expect((await crowded.call('Email/query', { filter, limit: 1 })).ids).toHaveLength(1);
  const { results: columns } = await env.MAIL_0.prepare("SELECT name FROM pragma_table_info('email') WHERE pk = 0").run<{ name: string }>();
  const names = columns.map(({ name }) => name).join(', ');
  await env.MAIL_0.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
     INSERT INTO email (key, ${names}) SELECT key + i, ${names} FROM n, email WHERE account = ?1`,
  )
    .bind(crowded.account.id, HEADER_EMAILS_MAX)
    .run();
  expect(await crowded.errorOf('Email/query', { filter, limit: 1 })).toBe('unsupportedFilter');
});
