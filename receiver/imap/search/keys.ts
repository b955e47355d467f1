/**
 * SEARCH keys (RFC 9051 §6.4.4, RFC 3501 §6.4.4; WITHIN RFC 5032, OBJECTID RFC 8474 §6, SAVEDATE RFC 8514, MODSEQ RFC 7162 §3.1.5) read
 * into a tree. Every key is one line in a table: how its arguments are read. What they mean in a mailbox, `evaluate.ts` knows:
 * ESEARCH asks several with one tree (RFC 7377).
 */
import { casemap } from '../../../shared/casemap.ts';
import { requireOn } from '../capabilities.ts';
import type { Client } from '../client.ts';
import { readModseq } from '../modseq.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { DAY_MS, parseDate } from '../wire/dates.ts';
import type { SequenceSet } from '../wire/sets.ts';
import type { Decode } from './charset.ts';
import type { TextScope } from './columns.ts';

/** Keys of one search: each may be asked of every message. */
const KEYS_MAX = 1000;
/** Keys that look through whole messages: each of them is a pass over the mailbox's text. */
const TEXT_KEYS_MAX = 32;
/** Characters of one text; longer ones are not looked for by people. */
const TEXT_MAX = 8192;

export type RangeColumn = 'internalDate' | 'savedDate' | 'written' | 'size';
/** Texts are casemapped. */
export type SearchKey =
  | { key: 'all' }
  | { key: 'none' }
  | { key: 'flag'; flag: string }
  | { key: 'sequences'; set: SequenceSet }
  | { key: 'uids'; set: SequenceSet }
  | { key: 'modseq'; min: number }
  /** A value in [from, to); `written` is the date as its sender wrote it, without its zone. */
  | { key: 'range'; column: RangeColumn; from: number; to: number }
  | { key: 'object'; column: 'emailId' | 'threadId'; id: string }
  /** `field` in lower case; an empty text asks for its presence. */
  | { key: 'header'; field: string; text: string }
  /** `words`: the text as typed, for full text. */
  | { key: 'text'; scope: TextScope; text: string; words: string }
  | { key: 'not'; of: SearchKey }
  | { key: 'or'; left: SearchKey; right: SearchKey }
  | { key: 'and'; of: SearchKey[] };

/** What was read besides the tree. */
export interface Criteria {
  key: SearchKey;
  /** MODSEQ is among the keys: the answer tells the highest one found (RFC 7162 §3.1.5). */
  modseq: boolean;
  /** Sequence numbers are among them: no removal may be told before the answer, not even to a UID command (RFC 7162 §3.2.10.2). */
  numbered: boolean;
}

interface Reading {
  args: Arguments;
  client: Pick<Client, 'session'>;
  decode: Decode;
  now: number;
  uidOnly: boolean;
  keys: number;
  textKeys: number;
  modseq: boolean;
  numbered: boolean;
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
  (reading) => ({ key: 'header', field, text: casemap(argument(reading)) });
const before =
  (column: RangeColumn): Reader =>
  (reading) => ({ key: 'range', column, from: -Infinity, to: day(reading) });
const since =
  (column: RangeColumn): Reader =>
  (reading) => ({ key: 'range', column, from: day(reading), to: Infinity });
const on =
  (column: RangeColumn): Reader =>
  (reading) => {
    const from = day(reading);
    return { key: 'range', column, from, to: from + DAY_MS };
  };
const text =
  (scope: TextScope): Reader =>
  (reading) => {
    reading.textKeys += 1;
    if (reading.textKeys > TEXT_KEYS_MAX) throw new Malformed('Too many TEXT and BODY keys');
    const words = argument(reading);
    return { key: 'text', scope, text: casemap(words), words };
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
    return { key: 'header', field, text: casemap(argument(reading)) };
  },
  BODY: text('body'),
  TEXT: text('text'),
  BEFORE: before('internalDate'),
  ON: on('internalDate'),
  SINCE: since('internalDate'),
  SENTBEFORE: before('written'),
  SENTON: on('written'),
  SENTSINCE: since('written'),
  SAVEDBEFORE: before('savedDate'),
  SAVEDON: on('savedDate'),
  SAVEDSINCE: since('savedDate'),
  SAVEDATESUPPORTED: () => ({ key: 'all' }),
  OLDER: (reading) => ({ key: 'range', column: 'internalDate', from: -Infinity, to: reading.now - interval(reading) + 1 }),
  YOUNGER: (reading) => ({ key: 'range', column: 'internalDate', from: reading.now - interval(reading), to: Infinity }),
  LARGER: (reading) => ({ key: 'range', column: 'size', from: count(reading) + 1, to: Infinity }),
  SMALLER: (reading) => ({ key: 'range', column: 'size', from: 0, to: count(reading) }),
  EMAILID: (reading) => ({ key: 'object', column: 'emailId', id: objectId(reading) }),
  THREADID: (reading) => ({ key: 'object', column: 'threadId', id: objectId(reading) }),
  MODSEQ: (reading) => {
    reading.args.space();
    reading.modseq = true;
    if (reading.args.peek() === '"') skipEntry(reading.args);
    return { key: 'modseq', min: readModseq(reading.args, true) };
  },
  UID: (reading) => {
    reading.args.space();
    return { key: 'uids', set: readSet(reading) };
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

/** Capabilities that keys exist by. */
const NEEDED: Record<string, string> = {
  EMAILID: 'OBJECTID',
  MODSEQ: 'CONDSTORE',
  OLDER: 'WITHIN',
  SAVEDATESUPPORTED: 'SAVEDATE',
  SAVEDBEFORE: 'SAVEDATE',
  SAVEDON: 'SAVEDATE',
  SAVEDSINCE: 'SAVEDATE',
  THREADID: 'OBJECTID',
  YOUNGER: 'WITHIN',
};

/** Reads keys up to the end of the command. `now`: epoch milliseconds, for OLDER and YOUNGER. */
export function readKeys(args: Arguments, client: Pick<Client, 'enabled' | 'session'>, decode: Decode, now: number): Criteria {
  const uidOnly = client.enabled.has('UIDONLY');
  const reading: Reading = { args, client, decode, now, uidOnly, keys: 0, textKeys: 0, modseq: false, numbered: false };
  const keys = [readKey(reading)];
  while (args.skip(' ')) keys.push(readKey(reading));
  args.end();
  return { key: and(keys), modseq: reading.modseq, numbered: reading.numbered };
}

function readKey(reading: Reading): SearchKey {
  reading.keys += 1;
  if (reading.keys > KEYS_MAX) throw new Malformed('Too many search keys');
  const { args } = reading;
  return args.nested(() => {
    if (args.peek() === '(') return and(args.list(() => readKey(reading)));
    if (/^[\d*$]$/.test(args.peek())) return sequences(reading);
    const name = args.word('a search key');
    const reader = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
    if (!reader) throw new Malformed('Unknown search key');
    if (Object.hasOwn(NEEDED, name)) requireOn(reading.client, NEEDED[name] ?? '');
    return reader(reading);
  });
}

function readSet({ args, client }: Reading): SequenceSet {
  const set = args.set();
  if (set.saved) requireOn(client, 'SEARCHRES');
  return set;
}

function sequences(reading: Reading): SearchKey {
  const set = readSet(reading);
  reading.numbered ||= !set.saved;
  if (reading.uidOnly && !set.saved) throw new Malformed('Sequence numbers are switched off', 'UIDREQUIRED');
  return { key: 'sequences', set };
}

function and(keys: SearchKey[]): SearchKey {
  const [only] = keys;
  if (!only) throw new Malformed('No search keys');
  return keys.length === 1 ? only : { key: 'and', of: keys };
}

function not(of: SearchKey): SearchKey {
  return { key: 'not', of };
}

function argument({ args, decode }: Reading): string {
  args.space();
  const text = decode(args.astring());
  if (text.length > TEXT_MAX) throw new Malformed('Search text too long');
  return text;
}

/** A name that is no keyword is set on no message. */
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

/** `"/flags/\\Seen" all`: we keep one mod-sequence a message, so the entry changes nothing (RFC 7162 §3.1.5). */
function skipEntry(args: Arguments): void {
  if (!/^\/flags\/\\?[^\\\s]+$/.test(args.string())) throw new Malformed('Unknown metadata item');
  args.space();
  if (!['PRIV', 'SHARED', 'ALL'].includes(args.word('an entry type'))) throw new Malformed('Unknown entry type');
  args.space();
}
