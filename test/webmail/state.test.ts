/** The webmail's arithmetic: which rows to ask for, what a change says to the server, what a search means. */
import { describe, expect, test } from 'vitest';
import { statesOf } from '../../workers/webmail/jmap/push.ts';
import type { EmailSummary, Mailbox } from '../../workers/webmail/jmap/types.ts';
import { patchOf } from '../../workers/webmail/state/patch.ts';
import { formatRoute, parseRoute } from '../../workers/webmail/state/place.ts';
import { parsePreferences } from '../../workers/webmail/state/preferences.ts';
import { parseSearch } from '../../workers/webmail/state/search.ts';
import { extentAfter, missingSpans, PAGE, queryWindow, visibleSpan } from '../../workers/webmail/state/window.ts';

describe('the window of a long list', () => {
  test('asks for the missing rows only, a page at a time', () => {
    const ids: (string | undefined)[] = Array.from({ length: 60 }, (_, index) => `M${index}`);
    ids[20] = undefined;
    expect(missingSpans(ids, 0, 70)).toEqual([
      { from: 20, to: 21 },
      { from: 60, to: 60 + PAGE },
    ]);
  });

  test('goes on after the row before it by anchor, and jumps by position', () => {
    expect(queryWindow(['M0', 'M1'], { from: 2, to: 52 })).toEqual({ anchor: 'M1', anchorOffset: 1, limit: 50 });
    expect(queryWindow([], { from: 50_000, to: 50_050 })).toEqual({ position: 50_000, limit: 50 });
  });

  test('never reaches beyond the list', () => {
    expect(visibleSpan(6_400_000, 900, 64, 100_000)).toEqual({ from: 99_992, to: 100_000 });
    expect(visibleSpan(0, 900, 64, 3)).toEqual({ from: 0, to: 3 });
  });
});

describe('a change as a patch', () => {
  const before = { keywords: { $flagged: true, odd: true }, mailboxIds: { F1: true } } as unknown as EmailSummary;

  test('says only what differs, so that what others set meanwhile stays', () => {
    expect(patchOf(before, { keywords: { odd: true, $seen: true } })).toEqual({ 'keywords/$seen': true, 'keywords/$flagged': null });
    expect(patchOf(before, { mailboxIds: { F2: true } })).toEqual({ 'mailboxIds/F2': true, 'mailboxIds/F1': null });
  });

  test('escapes keywords that look like paths (RFC 6901)', () => {
    expect(patchOf(before, { keywords: { 'a/b~c': true, $flagged: true, odd: true } })).toEqual({ 'keywords/a~1b~0c': true });
  });
});

describe('a search', () => {
  test('reads fields, flags and words', () => {
    expect(parseSearch('from:anna has:attachment "annual report" budget')).toEqual({
      operator: 'AND',
      conditions: [{ from: 'anna' }, { hasAttachment: true }, { text: '"annual report" budget' }],
    });
    expect(parseSearch('subject:"two words"')).toEqual({ subject: 'two words' });
    expect(parseSearch('季度报告')).toEqual({ text: '季度报告' });
  });

  test('takes unknown prefixes as words', () => {
    expect(parseSearch('https://example.org note:x')).toEqual({ text: 'https://example.org note:x' });
  });
});

describe('the address bar', () => {
  test('comes back from every place it names', () => {
    const places = [
      { folder: null, search: null, thread: null },
      { folder: 'F1', search: null, thread: 'T1' },
      { folder: null, search: 'a/b 世界 %', thread: 'T/1' },
    ];
    for (const place of places) expect(parseRoute(formatRoute(place))).toEqual(place);
  });

  test('survives what people paste into it', () => {
    for (const hash of ['#/%E0%A4%A', '#////', '#/search/', 'x']) expect(parseRoute(hash).thread).toBeNull();
  });
});

test('stored preferences may be anything', () => {
  for (const stored of [null, 7, [], { theme: 'neon', density: {}, language: 'tlh' }]) {
    expect(parsePreferences(stored)).toMatchObject({ theme: 'system', density: 'comfortable', accent: 'teal', language: null });
  }
});

test('a push for another account, or no push at all, is no news', () => {
  const push = JSON.stringify({ '@type': 'StateChange', changed: { A1: { Email: '7' } } });
  expect(statesOf(push, 'A1')).toEqual({ Email: '7' });
  expect(statesOf(push, 'A2')).toBeNull();
  for (const text of ['', 'null', '[]', '{"@type":"StateChange"}']) expect(statesOf(text, 'A1')).toBeNull();
});

test('folders keep their order: roles first, children below their parent, a lost parent or a circle loses none', async () => {
  const { orderFolders } = await import('../../workers/webmail/state/folder-order.ts');
  const folder = (id: string, role: string | null, parentId: string | null = null): Mailbox => ({
    id,
    name: id,
    role,
    parentId,
    sortOrder: 0,
    totalEmails: 0,
    unreadEmails: 0,
    totalThreads: 0,
    unreadThreads: 0,
  });
  const rows = orderFolders([
    folder('b', null),
    folder('a', null),
    folder('in', 'inbox'),
    folder('c', null, 'a'),
    folder('d', null, 'gone'),
  ]);
  expect(rows.map(({ mailbox, depth }) => `${mailbox.id}${depth}`)).toEqual(['in0', 'a0', 'c1', 'b0', 'd0']);
});

describe('the length of a list', () => {
  const unknown = { total: 0, isCounted: false };
  const answer = (position: number, count: number, total?: number) => ({
    position,
    ids: Array.from({ length: count }, (_, index) => `M${position + index}`),
    ...(total === undefined ? {} : { total }),
  });

  test('is what the server says for a folder', () => {
    expect(extentAfter(answer(0, 50, 1234), 50, unknown)).toEqual({ total: 1234, isCounted: true });
  });

  test('is not counted for a search: it grows by a page until one is not full', () => {
    const first = extentAfter(answer(0, 50), 50, unknown);
    expect(first).toEqual({ total: 100, isCounted: false });
    const second = extentAfter(answer(50, 50), 50, first);
    expect(second).toEqual({ total: 150, isCounted: false });
    expect(extentAfter(answer(100, 7), 50, second)).toEqual({ total: 107, isCounted: true });
    expect(extentAfter(answer(100, 0), 50, second)).toEqual({ total: 100, isCounted: true });
  });

  test('stays counted when an earlier page is asked for again', () => {
    expect(extentAfter(answer(0, 50), 50, { total: 107, isCounted: true })).toEqual({ total: 107, isCounted: true });
  });

  test('is asked of the server for a folder alone', async () => {
    const { listCalls } = await import('../../workers/webmail/state/listing.ts');
    const asked = (filter: Record<string, unknown>) => listCalls(filter, {})[0]?.[1].calculateTotal;
    expect(asked({ inMailbox: 'F1' })).toBe(true);
    for (const filter of [{ inMailbox: 'F1', notKeyword: '$seen' }, { text: 'x' }, { operator: 'AND', conditions: [] }])
      expect(asked(filter)).toBe(false);
  });
});
