/**
 * What a message is searched, sorted and threaded by (RFC 9051 §6.4.4, RFC 5256, RFC 5957), made once from its kept header
 * fields: decoded, casemapped, dates normalised. Texts are casemapped (shared/casemap.ts), ready to be compared.
 */
import { casemap } from '../casemap.ts';
import { type AddressItem, type Mailbox, parseAddressList } from './addresses.ts';
import { baseSubject } from './base-subject.ts';
import { parseDate } from './date.ts';
import { type HeaderField, lastHeaderValue, parseHeaderBlock, unfold } from './headers.ts';
import { decodeWords } from './words.ts';

/** Ids of References that are followed; the kept header bounds them too, and mail has a few dozen. */
const REFERENCES_MAX = 500;

export interface MessageKeys {
  /** All fields of the name, one a line: what SEARCH SUBJECT, FROM, … look through. */
  subject: string;
  from: string;
  to: string;
  cc: string;
  bcc: string;
  /** RFC 5256 §2.1. */
  base: string;
  /** RFC 5256 §3: a reply or a forward by its subject. */
  reply: boolean;
  /** addr-mailbox of the first address. */
  sortFrom: string;
  sortTo: string;
  sortCc: string;
  /** RFC 5957 §3: display name of the first address, else the address. */
  displayFrom: string;
  displayTo: string;
  /** Epoch milliseconds of the Date field, null without one; and the same as its sender's clock showed it, for SENTON. */
  sent: number | null;
  written: number | null;
  /** Threading: the message's own id or 0, then those it refers to, root first (RFC 5256 §3, REFERENCES). See `idNumber`. */
  ids: Float64Array;
}

/** `headers`: raw lines of the kept fields. */
export function messageKeys(headers: string): MessageKeys {
  const fields = parseHeaderBlock(headers);
  const subject = decodeWords(lastHeaderValue(fields, 'subject') ?? '');
  const { base, reply } = baseSubject(subject);
  const [from, to, cc] = [firstAddress(fields, 'from'), firstAddress(fields, 'to'), firstAddress(fields, 'cc')];
  return {
    subject: searchText(fields, 'subject'),
    from: searchText(fields, 'from'),
    to: searchText(fields, 'to'),
    cc: searchText(fields, 'cc'),
    bcc: searchText(fields, 'bcc'),
    base: casemap(base),
    reply,
    sortFrom: localPart(from),
    sortTo: localPart(to),
    sortCc: localPart(cc),
    displayFrom: displayName(from),
    displayTo: displayName(to),
    ...dates(lastHeaderValue(fields, 'date')),
    ids: Float64Array.from([ownId(fields), ...references(fields)]),
  };
}

function searchText(fields: readonly HeaderField[], name: string): string {
  const values = fields.filter((field) => field.name.toLowerCase() === name).map((field) => casemap(decodeWords(unfold(field.value))));
  return values.join('\n');
}

/** RFC 5256 §2.2: a date without a time is its midnight. */
function dates(value: string | undefined): Pick<MessageKeys, 'sent' | 'written'> {
  const date = value === undefined ? null : (parseDate(value) ?? parseDate(`${value} 00:00:00 +0000`));
  return { sent: date?.time ?? null, written: date && date.time + date.zone * 60_000 };
}

function firstAddress(fields: readonly HeaderField[], name: string): AddressItem | undefined {
  const value = fields.find((field) => field.name.toLowerCase() === name)?.value;
  return value === undefined ? undefined : parseAddressList(unfold(value))[0];
}

/** As ENVELOPE has it: of a group the mailbox is the group's name (RFC 9051 §7.5.2). */
function localPart(item: AddressItem | undefined): string {
  if (!item) return '';
  return casemap(decodeWords('group' in item ? item.rawGroup : item.local));
}

/** RFC 5957 §3: the display name, else `mailbox@host`; of a group its name. */
function displayName(item: AddressItem | undefined): string {
  if (!item) return '';
  if ('group' in item) return casemap(item.group);
  return casemap(item.name || address(item));
}

function address({ local, domain, email }: Mailbox): string {
  return domain === '' ? local : email;
}

// ---------------------------------------------------------------- message ids

function ownId(fields: readonly HeaderField[]): number {
  return idsIn(lastHeaderValue(fields, 'message-id') ?? '', 1)[0] ?? 0;
}

/** RFC 5256 §3: the ids of References, else the first of In-Reply-To. */
function references(fields: readonly HeaderField[]): number[] {
  const ids = idsIn(lastHeaderValue(fields, 'references') ?? '', REFERENCES_MAX);
  return ids.length > 0 ? ids : idsIn(lastHeaderValue(fields, 'in-reply-to') ?? '', 1);
}

function idsIn(value: string, max: number): number[] {
  const ids: number[] = [];
  for (const [, inner = ''] of value.matchAll(/<([^<>]*)>/g)) {
    const id = normalisedId(inner);
    if (id !== null) ids.push(idNumber(id));
    if (ids.length === max) break;
  }
  return ids;
}

/** RFC 5256 §3: `"a b"@c` and `a b@c` are one id; case counts. Null when it has not both halves. */
function normalisedId(inner: string): string | null {
  const id = inner.trim();
  const at = id.lastIndexOf('@');
  if (at <= 0 || at === id.length - 1) return null;
  const left = id.slice(0, at);
  const unquoted = left.startsWith('"') && left.endsWith('"') && left.length > 1 ? left.slice(1, -1).replace(/\\(.)/g, '$1') : left;
  return `${unquoted}${id.slice(at)}`.replace(/[ \t]+/g, '');
}

/**
 * 52 bits that stand for an id, never 0: among a million ids two are mixed up with a chance of 1 in 9,000. Who makes two alike on
 * purpose has gained what writing the id into References gives him as well: a message in a thread.
 */
export function idNumber(id: string): number {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (let at = 0; at < id.length; at++) {
    const unit = id.charCodeAt(at);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x85ebca6b);
    high ^= high >>> 13;
  }
  low = Math.imul(low ^ (low >>> 15), 0x2c1b3c6d) ^ high;
  high = Math.imul(high ^ (high >>> 16), 0xc2b2ae35);
  return (high >>> 12) * 0x1_0000_0000 + (low >>> 0) || 1;
}
