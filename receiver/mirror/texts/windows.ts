/**
 * Looking through the text file: the records wanted are read in windows of a megabyte, and each window is searched as one piece of memory;
 * which record a match lies in is asked only of matches.
 */
import type { TextScope } from '../../imap/search/columns.ts';
import type { Needle } from './needle.ts';
import type { TextIndex } from './text-index.ts';

/** Octets between two records wanted that are read along rather than skipped. */
const GAP_MAX = 64 * 1024;

export interface Window {
  start: number;
  end: number;
  /** Ascending. */
  records: number[];
}

/** Windows over `records` (ascending), each of `length` octets or one record more. */
export function* windowsOf(index: TextIndex, records: readonly number[], length: number): Iterable<Window> {
  let window: Window | null = null;
  for (const record of records) {
    const { start, end } = index.place(record);
    if (window && start - window.end <= GAP_MAX && start - window.start <= length) {
      window.end = end;
      window.records.push(record);
      continue;
    }
    if (window) yield window;
    window = { start, end, records: [record] };
  }
  if (window) yield window;
}

/** Records of the window that hold `needle`; `octets` are the window's. */
export function scanWindow(index: TextIndex, window: Window, octets: Buffer, needle: Needle, scope: TextScope): number[] {
  const found: number[] = [];
  let at = needle.find(octets, 0);
  for (const record of window.records) {
    if (at < 0) break;
    const place = index.place(record);
    const from = (scope === 'body' ? place.body : place.start) - window.start;
    const to = place.end - window.start;
    if (at < from) at = needle.find(octets, from);
    if (at < 0 || at + needle.octets.length > to) continue;
    found.push(record);
    at = needle.find(octets, to);
  }
  return found;
}
