/** Header fields in the forms a client may ask for (RFC 8621 §4.1.2): raw octets in, JSON values out. Never throws. */
import type { Mailbox } from '../../mime/addresses.ts';
import { mailboxesOf, parseAddressList } from '../../mime/addresses.ts';
import { parseDate } from '../../mime/date.ts';
import type { HeaderField } from '../../mime/headers.ts';
import { unfold } from '../../mime/headers.ts';
import { parseMessageIds } from '../../mime/messageids.ts';
import { octetsOf } from '../../mime/octets.ts';
import { decodeWords } from '../../mime/words.ts';
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

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is dropped
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/g;

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

/** What a header property is: of the last field of that name, null without one; with `:all` of every one, in order. */
export function headerPropertyValue(fields: readonly HeaderField[], { name, form, all }: HeaderProperty): unknown {
  const values = fields.filter((field) => field.name.toLowerCase() === name).map((field) => field.value);
  if (all) return values.map((value) => FORMS[form](value));
  const last = values.at(-1);
  return last === undefined ? null : FORMS[form](last);
}

/** EmailHeader objects of all fields, in order. */
export function headerList(fields: readonly HeaderField[]): EmailHeader[] {
  return fields.map(({ name, value }) => ({ name, value: rawText(value) }));
}

/** RFC 8621 §4.1.2.1: octets as UTF-8, what is not UTF-8 as U+FFFD. */
function rawText(raw: string): string {
  return utf8.decode(octetsOf(raw));
}

/** RFC 8621 §4.1.2.2. */
function decodedText(raw: string): string {
  return decodeWords(unfold(raw)).replace(CONTROL, '').normalize('NFC');
}

function emailAddress({ name, email }: Mailbox): EmailAddress {
  const text = name?.trim().normalize('NFC') ?? '';
  return { name: text === '' ? null : text, email };
}

/** Mailboxes outside groups that follow one another share one nameless group. */
function groupedAddresses(value: string): EmailAddressGroup[] {
  const groups: EmailAddressGroup[] = [];
  let loose: EmailAddressGroup | null = null;
  for (const item of parseAddressList(value)) {
    if ('group' in item) {
      groups.push({ name: item.group.trim(), addresses: item.members.map(emailAddress) });
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
  return date === null || date.time > LAST_TIME ? null : zonedDate({ time: date.time, offset: date.zone });
}

/** RFC 2369 §2: URLs in angle brackets, comments between them. */
function urls(value: string): string[] {
  return [...value.matchAll(/<([^<>]*)>/g)].map(([, url = '']) => rawText(url.replace(/\s+/g, ''))).filter((url) => url !== '');
}

function orNull(list: string[]): string[] | null {
  return list.length > 0 ? list : null;
}
