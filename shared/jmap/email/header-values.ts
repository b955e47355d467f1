/** Header fields in the forms a client may ask for (RFC 8621 §4.1.2): raw octets in, JSON values out. Never throws. */
import type { Mailbox, PhrasePiece } from '../../mime/addresses.ts';
import { addrSpec, mailboxesOf, parseAddressList } from '../../mime/addresses.ts';
import { parseDate } from '../../mime/date.ts';
import type { HeaderField } from '../../mime/headers.ts';
import { unfold } from '../../mime/headers.ts';
import { parseMessageIds } from '../../mime/messageids.ts';
import { octetsOf } from '../../mime/octets.ts';
import { decodeRaw, decodeWords } from '../../mime/words.ts';
import { zonedDate } from '../dates.ts';
import type { HeaderForm, HeaderProperty } from './header-property.ts';

/** RFC 8621 §4.1.2.3. */
export interface EmailAddress {
  name: string | null;
  email: string;
}
/** RFC 8621 §4.1.2.4. */
export interface EmailAddressGroup {
  name: string | null;
  addresses: EmailAddress[];
}
export interface EmailHeader {
  name: string;
  value: string;
}

/** Years a Date can be written with in four digits. */
const LAST_TIME = Date.UTC(9999, 11, 30);
const SECOND = 1000;
const MINUTE = 60 * SECOND;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is dropped
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/g;

const ANY_CONTROL = /\p{Cc}/gu;

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The value of a field (byte string, folding included) in each form. */
const FORMS: Record<HeaderForm, (raw: string) => unknown> = {
  Raw: rawText,
  Text: decodedText,
  Addresses: (raw) => mailboxesOf(parseAddressList(unfold(raw))).map(emailAddress),
  GroupedAddresses: (raw) => groupedAddresses(unfold(raw)),
  MessageIds: (raw) => orNull(parseMessageIds(unfold(raw)).map(rawText)),
  Date: (raw) => dateText(unfold(raw)),
  URLs: (raw) => orNull(urls(unfold(raw))),
};

/** What was made of the fields of one block so far: the webmail asks for the same twice in a request, and parsing addresses is what costs. */
interface Known {
  byName: ReadonlyMap<string, readonly HeaderField[]>;
  values: Map<string, unknown>;
}
const KNOWN = new WeakMap<readonly HeaderField[], Known>();

/** What a header property is: of the last field of that name, null without one; with `:all` of every one, in order. */
export function headerPropertyValue(fields: readonly HeaderField[], { name, form, all }: HeaderProperty): unknown {
  const known = KNOWN.get(fields) ?? { byName: Map.groupBy(fields, (field) => field.name.toLowerCase()), values: new Map() };
  KNOWN.set(fields, known);
  const key = `${name}:${form}:${all}`;
  if (!known.values.has(key)) known.values.set(key, fieldValue(known.byName.get(name) ?? [], form, all));
  return known.values.get(key);
}

function fieldValue(fields: readonly HeaderField[], form: HeaderForm, all: boolean): unknown {
  if (all) return fields.map(({ value }) => FORMS[form](value));
  const last = fields.at(-1);
  return last === undefined ? null : FORMS[form](last.value);
}

/** EmailHeader objects of all fields, in order. */
export function headerList(fields: readonly HeaderField[]): EmailHeader[] {
  return fields.map(({ name, value }) => ({ name, value: rawText(value) }));
}

/** RFC 8621 §4.1.2.1: octets as UTF-8, what is not UTF-8 as U+FFFD, without NUL. */
function rawText(raw: string): string {
  return utf8.decode(octetsOf(raw)).replaceAll('\0', '');
}

/** RFC 8621 §4.1.2.2: only what leads is trimmed. */
function decodedText(raw: string): string {
  return decodePlacedWords(raw.replace(/\r?\n|\r/g, '').replace(/^[ \t]+/, ''))
    .replace(CONTROL, '')
    .normalize('NFC');
}

/** One encoded word, as RFC 2047 §2 writes it. */
const ENCODED_WORD = /^=\?[^?\s]{1,64}\?[bq]\?[^?\s]*\?=$/i;

/**
 * Decodes encoded words where RFC 2047 §5 lets them stand: white space or an end on both sides. What only looks like one stays as it is,
 * which §4.1.2.2 demands (the webmail shows it decoded); control characters that were hidden in one are dropped.
 */
function decodePlacedWords(value: string): string {
  if (!value.includes('=?')) return decodeWords(value);
  let text = '';
  let plain = '';
  let words = '';
  const flush = (): void => {
    text += decodeRaw(plain) + decodeWords(words).replace(ANY_CONTROL, '');
    plain = '';
    words = '';
  };
  // At even indices what stands between white space, at odd ones the white space.
  const pieces = value.split(/([ \t]+)/);
  for (let at = 0; at < pieces.length; at += 2) {
    const gap = at === 0 ? '' : (pieces[at - 1] ?? '');
    const token = pieces[at] ?? '';
    if (ENCODED_WORD.test(token)) {
      if (words === '') plain += gap;
      words += words === '' ? token : gap + token;
      continue;
    }
    if (words !== '') flush();
    plain += gap + token;
  }
  flush();
  return text;
}

function emailAddress(mailbox: Mailbox): EmailAddress {
  const name = phraseText(mailbox.pieces);
  return { name: name === '' ? null : name, email: addrSpec(mailbox) };
}

/** RFC 8621 §4.1.2.3: a name, its encoded words decoded where they may stand, which is not in a quoted string (RFC 2047 §5). */
function phraseText(pieces: readonly PhrasePiece[]): string {
  let text = '';
  let words = '';
  for (const piece of pieces) {
    const gap = piece.glued ? '' : ' ';
    if (piece.quoted) {
      text += decodePlacedWords(words) + gap + decodeRaw(piece.text);
      words = '';
    } else words += gap + piece.text;
  }
  return (text + decodePlacedWords(words)).trim().normalize('NFC');
}

/** Mailboxes outside groups that follow one another share one nameless group. */
function groupedAddresses(value: string): EmailAddressGroup[] {
  const groups: EmailAddressGroup[] = [];
  let loose: EmailAddressGroup | null = null;
  for (const item of parseAddressList(value)) {
    if ('group' in item) {
      groups.push({ name: phraseText(item.pieces), addresses: item.members.map(emailAddress) });
      loose = null;
      continue;
    }
    if (loose === null) {
      loose = { name: null, addresses: [] };
      groups.push(loose);
    }
    loose.addresses.push(emailAddress(item));
  }
  return groups;
}

function dateText(value: string): string | null {
  const date = parseDate(value);
  if (date === null || date.time > LAST_TIME || !hasItsDay(value, date.time + date.zone * MINUTE)) return null;
  return zonedDate({ time: date.time, offset: date.zone });
}

/** False for a day that its month does not have: 31 February is no date, not one in March. A leap second is of the day it ends. */
function hasItsDay(value: string, local: number): boolean {
  const day = /(?:^|\D)(\d{1,2})[ \t-]+[a-z]{3}/i.exec(value)?.[1];
  return day === undefined || [local, local - SECOND].some((time) => new Date(time).getUTCDate() === Number(day));
}

/** RFC 2369 §2: URLs in angle brackets, comments between them. */
function urls(value: string): string[] {
  return [...value.matchAll(/\((?:[^()\\]|\\.)*\)|<([^<>]*)>/g)]
    .map(([, url = '']) => rawText(url.replace(/\s+/g, '')))
    .filter((url) => url !== '');
}

function orNull(list: string[]): string[] | null {
  return list.length > 0 ? list : null;
}
