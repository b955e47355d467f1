/**
 * Row ids of the full text: account, hour of arrival and email id in the 64 bits of a rowid (docs/decisions/0018-search-by-date.md),
 * so that an account's hits in the order of rows are its hits by date, newest or oldest first, as far as one reads.
 * Within an hour they are in no order of interest. They exceed JavaScript's safe integers and exist in SQL only.
 */

/** Emails of one account ever: 33 million. */
const ID_BITS = 25;
/** Hours, of which there are 59 years; what is older or newer shares the first or the last. */
const HOUR_BITS = 19;
/** 2000-01-01, in milliseconds, where the hours begin. */
const EPOCH = 946_684_800_000;
const HOUR = 3_600_000;
const HOUR_MAX = 2 ** HOUR_BITS - 1;

/** The hour under which an email that arrived at `receivedAt` is found; never decreases with it. */
export function hourOf(receivedAt: number): number {
  return Math.max(0, Math.min(HOUR_MAX, Math.floor((receivedAt - EPOCH) / HOUR)));
}

/** SQL of the row id; the arguments are SQL, `hour` as `hourOf` gives it, `email` an id or a key. */
export function textRow(account: number | string, hour: number | string, email: number | string): string {
  return `((${account} << ${HOUR_BITS + ID_BITS}) | (${hour} << ${ID_BITS}) | (${email} & ${2 ** ID_BITS - 1}))`;
}

/** SQL of the hour of a column of times. */
export function hourSql(receivedAt: string): string {
  return `max(0, min(${HOUR_MAX}, (${receivedAt} - ${EPOCH}) / ${HOUR}))`;
}

/** SQL of the hour and of the email's id in a row id. */
export const HOUR_OF_ROW = `((rowid >> ${ID_BITS}) & ${HOUR_MAX})`;
export const EMAIL_OF_ROW = `(rowid & ${2 ** ID_BITS - 1})`;

/** SQL that holds for an account's rows of these hours, all by default. */
export function inHours(account: number | string, first = 0, last = HOUR_MAX): string {
  return `rowid BETWEEN ${textRow(account, first, 0)} AND ${textRow(account, last, -1)}`;
}
