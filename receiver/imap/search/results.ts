/**
 * RETURN options and ESEARCH answers (RFC 4731 §3.1, RFC 5182 `SAVE`, RFC 5267 §3 for SORT, RFC 9394 `PARTIAL`, RFC 7162 §3.1.10
 * MODSEQ). The results come in their order, which is the mailbox's for SEARCH and the one asked for in SORT.
 */
import { requireOn } from '../capabilities.ts';
import type { Client } from '../client.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { formatSet } from '../wire/sets.ts';
import { NONE, type Uids } from './uids.ts';

/** `from` and `to` count from 1; with `fromEnd` from the last one back. */
export interface PartialRange {
  from: number;
  to: number;
  fromEnd: boolean;
  /** As the client wrote it. */
  text: string;
}
export interface ReturnOptions {
  names: ReadonlySet<string>;
  partial: PartialRange | null;
}

const OPTIONS = new Set(['MIN', 'MAX', 'ALL', 'COUNT', 'SAVE', 'PARTIAL']);
/** What else must not be switched off for an option. */
const NEEDED: Record<string, string> = { PARTIAL: 'PARTIAL', SAVE: 'SEARCHRES' };
const PARTIAL_RANGE = /^(-?)([1-9]\d{0,9}):\1([1-9]\d{0,9})$/;
const NUMBER_MAX = 0xffffffff;

export const RETURN_ALL: ReturnOptions = { names: new Set(['ALL']), partial: null };

/** ` RETURN (…)`; null without it. `RETURN ()` means ALL. */
export function readReturnOptions(args: Arguments, client: Client): ReturnOptions | null {
  if (!args.skipText(' RETURN (')) return null;
  const names = new Set<string>();
  let partial: PartialRange | null = null;
  while (!args.skip(')')) {
    if (names.size > 0) args.space();
    const name = args.word('a RETURN option');
    if (!OPTIONS.has(name) || names.has(name)) throw new Malformed('Unknown RETURN option');
    names.add(name);
    const capability = NEEDED[name];
    if (capability) requireOn(client, capability);
    if (name === 'PARTIAL') partial = readPartialRange(args);
  }
  if (names.has('ALL') && names.has('PARTIAL')) throw new Malformed('Either ALL or PARTIAL');
  return names.size === 0 ? RETURN_ALL : { names, partial };
}

/** ` 1:500` or ` -1:-500` (RFC 9394 §4). */
export function readPartialRange(args: Arguments): PartialRange {
  args.space();
  const text = args.atom('a range');
  const found = PARTIAL_RANGE.exec(text);
  const [a, b] = [Number(found?.[2]), Number(found?.[3])];
  if (!found || a > NUMBER_MAX || b > NUMBER_MAX) throw new Malformed('Invalid range');
  return { from: Math.min(a, b), to: Math.max(a, b), fromEnd: found[1] === '-', text };
}

/** The part of the results that the range names, in their order. */
export function partOf<List extends { length: number; slice(from: number, to: number): List }>(results: List, range: PartialRange): List {
  const { length } = results;
  if (range.fromEnd) return results.slice(Math.max(0, length - range.to), Math.max(0, length - range.from + 1));
  return results.slice(range.from - 1, range.to);
}

/** UIDs that `$` holds afterwards (RFC 5182 §2.4, RFC 9394 §3.2). */
export function savedResult(found: Uids, options: ReturnOptions): number[] {
  return Array.from(options.names.has('COUNT') ? found : returned(found, options)).sort((a, b) => a - b);
}

/** The results an answer speaks of: all, or the ends and the part asked for. */
function returned(found: Uids, { names, partial }: ReturnOptions): Uids {
  if (names.has('ALL') || !(names.has('MIN') || names.has('MAX') || partial)) return found;
  const part = partial ? partOf(found, partial) : NONE;
  const ends = [...(names.has('MIN') ? found.slice(0, 1) : NONE), ...(names.has('MAX') ? found.slice(-1) : NONE)];
  return Uint32Array.from(new Set([...part, ...ends]));
}

export interface Answer {
  /** UIDs in their order, and the numbers to tell instead: the same, or sequence numbers. */
  found: Uids;
  numbers: Uids;
  /** Asked when MODSEQ was among the keys. */
  modseq: ((uid: number) => number) | null;
}

/** The items of an ESEARCH response, each after its space; null when nothing is to be told (RFC 5182 §2.1). */
export function answerItems({ found, numbers, modseq }: Answer, options: ReturnOptions): string | null {
  const { names, partial } = options;
  if (names.size === 1 && names.has('SAVE')) return null;
  let items = '';
  if (numbers.length > 0) {
    if (names.has('MIN')) items += ` MIN ${numbers[0]}`;
    if (names.has('MAX')) items += ` MAX ${numbers.at(-1)}`;
    if (names.has('ALL')) items += ` ALL ${formatSet(numbers)}`;
  }
  if (partial) items += ` PARTIAL (${partial.text} ${formatSet(partOf(numbers, partial)) || 'NIL'})`;
  if (names.has('COUNT')) items += ` COUNT ${numbers.length}`;
  if (modseq && found.length > 0) items += ` MODSEQ ${highest(names.has('COUNT') ? found : returned(found, options), modseq)}`;
  return items;
}

/** An old SEARCH or SORT response: each number after its space, then ` (MODSEQ n)`. */
export function plainResponse(name: string, { found, numbers, modseq }: Answer): string {
  const list = numbers.length > 0 ? ` ${numbers.join(' ')}` : '';
  return `* ${name}${list}${modseq && found.length > 0 ? ` (MODSEQ ${highest(found, modseq)})` : ''}`;
}

function highest(uids: Uids, modseq: (uid: number) => number): number {
  return uids.reduce((most, uid) => Math.max(most, modseq(uid)), 0);
}
