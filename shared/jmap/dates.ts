/** Dates on the wire (RFC 8620 §1.4): RFC 3339, `T` and `Z` upper case, no fraction of a second when it is zero. */
import { ShapeError } from './errors.ts';
import type { Reader } from './readers.ts';
import { readString } from './readers.ts';

const DATE = /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):(\d{2}):(\d{2})(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** A moment with the offset it was written in. */
export interface ZonedTime {
  /** Epoch milliseconds. */
  time: number;
  /** Minutes east of UTC. */
  offset: number;
}

/** Epoch milliseconds as UTCDate, to the second: what IMAP's INTERNALDATE can say, so both doors agree. */
export function utcDate(time: number): string {
  return `${new Date(time).toISOString().slice(0, -5)}Z`;
}

/** A moment in its own zone. */
export function zonedDate({ time, offset }: ZonedTime): string {
  if (offset === 0) return utcDate(time);
  const local = new Date(time + offset * 60_000).toISOString().slice(0, -5);
  const minutes = Math.abs(offset);
  return `${local}${offset < 0 ? '-' : '+'}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;
}

/** A `Date`. */
export const readDate: Reader<ZonedTime> = (value, path) => {
  const text = readString(value, path);
  const time = DATE.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time) || !isCalendarDay(text)) throw new ShapeError(path, 'must be a date as 2026-11-22T04:42:51Z');
  return { time, offset: zoneOffset(text) };
};

/** A `UTCDate`, as epoch milliseconds. */
export const readUtcDate: Reader<number> = (value, path) => {
  const { time } = readDate(value, path);
  if (!String(value).endsWith('Z')) throw new ShapeError(path, 'must be in UTC, ending in Z');
  return time;
};

/** `2026-02-30` parses as 2 March: refused. */
function isCalendarDay(text: string): boolean {
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().slice(0, 10) === text.slice(0, 10);
}

function zoneOffset(text: string): number {
  const match = /([+-])(\d{2}):(\d{2})$/.exec(text);
  if (!match) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return match[1] === '-' ? -minutes : minutes;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
