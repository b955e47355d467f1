/**
 * Header fields from the forms a client may set (RFC 8621 §4.1.2, §4.6): JSON values in, field values
 * out, encoded for 7-bit transports. A line break that would start another field is refused.
 */
import { formatDate } from '../../mime/date.ts';
import { encodePhrase, encodeUnstructured } from '../../mime/words.ts';
import { readDate } from '../dates.ts';
import { ShapeError } from '../errors.ts';
import type { Reader } from '../readers.ts';
import { arrayOf, nullable, readAnything, readString, recordOf } from '../readers.ts';
import type { HeaderForm, HeaderProperty } from './header-property.ts';
import { CONVENIENCE, parseHeaderProperty } from './header-property.ts';

/** Octets a line should not pass, and must not (RFC 5322 §2.1.1). */
const LINE_MAX = 78;
const LINE_OCTETS_MAX = 998;
/** Characters of what stands for one address; RFC 5321 §4.5.3.1 knows none longer than 254. */
const ADDRESS_MAX = 1000;
/** Characters of one value a client may set. */
const VALUE_MAX = 64 * 1024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
const CONTROL = /[\u0000-\u001f\u007f]/;

const readLine: Reader<string> = (value, path) => {
  const text = readString(value, path);
  if (CONTROL.test(text) || text.length > VALUE_MAX) throw new ShapeError(path, 'must be one line without control characters');
  return text;
};

/** Raw: folding is allowed, since a line break before white space starts no field. */
const readRaw: Reader<string> = (value, path) => {
  const text = readString(value, path);
  const unfolded = text.replace(/\r\n(?=[ \t])/g, '').replace(/\t/g, ' ');
  if (CONTROL.test(unfolded) || text.length > VALUE_MAX) throw new ShapeError(path, 'must be a field value without stray line breaks');
  return text;
};

const readEmail: Reader<string> = (value, path) => {
  const email = readLine(value, path).trim();
  if (email.length > ADDRESS_MAX) throw new ShapeError(path, `must be at most ${ADDRESS_MAX} characters`);
  if (!isOneAddress(domainOf(email)) || unquoted(email).split('@').length > 2) throw new ShapeError(path, 'must be one address');
  return email;
};

/** An EmailAddress (RFC 8621 §4.1.2.3). */
export const readAddress = recordOf({ name: nullable(readLine), email: readEmail });
/** One that every message is to carry, so half of one is none. */
export const readFinishedAddress: typeof readAddress = (value, path) => {
  const read = readAddress(value, path);
  if (!isOneAddress(read.email)) throw new ShapeError(path, 'must be one address');
  return read;
};
const readGroup = recordOf({ name: nullable(readLine), addresses: arrayOf(readAddress) });

const readMessageId: Reader<string> = (value, path) => {
  const id = readLine(value, path);
  if (id === '' || /[\s<>]/.test(id)) throw new ShapeError(path, 'must be a message id without angle brackets');
  return `<${id}>`;
};

const readUrl: Reader<string> = (value, path) => {
  const url = readLine(value, path);
  if (url === '' || /[\s<>]/.test(url)) throw new ShapeError(path, 'must be a URL');
  return `<${url}>`;
};

function address({ name, email }: { name: string | null; email: string }): string {
  const spec = isOneAddress(email) ? email : quotedAddress(email);
  if (name !== null && name.trim() !== '') return `${encodePhrase(name.trim())} <${spec}>`;
  return spec === email ? email : `<${spec}>`;
}

/** Nothing in it ends the address or begins another. */
function isOneAddress(email: string): boolean {
  return !/[<>()[\],;:\\"\s]/.test(unquoted(email).replace(/@\[[^\]\s]*\]$/, ''));
}

function unquoted(email: string): string {
  return email.replace(/"(?:[^"\\]|\\.)*"/g, '');
}

/** With its `@`; empty when the address has none. */
function domainOf(email: string): string {
  const at = email.lastIndexOf('@');
  return at < 0 ? '' : email.slice(at);
}

/** What a person has begun to write in a draft (RFC 8621 §4.6): quoted, so that it is read again as one address. */
function quotedAddress(email: string): string {
  const domain = domainOf(email);
  const local = email.slice(0, email.length - domain.length);
  return `"${local.replace(/["\\]/g, '\\$&')}"${domain}`;
}

function group({ name, addresses }: ReturnType<typeof readGroup>): string {
  const members = addresses.map(address).join(', ');
  return name === null ? members : `${encodePhrase(name)}: ${members};`;
}

/** Each form → the unfolded value of the field. Raw is taken as it is. */
const FORMS: Record<HeaderForm, Reader<string>> = {
  Raw: readRaw,
  Text: (value, path) => encodeUnstructured(readLine(value, path)),
  Addresses: (value, path) => arrayOf(readAddress)(value, path).map(address).join(', '),
  GroupedAddresses: (value, path) => arrayOf(readGroup)(value, path).map(group).join(', '),
  MessageIds: (value, path) => arrayOf(readMessageId)(value, path).join(' '),
  Date: (value, path) => {
    const { time, offset } = readDate(value, path);
    return formatDate(time, offset);
  },
  URLs: (value, path) => arrayOf(readUrl)(value, path).join(', '),
};

/** The whole field without its last line break, from a value in a form. Throws ShapeError. */
function writeField(name: string, form: HeaderForm, value: unknown, path: string): string {
  const text = FORMS[form](value, path);
  // A raw value brings its own leading space and folding.
  const field = form === 'Raw' ? `${name}:${text}` : foldField(name, text);
  if (field.split('\r\n').some((line) => new TextEncoder().encode(line).length > LINE_OCTETS_MAX))
    throw new ShapeError(path, `makes a line of more than ${LINE_OCTETS_MAX} octets`);
  return field;
}

/** Folds at spaces so that lines stay within 78 octets where they can. */
export function foldField(name: string, value: string): string {
  const [first = '', ...words] = value.split(' ');
  let line = `${name}: ${first}`;
  let field = '';
  for (const word of words) {
    if (line.length + 1 + word.length > LINE_MAX && line.trim() !== '') {
      field += `${line}\r\n`;
      line = ` ${word}`;
    } else line += ` ${word}`;
  }
  return field + line;
}

/** The header property of that name; throws when there is none. */
export function headerOf(property: string): HeaderProperty {
  const header = parseHeaderProperty(property);
  if (header === null) throw new ShapeError(property, 'is not known');
  return header;
}

/** The fields a header property stands for: one, several with `:all`, none when null or an empty list. */
export function writeProperty(property: string, value: unknown): string[] {
  const { form, all } = headerOf(property);
  if (value === null) return [];
  const name = Object.hasOwn(CONVENIENCE, property) ? (CONVENIENCE[property]?.field ?? property) : (property.split(':')[1] ?? property);
  const values = all ? arrayOf(readAnything)(value, property) : [value];
  return values.filter((item) => !isEmptyList(form, item)).map((item) => writeField(name, form, item, property));
}

const LISTS: readonly HeaderForm[] = ['Addresses', 'GroupedAddresses', 'MessageIds', 'URLs'];

/** A list of nothing is no field: RFC 5322 §3.6.3 knows no empty one, but for Bcc, where it says as little. */
function isEmptyList(form: HeaderForm, value: unknown): boolean {
  return LISTS.includes(form) && Array.isArray(value) && value.length === 0;
}
