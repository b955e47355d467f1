/**
 * Does a message match? A key answers yes, no, or "not with what is known": first flags and numbers alone, then the index,
 * last the original. So a search by flags reads nothing, and only messages still in doubt are opened.
 */
import { parseDate } from '../../../shared/mime/date.ts';
import { isKeptField } from '../../../shared/mime/headers.ts';
import { decodeWords } from '../../../shared/mime/words.ts';
import { eachField, fieldValues } from '../headerlines.ts';
import type { Flags, Message } from '../session.ts';
import { isAscii } from '../wire/bytes.ts';
import type { DateField, SearchKey } from './keys.ts';

/** The original's text, folded by `fold`. */
export interface OriginalText {
  /** The whole header block as a byte string, and decoded and folded. */
  block: string;
  header: string;
  body: string[];
}
/** What is known of a message at some stage. */
export interface Candidate {
  uid: number;
  sequence: number;
  flags: Flags;
  message?: Message;
  original?: OriginalText;
}
/** Undefined: cannot be told without the next stage. */
export type Test = (candidate: Candidate) => boolean | undefined;

/** Case does not matter, nor how accents are composed. */
export function fold(text: string): string {
  return (isAscii(text) ? text : text.normalize('NFC')).toLowerCase();
}

/** The tree as one function. */
export function compile(key: SearchKey): Test {
  const compiler = COMPILERS[key.key] as (key: SearchKey) => Test;
  return compiler(key);
}

const COMPILERS: { [K in SearchKey['key']]: (key: SearchKey & { key: K }) => Test } = {
  all: () => () => true,
  none: () => () => false,
  flag: ({ flag }) => memoised((flags) => flags.has(flag)),
  sequences:
    ({ ranges }) =>
    ({ sequence }) =>
      contains(ranges, sequence),
  uids:
    ({ ranges }) =>
    ({ uid }) =>
      contains(ranges, uid),
  date: ({ field, from, to }) =>
    withMessage((message) => {
      const time = TIMES[field](message);
      return time !== null && time >= from && time < to;
    }),
  size: ({ min, max }) => withMessage(({ size }) => size >= min && size <= max),
  header: ({ field, text }) => headerTest(field, fold(text)),
  body: ({ text }) => bodyTest(fold(text)),
  text: ({ text }) => anyOf([wholeHeaderTest(fold(text)), bodyTest(fold(text))]),
  emailId: ({ id }) => withMessage((message) => message.emailId === id),
  threadId: ({ id }) => withMessage((message) => message.threadId === id),
  not: ({ of }) => negated(compile(of)),
  or: ({ left, right }) => anyOf([compile(left), compile(right)]),
  and: ({ of }) => allOf(of.map(compile)),
};

/** Flags objects are interned: each set is asked once. */
function memoised(ask: (flags: Flags) => boolean): Test {
  const answers = new Map<Flags, boolean>();
  return ({ flags }) => {
    let answer = answers.get(flags);
    if (answer === undefined) {
      answer = ask(flags);
      answers.set(flags, answer);
    }
    return answer;
  };
}

function withMessage(test: (message: Message) => boolean): Test {
  return ({ message }) => message && test(message);
}

function negated(test: Test): Test {
  return (candidate) => {
    const answer = test(candidate);
    return answer === undefined ? undefined : !answer;
  };
}

function anyOf(tests: Test[]): Test {
  return (candidate) => decide(tests, candidate, true);
}

function allOf(tests: Test[]): Test {
  return (candidate) => decide(tests, candidate, false);
}

/** The first test that answers `decisive` decides; else a doubt keeps the question open. */
function decide(tests: Test[], candidate: Candidate, decisive: boolean): boolean | undefined {
  let open = false;
  for (const test of tests) {
    const answer = test(candidate);
    if (answer === decisive) return decisive;
    if (answer === undefined) open = true;
  }
  return open ? undefined : !decisive;
}

function contains(ranges: [number, number][], value: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.[1] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return (ranges[low]?.[0] ?? Infinity) <= value;
}

// ---------------------------------------------------------------- dates

const TIMES: Record<DateField, (message: Message) => number | null> = {
  internal: ({ internalDate }) => internalDate,
  saved: ({ savedDate }) => savedDate,
  sent: sentAsWritten,
};

/** RFC 9051 §6.4.4: "disregarding time and timezone", so the date as its sender wrote it. */
function sentAsWritten(message: Message): number | null {
  const [written] = fieldValues(message.headers, 'date');
  const parsed = written === undefined ? null : parseDate(written);
  return parsed ? parsed.time + parsed.zone * 60_000 : message.sentDate;
}

// ---------------------------------------------------------------- texts

function headerTest(field: string, text: string): Test {
  const kept = isKeptField(field);
  return ({ message, original }) => {
    if (original) return hasValue(original.block, field, text);
    if (!message) return undefined;
    // What was kept was kept whole: a match in it is one. That there is none is known only of complete ones.
    return hasValue(message.headers, field, text) || (kept && message.headersComplete ? false : undefined);
  };
}

function hasValue(block: string, field: string, text: string): boolean {
  return fieldValues(block, field).some((value) => text === '' || fold(decodeWords(value)).includes(text));
}

function wholeHeaderTest(text: string): Test {
  return ({ message, original }) => {
    if (original) return original.header.includes(text);
    if (!message) return undefined;
    return fold(decodedHeader(message.headers)).includes(text) || undefined;
  };
}

function bodyTest(text: string): Test {
  return ({ original }) => original?.body.some((part) => part.includes(text));
}

/** Fields as a person reads them, one per line. */
export function decodedHeader(block: string): string {
  const lines: string[] = [];
  eachField(block, (_name, start, end) => lines.push(decodeWords(block.slice(start, end).replace(/\r?\n/g, ''))));
  return lines.join('\n');
}
