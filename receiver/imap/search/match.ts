/**
 * Does a message match? A key answers yes, no, or "not with what is known": first flags and numbers alone, then the index,
 * last the original. So a search by flags reads nothing, and only messages still in doubt are opened.
 */
import { parseDate } from '../../../shared/mime/date.ts';
import { type HeaderField, headerValue, headerValues, isKeptField, parseHeaderBlock } from '../../../shared/mime/headers.ts';
import { decodeWords } from '../../../shared/mime/words.ts';
import type { Flags, Message } from '../session.ts';
import type { DateField, SearchKey } from './keys.ts';

/** The original's text, folded by `fold`. */
export interface OriginalText {
  /** The whole header block, fields decoded; and its fields, for those the index does not keep. */
  header: string;
  fields: HeaderField[];
  body: string[];
}
/** What is known of a message at some stage. */
export interface Candidate {
  uid: number;
  sequence: number;
  flags: Flags;
  message?: Message;
  original?: OriginalText;
  /** Fields of `message.headers`, parsed once. */
  kept?: HeaderField[];
}
/** Undefined: cannot be told without the next stage. */
export type Test = (candidate: Candidate) => boolean | undefined;

/** Case does not matter, nor how accents are composed. */
export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
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
    withMessage((message, candidate) => {
      const time = TIMES[field](message, candidate);
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

function withMessage(test: (message: Message, candidate: Candidate) => boolean): Test {
  return (candidate) => candidate.message && test(candidate.message, candidate);
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

const TIMES: Record<DateField, (message: Message, candidate: Candidate) => number | null> = {
  internal: ({ internalDate }) => internalDate,
  saved: ({ savedDate }) => savedDate,
  sent: (message, candidate) => sentAsWritten(message, candidate),
};

/** RFC 9051 §6.4.4: "disregarding time and timezone", so the date as its sender wrote it. */
function sentAsWritten(message: Message, candidate: Candidate): number | null {
  const written = headerValue(keptFields(candidate, message), 'date');
  const parsed = written === undefined ? null : parseDate(written);
  return parsed ? parsed.time + parsed.zone * 60_000 : message.sentDate;
}

// ---------------------------------------------------------------- texts

function keptFields(candidate: Candidate, message: Message): HeaderField[] {
  candidate.kept ??= parseHeaderBlock(message.headers);
  return candidate.kept;
}

function headerTest(field: string, text: string): Test {
  return (candidate) => {
    const { message, original } = candidate;
    if (original) return hasValue(original.fields, field, text);
    if (!message) return undefined;
    if (isKeptField(field) && message.headersComplete) return hasValue(keptFields(candidate, message), field, text);
    // What was kept was kept whole: a match in it is one.
    return hasValue(keptFields(candidate, message), field, text) || undefined;
  };
}

function hasValue(fields: HeaderField[], field: string, text: string): boolean {
  return headerValues(fields, field).some((value) => text === '' || fold(decodeWords(value)).includes(text));
}

function wholeHeaderTest(text: string): Test {
  return (candidate) => {
    const { message, original } = candidate;
    if (original) return original.header.includes(text);
    if (!message) return undefined;
    return fold(decodedHeader(keptFields(candidate, message))).includes(text) || undefined;
  };
}

function bodyTest(text: string): Test {
  return ({ original }) => original?.body.some((part) => part.includes(text));
}

/** Fields as a person reads them, one per line. */
export function decodedHeader(fields: HeaderField[]): string {
  return fields.map(({ name, value }) => `${name}: ${decodeWords(value.replace(/\r?\n/g, ''))}`).join('\n');
}
