import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SEARCH_COLUMNS, toIndexText, toMatchQuery } from '../../shared/search.ts';

/** The table as the store makes it. */
function index(rows: { account?: string; subject?: string; body?: string }[]) {
  const db = new DatabaseSync(':memory:');
  db.exec(
    `CREATE VIRTUAL TABLE t USING fts5(account, "from", "to", cc, bcc, subject, body, attachments, tokenize = 'unicode61 remove_diacritics 2')`,
  );
  rows.forEach((row, id) => {
    db.prepare('INSERT INTO t(rowid, account, subject, body) VALUES (?, ?, ?, ?)').run(
      id + 1,
      row.account ?? '7',
      toIndexText(row.subject ?? ''),
      toIndexText(row.body ?? ''),
    );
  });
  return (query: string, columns: readonly string[] = SEARCH_COLUMNS, account = '7') => {
    const match = toMatchQuery(query, columns, account);
    return match === null
      ? null
      : db
          .prepare('SELECT rowid FROM t WHERE t MATCH ? ORDER BY rowid')
          .all(match)
          .map((row) => Number(row.rowid));
  };
}

describe('index text', () => {
  it.each([
    ['Hello, World!', 'hello world'],
    ['Crème Brûlée ŁÓDŹ', 'creme brulee łodz'],
    ['ﬁne ＡＢＣ ①', 'fine abc 1'],
    ['天气预报', '天气 气预 预报 报'],
    ['我', '我'],
    ['iPhone手机壳2', 'iphone 手机 机壳 壳 2'],
    ['メール', 'メー ール ル'],
    ['안녕', '안녕 녕'],
    ['a\0b', 'a b'],
    ['me+tag@example.test', 'me tag example test'],
    ['x'.repeat(65), ''],
    ['', ''],
  ])('%j', (text, expected) => {
    expect(toIndexText(text)).toBe(expected);
  });

  it('is bounded in octets and never cuts a token', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.integer({ min: 0, max: 100 }), (text, max) => {
        const cut = toIndexText(text, max);
        expect(new TextEncoder().encode(cut).length).toBeLessThanOrEqual(max);
        expect(`${toIndexText(text)} `.startsWith(cut === '' ? '' : `${cut} `)).toBe(true);
      }),
    );
  });
});

describe('a query finds', () => {
  const find = index([
    { subject: 'Weather report', body: 'tomorrow will be sunny, with 天气预报 inside' },
    { subject: '我的手机壳', body: 'naïve café' },
    { subject: 'report weather', body: 'AND OR NOT NEAR * ^ " quotes' },
    { account: '8', subject: 'Weather report', body: 'somebody else’s' },
    { subject: 'iPhone手机', body: 'Ελληνικά Русский' },
  ]);

  it.each([
    ['weather', [1, 3]],
    ['weath', [1, 3]],
    ['WEATHER sunny', [1]],
    ['"weather report"', [1]],
    ['"report wea"', []],
    ['天气', [1]],
    ['天气预报', [1]],
    ['预天', []],
    ['手机', [2, 5]],
    ['机', [2, 5]],
    ['壳', [2]],
    ['iphone手机', [5]],
    ['"我的手机"', [2]],
    ['cafe', [2]],
    ['NAÏVE', [2]],
    ['русск', [5]],
    ['NOT', [3]],
    ['weather OR nothing', []],
    ['"quotes', [3]],
    ['somebody', []],
  ])('%s', (query, ids) => {
    expect(find(query)).toEqual(ids);
  });

  it('only in the columns asked for, only in the account', () => {
    expect(find('report', ['subject'])).toEqual([1, 3]);
    expect(find('report', ['body'])).toEqual([]);
    expect(find('weather', SEARCH_COLUMNS, '8')).toEqual([4]);
    expect(find('7')).toEqual([]);
    expect(find('weather', SEARCH_COLUMNS, '7" OR account : "8')).toEqual([]);
  });

  it('nothing when no word is left', () => {
    for (const query of ['', '   ', '"', '""', '!?*', '\0']) expect(find(query)).toBeNull();
    expect(find('weather', ['account', 'x" OR "y'])).toBeNull();
  });

  it('and whatever is typed, it is a valid expression that stays in its account', () => {
    const hostile = fc.array(
      fc.constantFrom(
        '"',
        "'",
        '*',
        '(',
        ')',
        ':',
        '^',
        '-',
        '+',
        'NEAR(',
        'AND',
        'OR',
        '{',
        '}',
        ' ',
        'account',
        '8',
        '\0',
        '天',
        '天气',
        'e\u0301',
        '\ud800',
        'weather',
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(hostile, (pieces) => {
        const ids = find(pieces.join(''));
        expect(ids === null || !ids.includes(4)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
