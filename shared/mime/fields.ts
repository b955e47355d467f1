/**
 * Header fields on their way out (RFC 5322 §2.2, §3.6): each maker takes a meaning and gives a value
 * that is finished: encoded (RFC 2047), folded below 78 characters, and refused when it would carry a
 * line break or NUL into the header. mimetext writes the block; it neither folds nor encodes nor
 * checks, so it gets nothing but finished values.
 */
import { type EnvironmentContext, MIMEMessageHeader } from 'mimetext/browser';
import { normaliseDomain } from '../address.ts';
import { formatDate } from './date.ts';
import { isFieldName } from './headers.ts';
import { encodeParameter, encodePhrase, encodeUnstructured } from './words.ts';

/** A finished field: `value` is what follows `name: `, folds included, without the last line break. */
export interface Field {
  name: string;
  value: string;
}
export interface Person {
  name?: string | null;
  email: string;
}
/** RFC 8621 §4.1.2.4: a group when it has a name. */
export interface PersonGroup {
  name: string | null;
  addresses: Person[];
}

/** Thrown when a value cannot be sent as it is: `field` names the culprit, nothing was composed. */
export class UnsafeHeader extends Error {
  readonly field: string;
  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`);
    this.field = field;
  }
}

/** RFC 5322 §2.1.1: lines should stay below 78 characters and must below 998. */
const FOLD_AT = 78;
const LINE_MAX = 998;
const NAME_MAX = 76;

/** Free text: Subject, Comments and fields of one's own. */
export function textField(name: string, text: string): Field {
  refuseBreaks(name, text);
  return finished(name, encodeUnstructured(text));
}

/** A value the caller has written himself (JMAP `asRaw`): ASCII or UTF-8, folded by CRLF and white space or not at all. */
export function rawField(name: string, value: string): Field {
  refuseBreaks(name, value.replace(/\r\n(?=[ \t]+[^ \t\r\n])/g, ''));
  if (value.split('\r\n').some((line) => line.length > LINE_MAX - NAME_MAX)) throw new UnsafeHeader(name, 'line too long');
  return checkedName({ name, value: value.trimStart() });
}

/** From, To and their like. */
export function addressField(name: string, people: readonly (Person | PersonGroup)[]): Field {
  return finished(name, people.map((item) => ('addresses' in item ? groupText(name, item) : personText(name, item))).join(', '));
}

/** Message-ID, In-Reply-To, References: ids without angle brackets. */
export function idField(name: string, ids: readonly string[]): Field {
  for (const id of ids) if (!/^[^\s<>\0]{1,900}$/.test(id)) throw new UnsafeHeader(name, 'not a message id');
  return finished(name, ids.map((id) => `<${id}>`).join(' '));
}

/** Epoch milliseconds, seen from a zone in minutes east. */
export function dateField(name: string, time: number, zone = 0): Field {
  return finished(name, formatDate(time, zone));
}

/** List-Unsubscribe and its like (RFC 2369). */
export function urlField(name: string, urls: readonly string[]): Field {
  for (const url of urls) if (!/^[!-;=?-~]{1,900}$/.test(url)) throw new UnsafeHeader(name, 'not a URL');
  return finished(name, urls.map((url) => `<${url}>`).join(', '));
}

/** `text/plain; charset=utf-8`: a token and its parameters (RFC 2045 §5.1, RFC 2231). */
export function structuredField(name: string, value: string, parameters: readonly [string, string][] = []): Field {
  if (!/^[!#$%&'*+\-.^_`{|}~0-9A-Za-z/]{1,200}$/.test(value)) throw new UnsafeHeader(name, 'not a token');
  const pieces = parameters.flatMap(([key, text]) => {
    refuseBreaks(name, text);
    if (!/^[!#$&+\-.^_`{|}~0-9A-Za-z]{1,60}$/.test(key)) throw new UnsafeHeader(name, 'not a parameter name');
    return encodeParameter(key, text);
  });
  return finished(name, [value, ...pieces].join('; '));
}

/** The block of these fields, each ended by CRLF, without the empty line. */
export function headerBlock(fields: readonly Field[]): string {
  const headers = new MIMEMessageHeader(ENVIRONMENT);
  headers.fields = [];
  for (const { name, value } of fields) headers.setCustom({ name, value, custom: true });
  return fields.length === 0 ? '' : `${headers.dump()}\r\n`;
}

const ENVIRONMENT: EnvironmentContext = {
  eol: '\r\n',
  toBase64: (text) => text,
  toBase64WebSafe: (text) => text,
  validateContentType: (type) => type,
};

function personText(field: string, { name, email }: Person): string {
  refuseBreaks(field, name ?? '');
  const address = addressText(field, email);
  return name ? `${encodePhrase(name)} <${address}>` : address;
}

function groupText(field: string, { name, addresses }: PersonGroup): string {
  const members = addresses.map((person) => personText(field, person)).join(', ');
  if (name === null) return members;
  refuseBreaks(field, name);
  return `${encodePhrase(name)}:${members === '' ? '' : ` ${members}`};`;
}

/** Addresses are written as given but for the domain, which goes out in A-labels. */
function addressText(field: string, email: string): string {
  const at = email.lastIndexOf('@');
  const local = at < 0 ? email : email.slice(0, at);
  const domain = at < 0 ? '' : email.slice(at + 1);
  const host = /^\[[0-9A-Za-z.:]+\]$/.test(domain) ? domain : normaliseDomain(domain);
  const atoms = /^[^\s"(),:;<>@[\\\]\p{Cc}]+$/u.test(local);
  const quoted = /^"(?:[^"\\\p{Cc}]|\\[^\p{Cc}])*"$/u.test(local);
  if (local.length > 200 || (!atoms && !quoted) || host === null) throw new UnsafeHeader(field, 'not an address');
  return `${local}@${host}`;
}

function refuseBreaks(field: string, text: string): void {
  if (/[\r\n\0]/.test(text)) throw new UnsafeHeader(field, 'line break or NUL');
}

function finished(name: string, value: string): Field {
  const field = checkedName({ name, value: folded(name, value) });
  if (field.value.split('\r\n').some((line) => line.length > LINE_MAX - NAME_MAX)) throw new UnsafeHeader(name, 'line too long');
  return field;
}

function checkedName(field: Field): Field {
  if (!isFieldName(field.name) || field.name.length > NAME_MAX) throw new UnsafeHeader(field.name.slice(0, NAME_MAX), 'not a field name');
  return field;
}

/** Breaks the line before a word that would pass column 78, at spaces that are there already (RFC 5322 §2.2.3). */
function folded(name: string, value: string): string {
  let text = '';
  let column = name.length + 2;
  value.split(' ').forEach((word, index) => {
    const breaks = index > 0 && word !== '' && text.trim() !== '' && column + 1 + word.length > FOLD_AT;
    text += (breaks ? '\r\n ' : index > 0 ? ' ' : '') + word;
    column = breaks ? 1 + word.length : column + word.length + (index > 0 ? 1 : 0);
  });
  return text;
}
