/**
 * Composing (RFC 5322, RFC 2045–2047, RFC 2231): entities nested as wanted become one message of
 * 7-bit lines below 998 octets with CRLF. Text goes as it is when it can, else quoted-printable or
 * base64, whichever is shorter; other content as base64; enclosed messages unencoded (RFC 2046 §5.2.1).
 * `shared/jmap/email/build.ts` is another thing: this makes the fields, mends line ends and holds all of a short letter in memory.
 */
import { normaliseDomain } from '../address.ts';
import { addressField, dateField, type Field, headerBlock, idField, type Person, structuredField, textField } from './fields.ts';
import { concatOctets, octetsOf } from './octets.ts';
import { encodeBase64, encodeQuotedPrintable } from './transfer.ts';

/** One part on its way out. */
export type Entity = LeafEntity | MultipartEntity;
export interface LeafEntity {
  /** `text/plain`; lower case. */
  type: string;
  /** A string for text, which goes out as UTF-8; octets for everything else. */
  content: string | Uint8Array;
  /** Further Content-Type parameters. */
  parameters?: [string, string][];
  /** File name, `attachment` or `inline`, Content-ID without angle brackets. */
  name?: string | null;
  disposition?: string | null;
  cid?: string | null;
  /** Further finished fields of this part. */
  fields?: Field[];
}
export interface MultipartEntity {
  /** `multipart/mixed` */
  type: string;
  parts: Entity[];
  parameters?: [string, string][];
  fields?: Field[];
}

export interface Attachment {
  name: string | null;
  type: string;
  disposition: 'attachment' | 'inline';
  cid?: string | null;
  content: Uint8Array;
}
export interface Composition {
  from: Person[];
  to?: Person[];
  cc?: Person[];
  bcc?: Person[];
  replyTo?: Person[];
  sender?: Person;
  subject?: string;
  /** Epoch milliseconds, now when absent; minutes east of UTC. */
  date?: number;
  zone?: number;
  /** Without angle brackets; made when absent. */
  messageId?: string;
  inReplyTo?: string[];
  references?: string[];
  text?: string;
  html?: string;
  attachments?: Attachment[];
  /** Further fields, free text each. */
  headers?: Record<string, string>;
}

const UTF8 = new TextEncoder();
/** RFC 5322 §2.1.1 */
const LINE_MAX = 998;
const CRLF = '\r\n';

/** A whole message. Throws UnsafeHeader when a header value could not be sent safely. */
export function composeMessage(composition: Composition): Uint8Array {
  return composeEntity(messageFields(composition), bodyOf(composition));
}

/** Message fields (MIME-Version is added) over any nesting of entities. */
export function composeEntity(fields: readonly Field[], body: Entity): Uint8Array {
  const chunks: Uint8Array[] = [];
  writeEntity([...fields, { name: 'MIME-Version', value: '1.0' }], body, chunks);
  if (chunks.at(-1)?.at(-1) !== 0x0a) chunks.push(octetsOf(CRLF));
  return concatOctets(chunks);
}

/** `<random>@<domain of the address>` without angle brackets (RFC 5322 §3.6.4). */
export function makeMessageId(email: string): string {
  return `${randomHex()}@${normaliseDomain(email.slice(email.lastIndexOf('@') + 1)) ?? 'localhost'}`;
}

function messageFields(mail: Composition): Field[] {
  const people = (name: string, list: readonly Person[] | undefined) => (list && list.length > 0 ? [addressField(name, list)] : []);
  const ids = (name: string, list: readonly string[] | undefined) => (list && list.length > 0 ? [idField(name, list)] : []);
  return [
    dateField('Date', mail.date ?? Date.now(), mail.zone),
    ...people('From', mail.from),
    ...people('Sender', mail.sender && [mail.sender]),
    ...people('Reply-To', mail.replyTo),
    ...people('To', mail.to),
    ...people('Cc', mail.cc),
    ...people('Bcc', mail.bcc),
    idField('Message-ID', [mail.messageId ?? makeMessageId(mail.from[0]?.email ?? '')]),
    ...ids('In-Reply-To', mail.inReplyTo),
    ...ids('References', mail.references),
    textField('Subject', mail.subject ?? ''),
    ...Object.entries(mail.headers ?? {}).map(([name, value]) => textField(name, value)),
  ];
}

/** mixed(alternative(text, related(html, inline…)), attachment…), without the levels that would hold one part. */
function bodyOf({ text, html, attachments = [] }: Composition): Entity {
  const embedded = attachments.filter(({ disposition, cid }) => html !== undefined && disposition === 'inline' && cid);
  const forms: Entity[] = [];
  if (text !== undefined || html === undefined) forms.push({ type: 'text/plain', content: text ?? '' });
  if (html !== undefined) forms.push(group('multipart/related', [{ type: 'text/html', content: html }, ...embedded]));
  const loose = attachments.filter((attachment) => !embedded.includes(attachment));
  return group('multipart/mixed', [group('multipart/alternative', forms), ...loose]);
}

function group(type: string, parts: Entity[]): Entity {
  const [only] = parts;
  return parts.length === 1 && only ? only : { type, parts };
}

function writeEntity(fields: readonly Field[], entity: Entity, chunks: Uint8Array[]): void {
  if ('parts' in entity) writeMultipart(fields, entity, chunks);
  else writeLeaf(fields, entity, chunks);
}

function writeMultipart(fields: readonly Field[], entity: MultipartEntity, chunks: Uint8Array[]): void {
  const boundary = `=_${randomHex()}`;
  const type = structuredField('Content-Type', entity.type, [...(entity.parameters ?? []), ['boundary', boundary]]);
  chunks.push(headerOctets([...fields, type, ...(entity.fields ?? [])]));
  entity.parts.forEach((part, index) => {
    chunks.push(UTF8.encode(`${index > 0 ? CRLF : ''}--${boundary}${CRLF}`));
    writeEntity([], part, chunks);
  });
  chunks.push(UTF8.encode(`${CRLF}--${boundary}--${CRLF}`));
}

function writeLeaf(fields: readonly Field[], leaf: LeafEntity, chunks: Uint8Array[]): void {
  const { encoding, octets } = encodeContent(leaf);
  const charset: [string, string][] = typeof leaf.content === 'string' ? [['charset', 'utf-8']] : [];
  const named: [string, string][] = leaf.name ? [['name', leaf.name]] : [];
  const filename: [string, string][] = leaf.name ? [['filename', leaf.name]] : [];
  const disposition = leaf.disposition ?? (leaf.name ? 'attachment' : null);
  chunks.push(
    headerOctets([
      ...fields,
      structuredField('Content-Type', leaf.type, [...charset, ...(leaf.parameters ?? []), ...named]),
      structuredField('Content-Transfer-Encoding', encoding),
      ...(disposition ? [structuredField('Content-Disposition', disposition, filename)] : []),
      ...(leaf.cid ? [idField('Content-ID', [leaf.cid])] : []),
      ...(leaf.fields ?? []),
    ]),
    octets,
  );
}

function headerOctets(fields: readonly Field[]): Uint8Array {
  return UTF8.encode(headerBlock(fields) + CRLF);
}

function encodeContent({ type, content }: LeafEntity): { encoding: string; octets: Uint8Array } {
  if (typeof content === 'string') return encodeText(UTF8.encode(content.toWellFormed().replace(/\r\n|\r|\n/g, CRLF)));
  if (!UNENCODED_TYPES.has(type)) return { encoding: 'base64', octets: encodeBase64(content) };
  return { encoding: content.some((octet) => octet > 0x7f) ? '8bit' : '7bit', octets: withCrlf(content) };
}

function encodeText(octets: Uint8Array): { encoding: string; octets: Uint8Array } {
  if (isSevenBit(octets)) return { encoding: '7bit', octets };
  const printable = encodeQuotedPrintable(octets);
  const lines = encodeBase64(octets);
  return printable.length <= lines.length
    ? { encoding: 'quoted-printable', octets: octetsOf(printable) }
    : { encoding: 'base64', octets: lines };
}

/** RFC 2046 §5.2.1, RFC 3462 §3, RFC 3464 and RFC 8098 §3: identity encodings only. */
const UNENCODED_TYPES: ReadonlySet<string> = new Set([
  'message/rfc822',
  'message/global',
  'message/delivery-status',
  'message/disposition-notification',
  'text/rfc822-headers',
]);

/** ASCII without NUL, in lines RFC 5322 §2.1.1 allows; `octets` has CRLF for every line break. */
function isSevenBit(octets: Uint8Array): boolean {
  let column = 0;
  for (const octet of octets) {
    if (octet === 0 || octet > 0x7f || ++column > LINE_MAX + 2) return false;
    if (octet === 0x0a) column = 0;
  }
  return true;
}

/** Bare line feeds and carriage returns, which no SMTP server takes, made CRLF. */
function withCrlf(bytes: Uint8Array): Uint8Array {
  const out: Uint8Array[] = [];
  let from = 0;
  for (let at = 0; at < bytes.length; at++) {
    const lone = bytes[at] === 0x0d ? bytes[at + 1] !== 0x0a : bytes[at] === 0x0a && bytes[at - 1] !== 0x0d;
    if (!lone) continue;
    out.push(bytes.subarray(from, at), octetsOf(CRLF));
    from = at + 1;
  }
  return from === 0 ? bytes : concatOctets([...out, bytes.subarray(from)]);
}

/** 128 bits nobody can guess or meet by accident. */
function randomHex(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (octet) => octet.toString(16).padStart(2, '0')).join('');
}
