/** The VacationResponse object (RFC 8621 §8), of which an account has one, and what a client may set of it. */
import { readUtcDate, utcDate } from './dates.ts';
import { isSameJson } from './equal.ts';
import type { Json, SetError } from './errors.ts';
import { ShapeError } from './errors.ts';
import type { Reader } from './readers.ts';
import { nullable, optional, own, readBoolean, readString } from './readers.ts';
import { readSettable, type Settable } from './settable.ts';

export const VACATION_ID = 'singleton';

/** Times in epoch milliseconds. */
export interface Vacation {
  isEnabled: boolean;
  fromDate: number | null;
  toDate: number | null;
  subject: string | null;
  textBody: string | null;
  htmlBody: string | null;
}

/** Characters of a subject: it becomes one header field. */
const SUBJECT_MAX = 255;
/** Characters of a body: a letter, not a book; every reply carries it. */
const BODY_MAX = 100_000;

const readSubject: Reader<string> = (value, path) => {
  const subject = readString(value, path);
  if (subject.length > SUBJECT_MAX || /\p{Cc}/u.test(subject))
    throw new ShapeError(path, `must be one line of at most ${SUBJECT_MAX} characters`);
  return subject;
};

const readBody: Reader<string> = (value, path) => {
  const text = readString(value, path);
  if (text.length > BODY_MAX) throw new ShapeError(path, `must have at most ${BODY_MAX} characters`);
  return text;
};

const SETTABLE: Settable<Vacation> = {
  isEnabled: optional(readBoolean, false),
  fromDate: nullable(readUtcDate),
  toDate: nullable(readUtcDate),
  subject: nullable(readSubject),
  textBody: nullable(readBody),
  htmlBody: nullable(readBody),
};

export const VACATION_PROPERTIES = ['id', ...Object.keys(SETTABLE)];

/** The whole object. */
export function vacationObject({ fromDate, toDate, ...rest }: Vacation): Json {
  const date = (time: number | null) => (time === null ? null : utcDate(time));
  return { id: VACATION_ID, ...rest, fromDate: date(fromDate), toDate: date(toDate) };
}

/** Reads the object after its patch; `current` is what it was before. A patch of null sets the default (RFC 8620 §5.3). */
export function readVacationUpdate(patched: Json, current: Json): Vacation | SetError {
  return readSettable(SETTABLE, patched, (name) => !Object.hasOwn(SETTABLE, name) && !isSameJson(patched[name], own(current, name)));
}
