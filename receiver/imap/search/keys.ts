/**
 * SEARCH keys (RFC 9051 §6.4.4, RFC 3501 §6.4.4; WITHIN RFC 5032, OBJECTID RFC 8474 §6, SAVEDATE RFC 8514) read into a
 * tree. Every key is one line in a table: how its arguments are read.
 */
import type { Selection } from '../selection.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { decodeUtf8 } from '../wire/bytes.ts';
import { DAY_MS, parseDate } from '../wire/dates.ts';
import { largestNamed, resolveRanges, type SequenceSet } from '../wire/sets.ts';

/** Keys of one search; each is asked of every message. */
const KEYS_MAX = 1000;
/** Characters of one text; longer ones are not looked for by people. */
const TEXT_MAX = 8192;

export type DateField = 'internal' | 'sent' | 'saved';
export type SearchKey =
  | { key: 'all' }
  | { key: 'none' }
  | { key: 'flag'; flag: string }
  | { key: 'sequences'; ranges: [number, number][] }
  | { key: 'uids'; ranges: [number, number][] }
  /** Time in [from, to); `sent` compares the date as written, without its zone. */
  | { key: 'date'; field: DateField; from: number; to: number }
  | { key: 'size'; min: number; max: number }
  /** `field` in lower case; an empty text asks for its presence. */
  | { key: 'header'; field: string; text: string }
  | { key: 'body'; text: string }
  | { key: 'text'; text: string }
  | { key: 'emailId'; id: string }
  | { key: 'threadId'; id: string }
  | { key: 'not'; of: SearchKey }
  | { key: 'or'; left: SearchKey; right: SearchKey }
  | { key: 'and'; of: SearchKey[] };

interface Reading {
  args: Arguments;
  selection: Selection;
  now: number;
  count: number;
}
type Reader = (reading: Reading) => SearchKey;

const flagged =
  (flag: string): Reader =>
  () => ({ key: 'flag', flag });
const unflagged =
  (flag: string): Reader =>
  () =>
    not({ key: 'flag', flag });
const header =
  (field: string): Reader =>
  (reading) => ({ key: 'header', field, text: argument(reading) });
const before =
  (field: DateField): Reader =>
  (reading) => ({ key: 'date', field, from: -Infinity, to: day(reading) });
const since =
  (field: DateField): Reader =>
  (reading) => ({ key: 'date', field, from: day(reading), to: Infinity });
const on =
  (field: DateField): Reader =>
  (reading) => {
    const from = day(reading);
    return { key: 'date', field, from, to: from + DAY_MS };
  };

const READERS: Record<string, Reader> = {
  ALL: () => ({ key: 'all' }),
  ANSWERED: flagged('\\Answered'),
  DELETED: flagged('\\Deleted'),
  DRAFT: flagged('\\Draft'),
  FLAGGED: flagged('\\Flagged'),
  SEEN: flagged('\\Seen'),
  UNANSWERED: unflagged('\\Answered'),
  UNDELETED: unflagged('\\Deleted'),
  UNDRAFT: unflagged('\\Draft'),
  UNFLAGGED: unflagged('\\Flagged'),
  UNSEEN: unflagged('\\Seen'),
  // RFC 9051 §2.3.2: no message is `\Recent` any more.
  NEW: () => ({ key: 'none' }),
  RECENT: () => ({ key: 'none' }),
  OLD: () => ({ key: 'all' }),
  KEYWORD: (reading) => ({ key: 'flag', flag: keyword(reading) }),
  UNKEYWORD: (reading) => not({ key: 'flag', flag: keyword(reading) }),
  BCC: header('bcc'),
  CC: header('cc'),
  FROM: header('from'),
  SUBJECT: header('subject'),
  TO: header('to'),
  HEADER: (reading) => {
    reading.args.space();
    const field = reading.args.astring().toLowerCase();
    return { key: 'header', field, text: argument(reading) };
  },
  BODY: (reading) => ({ key: 'body', text: argument(reading) }),
  TEXT: (reading) => ({ key: 'text', text: argument(reading) }),
  BEFORE: before('internal'),
  ON: on('internal'),
  SINCE: since('internal'),
  SENTBEFORE: before('sent'),
  SENTON: on('sent'),
  SENTSINCE: since('sent'),
  SAVEDBEFORE: before('saved'),
  SAVEDON: on('saved'),
  SAVEDSINCE: since('saved'),
  SAVEDATESUPPORTED: () => ({ key: 'all' }),
  OLDER: (reading) => ({ key: 'date', field: 'internal', from: -Infinity, to: reading.now - interval(reading) + 1 }),
  YOUNGER: (reading) => ({ key: 'date', field: 'internal', from: reading.now - interval(reading), to: Infinity }),
  LARGER: (reading) => ({ key: 'size', min: count(reading) + 1, max: Infinity }),
  SMALLER: (reading) => ({ key: 'size', min: -1, max: count(reading) - 1 }),
  EMAILID: (reading) => ({ key: 'emailId', id: objectId(reading) }),
  THREADID: (reading) => ({ key: 'threadId', id: objectId(reading) }),
  UID: (reading) => {
    reading.args.space();
    return uids(reading, reading.args.set());
  },
  NOT: (reading) => {
    reading.args.space();
    return not(readKey(reading));
  },
  OR: (reading) => {
    reading.args.space();
    const left = readKey(reading);
    reading.args.space();
    return { key: 'or', left, right: readKey(reading) };
  },
};

/** Reads keys up to the end of the command. `now`: epoch milliseconds, for OLDER and YOUNGER. */
export function readKeys(args: Arguments, selection: Selection, now: number): SearchKey {
  const reading: Reading = { args, selection, now, count: 0 };
  const keys = [readKey(reading)];
  while (args.skip(' ')) keys.push(readKey(reading));
  args.end();
  return and(keys);
}

function readKey(reading: Reading): SearchKey {
  reading.count += 1;
  if (reading.count > KEYS_MAX) throw new Malformed('Too many search keys');
  const { args } = reading;
  return args.nested(() => {
    if (args.peek() === '(') return and(args.list(() => readKey(reading)));
    if (/^[\d*$]$/.test(args.peek())) return sequences(reading, args.set());
    const name = args.word('a search key');
    const reader = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
    if (!reader) throw new Malformed('Unknown search key');
    return reader(reading);
  });
}

function and(keys: SearchKey[]): SearchKey {
  const [only] = keys;
  if (!only) throw new Malformed('No search keys');
  return keys.length === 1 ? only : { key: 'and', of: keys };
}

function not(of: SearchKey): SearchKey {
  return { key: 'not', of };
}

function sequences({ selection }: Reading, set: SequenceSet): SearchKey {
  if (set.saved) return saved(selection);
  const { size } = selection.view;
  if (largestNamed(set) > size) {
    // As everywhere: `1:*` asked of an empty mailbox finds nothing.
    if (size > 0 || !set.ranges.every((range) => range.includes(Infinity))) throw new Malformed('There is no such message');
    return { key: 'none' };
  }
  return { key: 'sequences', ranges: resolveRanges(set, size) };
}

function uids({ selection }: Reading, set: SequenceSet): SearchKey {
  if (set.saved) return saved(selection);
  return { key: 'uids', ranges: resolveRanges(set, selection.view.lastUid || selection.box.uidnext()) };
}

function saved(selection: Selection): SearchKey {
  return { key: 'uids', ranges: selection.saved.map((uid) => [uid, uid]) };
}

/** A text to look for: US-ASCII or UTF-8, the only charsets we announce (RFC 9051 §6.4.4). */
function argument({ args }: Reading): string {
  args.space();
  const text = decodeUtf8(args.astring());
  if (text === null) throw new Malformed('Invalid UTF-8');
  if (text.length > TEXT_MAX) throw new Malformed('Search text too long');
  return text;
}

function keyword({ args }: Reading): string {
  args.space();
  return args.flag();
}

function count({ args }: Reading): number {
  args.space();
  return args.number();
}

function interval(reading: Reading): number {
  const seconds = count(reading);
  if (seconds === 0) throw new Malformed('An interval of nothing');
  return seconds * 1000;
}

function objectId({ args }: Reading): string {
  args.space();
  return args.astring();
}

function day({ args }: Reading): number {
  args.space();
  const date = parseDate(args.peek() === '"' ? args.string() : args.atom('a date'));
  if (date === null) throw new Malformed('Invalid date');
  return date;
}
