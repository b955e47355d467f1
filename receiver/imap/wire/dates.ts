/**
 * Dates as IMAP writes them (RFC 9051 §9): `date-time` for INTERNALDATE and APPEND, `date` for SEARCH.
 * Times are epoch milliseconds; what we write is always UTC.
 */
export const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
export const DAY_MS = 86_400_000;

/** `" 1-Feb-2026 08:09:10 +0000"`, with the quotes. */
export function formatDateTime(time: number): string {
  const date = new Date(time);
  const day = date.getUTCDate();
  const clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `"${day < 10 ? ' ' : ''}${day}-${MONTHS[date.getUTCMonth()]}-${String(date.getUTCFullYear()).padStart(4, '0')} ${clock} +0000"`;
}

function two(number: number): string {
  return number < 10 ? `0${number}` : `${number}`;
}

/** A `date-time` without its quotes; null when it is none. */
export function parseDateTime(text: string): number | null {
  const found = /^( \d|\d\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(text);
  if (!found) return null;
  const day = calendarDay(Number(found[1]), found[2] ?? '', Number(found[3]));
  const [hour, minute, second] = [Number(found[4]), Number(found[5]), Number(found[6])];
  const [zoneHours, zoneMinutes] = [Number(found[8]), Number(found[9])];
  if (day === null || hour > 23 || minute > 59 || second > 60 || zoneHours > 23 || zoneMinutes > 59) return null;
  const offset = (zoneHours * 60 + zoneMinutes) * 60_000 * (found[7] === '-' ? -1 : 1);
  return day + ((hour * 60 + minute) * 60 + second) * 1000 - offset;
}

/** `1-Feb-2026` → midnight UTC of that day; null when there is no such day. */
export function parseDate(text: string): number | null {
  const found = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/.exec(text);
  return found ? calendarDay(Number(found[1]), found[2] ?? '', Number(found[3])) : null;
}

function calendarDay(day: number, monthName: string, year: number): number | null {
  const month = MONTHS.findIndex((name) => name.toLowerCase() === monthName.toLowerCase());
  if (month < 0) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  return date.getUTCDate() === day && date.getUTCMonth() === month ? date.getTime() : null;
}
