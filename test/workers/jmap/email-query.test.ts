import { env } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { CORE, MAIL } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
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

test('encoded words that stick to other text or stand in quotes are searched as they are meant, and told as they are', async () => {
  const other = await makeClient();
  const raw = 'From: "=?gb2312?B?zOyxpg==?=" <q@x.test>\r\nSubject: Re:=?gb2312?B?xOO6ww==?=\r\n\r\nx';
  const { id } = await other.import(raw, (await other.roles()).inbox ?? '');
  for (const filter of [{ subject: '你好' }, { text: '你好' }, { from: '天宝' }, { text: '天宝' }])
    expect((await other.call('Email/query', { filter })).ids).toEqual([id]);
  expect(await other.email(id, { properties: ['subject', 'from'] })).toEqual({
    id,
    subject: 'Re:=?gb2312?B?xOO6ww==?=',
    from: [{ name: '=?gb2312?B?zOyxpg==?=', email: 'q@x.test' }],
  });
});

test('words of any language are found and marked, wherever they stand', async () => {
  const other = await makeClient();
  const inbox = (await other.roles()).inbox ?? '';
  const utf8 = 'Content-Type: text/plain; charset=utf-8';
  const html = [
    'Subject: Two forms',
    'Content-Type: multipart/mixed; boundary=m',
    '',
    '--m',
    'Content-Type: multipart/alternative; boundary=a',
    '',
    '--a',
    utf8,
    '',
    'plain words',
    '--a',
    'Content-Type: text/html; charset=utf-8',
    '',
    '<head><title>untold</title></head><p class="markup">words &amp; <b>Schlüssel</b></p><img alt="Landschaft">',
    '--a--',
    '--m',
    'Content-Type: application/pdf; name="Rechnung für Zoë.pdf"',
    'Content-Disposition: attachment; filename="Jahresabschluß.pdf"',
    '',
    'pdf',
    '--m--',
  ];
  const letters: Record<string, string> = {
    zh: `Subject: =?utf-8?B?5piO5aSp55qE5pel56iL?=\r\n${utf8}\r\n\r\n${'长'.repeat(300)} 天气预报`,
    fr: `Subject: Menu\r\n${utf8}\r\n\r\n${'word '.repeat(100)}Crème brûlée, s'il vous plaît`,
    html: html.join('\r\n'),
  };
  for (const [name, raw] of Object.entries(letters)) letters[name] = (await other.import(raw, inbox)).id;
  const search = async (filter: Json) => {
    const { ids: found } = await other.call('Email/query', { filter });
    const { list } = await other.call('SearchSnippet/get', { filter, emailIds: found });
    return (list as { emailId: string; subject: string | null; preview: string | null }[]).map(({ emailId, subject, preview }) => [
      Object.keys(letters).find((name) => letters[name] === emailId),
      subject,
      preview?.slice(preview.indexOf('<mark>')),
    ]);
  };
  expect(await search({ text: '天气' })).toEqual([['zh', null, '<mark>天气</mark>预报']]);
  expect(await search({ subject: '日程' })).toEqual([['zh', '明天的<mark>日程</mark>', undefined]]);
  expect(await search({ body: 'creme bru' })).toEqual([['fr', null, "<mark>Crème</mark> <mark>brûlée</mark>, s'il vous plaît"]]);
  expect(await search({ text: '"Crème brulee"' })).toEqual([['fr', null, "<mark>Crème brûlée</mark>, s'il vous plaît"]]);
  expect(await search({ text: "'brulee creme'" })).toEqual([]);
  expect(await search({ text: 'schlussel' })).toEqual([['html', null, '<mark>Schlüssel</mark> Landschaft']]);
  expect(await search({ body: 'landschaft' })).toEqual([['html', null, expect.stringContaining('<mark>Landschaft</mark>')]]);
  for (const text of ['jahresabschluss', 'Jahresabschlu']) expect(await search({ text })).toEqual([['html', null, undefined]]);
  for (const text of ['untold', 'markup', 'lussel']) expect(await search({ text })).toEqual([]);
});

test('filters as deep and as large as can be answered are, others are unsupported', async () => {
  const nested = (depth: number): Json => (depth === 0 ? { text: 'body' } : { operator: 'NOT', conditions: [nested(depth - 1)] });
  const any = (count: number) => ({
    operator: 'OR',
    conditions: Array.from({ length: count }, (_, index) => ({ subject: `letter ${index}` })),
  });
  expect((await client.call('Email/query', { filter: nested(20) })).ids).toHaveLength(2);
  expect((await client.call('Email/query', { filter: any(199) })).ids).toHaveLength(0);
  for (const filter of [nested(21), any(200), { operator: 'AND', conditions: [{ inMailboxOtherThan: Array(501).fill('x') }] }])
    expect(await client.errorOf('Email/query', { filter })).toBe('unsupportedFilter');
  for (const field of ['text', 'from', 'to', 'cc', 'bcc', 'subject', 'body'])
    expect(await client.errorOf('Email/query', { filter: { [field]: 'ab '.repeat(33_334) } })).toBe('unsupportedFilter');
  expect(await client.errorOf('Email/query', { filter: { hasKeyword: 'k'.repeat(100_000) } })).toBe('invalidArguments');
  expect(await client.errorOf('Email/query', { sort: [{ property: 'p'.repeat(100_000) }] })).toBe('unsupportedSort');
  expect((await client.call('Email/query', { filter: { text: '\u0000 \uffff \u202e' } })).ids).toHaveLength(0);
  const deep = `${'{"operator":"NOT","conditions":['.repeat(10_000)}{}${']}'.repeat(10_000)}`;
  const body = JSON.stringify({
    using: [CORE, MAIL],
    methodCalls: [['Email/query', { accountId: client.accountId, filter: 'DEEP' }, 'c']],
  });
  const answer = await client.post(body.replace('"DEEP"', deep));
  expect(answer.status).toBeLessThan(500);
  expect(JSON.stringify(await answer.json())).toMatch(/unsupportedFilter|problem|urn:ietf:params:jmap:error/);
});

test('changes of a query are told, bounded by maxChanges, with the total', async () => {
  const other = await makeClient();
  const inbox = (await other.roles()).inbox ?? '';
  const first = (await other.import('Subject: one\r\n\r\nx\r\n', inbox, { receivedAt: '2020-01-01T00:00:00Z' })).id;
  const args = { filter: { inMailbox: inbox }, sort: [{ property: 'receivedAt', isAscending: false }], calculateTotal: true };
  const { queryState, canCalculateChanges } = await other.call('Email/query', args);
  expect(canCalculateChanges).toBe(true);
  const second = (await other.import('Subject: two\r\n\r\nx\r\n', inbox, { receivedAt: '2020-01-02T00:00:00Z' })).id;
  await other.call('Email/set', { destroy: [first] });
  const { state } = await other.call('Email/get', { ids: [] });
  expect(await other.call('Email/queryChanges', { ...args, sinceQueryState: queryState })).toEqual({
    accountId: other.accountId,
    oldQueryState: queryState,
    newQueryState: state,
    removed: [first],
    added: [{ id: second, index: 0 }],
    total: 1,
  });
  const { calculateTotal: _total, ...plain } = args;
  expect(await other.call('Email/queryChanges', { ...plain, sinceQueryState: queryState, maxChanges: 2 })).not.toHaveProperty('total');
  const errorOf = (more: Json) => other.errorOf('Email/queryChanges', { ...args, sinceQueryState: queryState, ...more });
  expect(await errorOf({ maxChanges: 1 })).toBe('tooManyChanges');
  expect(await errorOf({ maxChanges: 0 })).toBe('tooManyChanges');
  expect(await errorOf({ sinceQueryState: 'x' })).toBe('cannotCalculateChanges');
  expect(await errorOf({ sinceQueryState: null })).toBe('invalidArguments');
  expect(await errorOf({ filter: { color: 1 } })).toBe('unsupportedFilter');
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
