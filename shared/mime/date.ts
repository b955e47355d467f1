/**
 * Dates of header fields (RFC 5322 §3.3, §4.3 obsolete forms), and what senders write instead: no
 * day of the week or a wrong one, two-digit years, no seconds, no zone, `ctime` order. Written back as §3.3.
 */

export interface ParsedDate {
  /** Epoch milliseconds. */
  time: number;
  /** Minutes east of UTC. */
  zone: number;
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const DAYS = 'Sun Mon Tue Wed Thu Fri Sat'.split(' ');
/** Minutes east (RFC 5322 §4.3); the military letters are unreliable and mean nothing. */
const ZONES = new Map<string, number>([
  ...['ut', 'utc', 'gmt', 'z', 'wet'].map((name) => [name, 0] as const),
  ...(['est -300', 'edt -240', 'cst -360', 'cdt -300', 'mst -420', 'mdt -360', 'pst -480', 'pdt -420'] as const).map(pair),
  ...(
    ['bst 60', 'cet 60', 'met 60', 'west 60', 'cest 120', 'mest 120', 'eet 120', 'eest 180', 'msk 180', 'jst 540', 'kst 540'] as const
  ).map(pair),
]);
/** Longer values are no dates. */
const VALUE_MAX = 200;

const CLOCK = /(?<![\d:.])(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:\.\d+)?/;
const DAY_FIRST = /(?:^|[\s,])(\d{1,2})[\s-]+([a-z]{3})[a-z]*\.?[\s,-]+(\d{2,4})\b/i;
const MONTH_FIRST = /(?:^|[\s,])([a-z]{3})[a-z]*\.?\s+(\d{1,2})\b(?:.*?\b(\d{4})\b)/i;
const ISO = /^(\d{4})-(\d{2})-(\d{2})[T ]/;

/** An unfolded Date value → time and zone; null when there is no date in it. */
export function parseDate(value: string): ParsedDate | null {
  const text = value
    .slice(0, VALUE_MAX)
    .replace(/\([^()]*\)/g, ' ')
    // §4.3: white space and comments may stand between the numbers of the clock.
    .replace(/\s*:\s*/g, ':')
    .trim();
  const day = dayOf(text);
  const clock = CLOCK.exec(text);
  if (!day || !clock) return null;
  const [hour, minute, second] = [Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0)];
  if (hour > 24 || minute > 59 || second > 60) return null;
  const zone = zoneOf(text.slice(clock.index + clock[0].length));
  const time = Date.UTC(day.year, day.month, day.day, hour, minute, second) - zone * 60_000;
  return Number.isFinite(time) ? { time, zone } : null;
}

/** `Fri, 21 Nov 2026 09:55:06 +0100` for a time seen from a zone. */
export function formatDate(time: number, zone = 0): string {
  const local = new Date(time + zone * 60_000);
  const two = (n: number) => String(n).padStart(2, '0');
  const month = MONTHS[local.getUTCMonth()] ?? 'jan';
  const clock = [local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()].map(two).join(':');
  const offset = `${zone < 0 ? '-' : '+'}${two(Math.floor(Math.abs(zone) / 60))}${two(Math.abs(zone) % 60)}`;
  const year = String(local.getUTCFullYear()).padStart(4, '0');
  return `${DAYS[local.getUTCDay()]}, ${local.getUTCDate()} ${month.charAt(0).toUpperCase()}${month.slice(1)} ${year} ${clock} ${offset}`;
}

function dayOf(text: string): { year: number; month: number; day: number } | null {
  const iso = ISO.exec(text);
  if (iso) return checked(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]));
  const dayFirst = DAY_FIRST.exec(text);
  if (dayFirst) return checked(yearOf(dayFirst[3]), monthOf(dayFirst[2]), Number(dayFirst[1]));
  const monthFirst = MONTH_FIRST.exec(text.replace(/^[a-z]{3,9},?\s+(?=[a-z])/i, ''));
  return monthFirst && checked(yearOf(monthFirst[3]), monthOf(monthFirst[1]), Number(monthFirst[2]));
}

function checked(year: number, month: number, day: number): { year: number; month: number; day: number } | null {
  return month >= 0 && month < 12 && day >= 1 && day <= 31 && year >= 1900 ? { year, month, day } : null;
}

function monthOf(name: string | undefined): number {
  return MONTHS.indexOf((name ?? '').toLowerCase());
}

/** RFC 5322 §4.3: 00–49 are 2000s, other two- and three-digit years count from 1900. */
function yearOf(digits: string | undefined): number {
  const year = Number(digits ?? Number.NaN);
  if ((digits?.length ?? 0) >= 4) return year;
  return digits?.length === 2 && year < 50 ? 2000 + year : 1900 + year;
}

function zoneOf(rest: string): number {
  const numeric = /^\s*(?:gmt|utc)?\s*([+-])(\d{2}):?(\d{2})/i.exec(rest);
  if (numeric) {
    const minutes = Number(numeric[2]) * 60 + Number(numeric[3]);
    return minutes > 24 * 60 ? 0 : numeric[1] === '-' ? -minutes : minutes;
  }
  const name = /^\s*(?:[ap]m\b\s*)?([a-z]{1,5})\b/i.exec(rest)?.[1]?.toLowerCase();
  return ZONES.get(name ?? '') ?? 0;
}

function pair(text: string): readonly [string, number] {
  const [name = '', minutes] = text.split(' ');
  return [name, Number(minutes)];
}
