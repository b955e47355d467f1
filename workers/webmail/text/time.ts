/** Times as people read them: today 14:05, this year 3 Nov / 11月3日, else the whole date (UI.md). */

/** The short form for lists. */
export function shortTime(iso: string, locale: string, now: Date = new Date()): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '';
  if (date.toDateString() === now.toDateString()) return format(date, locale, { hour: '2-digit', minute: '2-digit', hour12: false });
  if (date.getFullYear() === now.getFullYear()) return format(date, locale, { day: 'numeric', month: 'short' });
  return format(date, locale, { day: 'numeric', month: locale.startsWith('zh') ? 'numeric' : 'short', year: 'numeric' });
}

/** The exact time, for the message and for hovering. */
export function exactTime(iso: string, locale: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '';
  return format(date, locale, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
  });
}

/** Octets as people read them, in thousands as file managers show them. */
export function sizeText(octets: number, locale: string): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = octets < 1 ? 0 : Math.min(3, Math.floor(Math.log10(octets) / 3));
  const value = octets / 1000 ** power;
  const digits = value < 10 && power > 0 ? 1 : 0;
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value)} ${units[power]}`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(date: Date, locale: string, options: Intl.DateTimeFormatOptions): string {
  const key = locale + JSON.stringify(options);
  const known = formats.get(key) ?? new Intl.DateTimeFormat(locale, options);
  formats.set(key, known);
  return known.format(date);
}
