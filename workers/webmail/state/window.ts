/**
 * Which part of a long list to ask for. Pages follow their predecessor by anchor (RFC 8620 §5.5), so that
 * reading on costs the same everywhere and nothing is missed when mail arrives meanwhile; only a jump asks by position.
 */
import type { Id } from '../jmap/types.ts';

/** Two screens of rows: one request while scrolling on, none while looking around. */
export const PAGE = 50;

export interface Span {
  from: number;
  to: number;
}

/** The parts of [from, to) without ids, cut into spans of at most a page, starting where ids end. */
export function missingSpans(ids: readonly (Id | undefined)[], from: number, to: number): Span[] {
  const spans: Span[] = [];
  let at = Math.max(0, from);
  while (at < to) {
    if (ids[at] !== undefined) {
      at++;
      continue;
    }
    let end = at;
    while (end < at + PAGE && ids[end] === undefined) end++;
    spans.push({ from: at, to: end });
    at = end;
  }
  return spans;
}

/** Email/query arguments that fetch a span: after the row before it when that is known, else by position. */
export function queryWindow(ids: readonly (Id | undefined)[], span: Span): Record<string, unknown> {
  const limit = span.to - span.from;
  const before = ids[span.from - 1];
  return before === undefined ? { position: span.from, limit } : { anchor: before, anchorOffset: 1, limit };
}

/** How long a list is, as far as is known. */
export interface Extent {
  total: number;
  /** False while there may be more rows than `total`. */
  isCounted: boolean;
}

/**
 * The list's length after an answer to `limit` rows. The server counts a folder as a whole for nothing; a search or what is unread
 * it would have to read to its end, so there the list grows by a page until one is not full.
 */
export function extentAfter(answer: { position: number; ids: readonly Id[]; total?: number }, limit: number, before: Extent): Extent {
  if (answer.total !== undefined) return { total: answer.total, isCounted: true };
  const end = answer.position + answer.ids.length;
  if (answer.ids.length < limit) return { total: end, isCounted: true };
  return before.isCounted && before.total > end ? before : { total: Math.max(before.total, end + PAGE), isCounted: false };
}

/** Rows to draw for a scroll position, with a margin so that scrolling shows no gap. */
export function visibleSpan(scrollTop: number, height: number, rowHeight: number, total: number): Span {
  const margin = 8;
  const from = Math.max(0, Math.floor(scrollTop / rowHeight) - margin);
  return { from: Math.min(from, Math.max(0, total - 1)), to: Math.min(total, Math.ceil((scrollTop + height) / rowHeight) + margin) };
}
