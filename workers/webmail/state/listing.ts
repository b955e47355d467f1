/**
 * The open list: a folder or a search, conversations collapsed (RFC 8621 §4.4.3). Ids are a sparse array by
 * position, filled as the rows come into sight; a change elsewhere refreshes what is in sight and forgets the rest.
 */
import { signal } from '@preact/signals';
import { type Answers, type Call, type GetAnswer, type QueryAnswer, RequestFailure, reference } from '../jmap/client.ts';
import { type EmailSummary, type Id, SUMMARY_PROPERTIES } from '../jmap/types.ts';
import { emailOf, takeEmails, takeThreads } from './emails.ts';
import type { Filter } from './search.ts';
import { jmap, noteFailure } from './session.ts';
import { extentAfter, missingSpans, PAGE, queryWindow, type Span } from './window.ts';

export interface Listing {
  /** Which folder or search this is; an answer for another one is dropped. */
  key: string;
  filter: Filter;
  ids: (Id | undefined)[];
  /** Rows there are, or at least room for the next page of them. */
  total: number;
  isCounted: boolean;
  state: 'loading' | 'ready' | 'failed';
  /** Rows the server put in or took out above what is in sight: the view scrolls by as many. */
  shift: number;
}

/** Rows asked for before they come into sight: half a page is a second of fast scrolling. */
const AHEAD = PAGE / 2;
const NONE: Listing = { key: '', filter: {}, ids: [], total: 0, isCounted: false, state: 'loading', shift: 0 };
export const listing = signal<Listing>(NONE);
/** Rows in sight, told by the view; what a refresh asks for. */
let sight: Span = { from: 0, to: PAGE };
const inFlight = new Set<string>();

/** Calls that answer a span of the list and all that its rows show, in one request. */
export function listCalls(filter: Filter, window: Record<string, unknown>): Call[] {
  const properties = SUMMARY_PROPERTIES;
  const calculateTotal = Object.keys(filter).join() === 'inMailbox';
  const query = { filter, sort: [{ property: 'receivedAt', isAscending: false }], collapseThreads: true, calculateTotal, ...window };
  return [
    ['Email/query', query, 'query'],
    ['Email/get', { '#ids': reference('query', 'Email/query', '/ids'), properties }, 'rows'],
    ['Thread/get', { '#ids': reference('rows', 'Email/get', '/list/*/threadId') }, 'threads'],
    ['Email/get', { '#ids': reference('threads', 'Thread/get', '/list/*/emailIds'), properties }, 'members'],
  ];
}

/** Takes the rows of an answer; throws when the query failed. The members may fail alone (too many): the rows still show. */
export function takeList(answers: Answers): QueryAnswer {
  const query = answers.get<QueryAnswer>('query');
  takeEmails(answers.get<GetAnswer<EmailSummary>>('rows').list);
  takeThreads(answers.find<GetAnswer<{ id: Id; emailIds: Id[] }>>('threads')?.list ?? []);
  takeEmails(answers.find<GetAnswer<EmailSummary>>('members')?.list ?? []);
  return query;
}

/** Starts an empty list; the view then asks for what it shows. */
export function startListing(key: string, filter: Filter): void {
  sight = { from: 0, to: PAGE };
  listing.value = { ...NONE, key, filter, ids: [] };
}

/** Puts the first page in, when it is still wanted. */
export function fillListing(key: string, query: QueryAnswer): void {
  if (listing.value.key === key) place(query, PAGE);
}

/** Sees to it that rows [from, to) are there or on their way. */
export function ensure(span: Span): void {
  sight = span;
  const { ids, key, total, state } = listing.value;
  if (state !== 'ready') return;
  for (const missing of missingSpans(ids, span.from - AHEAD, Math.min(span.to + AHEAD, total))) void load(key, missing);
}

async function load(key: string, span: Span): Promise<void> {
  const flight = `${key} ${span.from}`;
  if (inFlight.has(flight)) return;
  inFlight.add(flight);
  try {
    const { filter, ids } = listing.value;
    const query = await fetchSpan(filter, ids, span);
    if (listing.value.key === key) place({ ...query, position: span.from }, span.to - span.from);
  } catch (error) {
    noteFailure(error);
  } finally {
    inFlight.delete(flight);
  }
}

async function fetchSpan(filter: Filter, ids: readonly (Id | undefined)[], span: Span): Promise<QueryAnswer> {
  try {
    return takeList(await jmap().send(listCalls(filter, queryWindow(ids, span))));
  } catch (error) {
    // The row before may have been archived meanwhile: its place still tells where to look.
    if (!(error instanceof RequestFailure) || error.type !== 'anchorNotFound') throw error;
    return takeList(await jmap().send(listCalls(filter, { position: span.from, limit: span.to - span.from })));
  }
}

function place(query: QueryAnswer, limit: number): void {
  const { ids, ...rest } = listing.value;
  query.ids.forEach((id, index) => {
    ids[query.position + index] = id;
  });
  listing.value = { ...rest, ids, ...extentAfter(query, limit, rest), state: 'ready', shift: 0 };
}

/** The calls that ask again for what is in sight, and what to do with their answer. */
export function refreshCalls(): { calls: Call[]; take: (answers: Answers) => void } {
  const { key, filter, ids } = listing.value;
  const from = Math.max(0, sight.from);
  const top = ids[from];
  const limit = Math.max(PAGE, sight.to - from);
  const window = from === 0 || top === undefined ? { position: from, limit } : { anchor: top, anchorOffset: 0, limit };
  const take = (answers: Answers) => {
    const query = answers.find<QueryAnswer>('query') ? takeList(answers) : null;
    if (listing.value.key !== key) return;
    if (!query) return forget();
    const fresh: (Id | undefined)[] = [];
    query.ids.forEach((id, index) => {
      fresh[query.position + index] = id;
    });
    const extent = extentAfter(query, limit, { total: 0, isCounted: false });
    listing.value = { ...listing.value, ids: fresh, ...extent, state: 'ready', shift: query.position - from };
  };
  return { calls: listCalls(filter, window), take };
}

/** The row we held on to is gone: keep the place, ask again for all of it. */
function forget(): void {
  listing.value = { ...listing.value, ids: [], state: 'ready', shift: 0 };
  ensure(sight);
}

export function failListing(key: string): void {
  if (listing.value.key === key) listing.value = { ...listing.value, state: 'failed' };
}

/** Takes conversations out of the list at once; the answer puts them back where they were. */
export function removeRows(threadIds: ReadonlySet<Id>): () => void {
  const { ids, total, key } = listing.value;
  const before = ids.slice();
  const next = withoutRows(ids, threadIds);
  const removed = ids.length - next.length;
  listing.value = { ...listing.value, ids: next, total: total - removed, shift: 0 };
  return () => {
    if (listing.value.key === key) listing.value = { ...listing.value, ids: before, total, shift: 0 };
  };
}

/** Holes stay, so that rows further down keep their distance. */
function withoutRows(ids: (Id | undefined)[], threadIds: ReadonlySet<Id>): (Id | undefined)[] {
  const next: (Id | undefined)[] = [];
  let removed = 0;
  for (const [index, id] of ids.entries()) {
    if (id !== undefined && threadIds.has(emailOf(id)?.threadId ?? '')) removed++;
    else if (id !== undefined) next[index - removed] = id;
  }
  next.length = ids.length - removed;
  return next;
}
