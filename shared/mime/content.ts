/**
 * From a part's header block to what the tree keeps of it: media type, parameters, transfer encoding,
 * disposition and the other Content- fields (RFC 2045 §5–8, RFC 2183, RFC 3282, RFC 2557). What is
 * absent or not understood is `text/plain` (RFC 2045 §5.2), in a digest `message/rfc822`.
 */

import { type HeaderField, headerValue } from './headers.ts';
import type { Part } from './index-types.ts';
import { trimOctets } from './octets.ts';
import { parseStructured } from './parameters.ts';

/** Longer values of Content-ID, -Description, -Location are cut: they travel in every BODYSTRUCTURE. */
const FIELD_VALUE_MAX = 2000;
const LANGUAGES_MAX = 20;
const TOKEN = /^([!#$%&'*+\-.^_`{|}~0-9A-Za-z]+)\s*\/\s*([!#$%&'*+\-.^_`{|}~0-9A-Za-z]+)/;

export type ContentFields = Omit<Part, 'headerStart' | 'bodyStart' | 'end' | 'lines' | 'children' | 'headers' | 'decodedSize'>;

/** `inDigest`: the part is a direct child of a multipart/digest (RFC 2046 §5.1.5). */
export function contentFields(fields: readonly HeaderField[], inDigest: boolean): ContentFields {
  return {
    ...mediaType(headerValue(fields, 'content-type'), inDigest),
    encoding: transferEncoding(headerValue(fields, 'content-transfer-encoding')),
    ...present('id', cut(headerValue(fields, 'content-id'))),
    ...present('description', cut(headerValue(fields, 'content-description'))),
    ...present('md5', cut(headerValue(fields, 'content-md5'))),
    ...disposition(headerValue(fields, 'content-disposition')),
    ...language(headerValue(fields, 'content-language')),
    ...present('location', cut(headerValue(fields, 'content-location'))),
  };
}

/** Encodings that leave the octets as they are (RFC 2045 §6.2). */
export function isIdentity(encoding: string): boolean {
  return encoding === '7bit' || encoding === '8bit' || encoding === 'binary';
}

function mediaType(value: string | undefined, inDigest: boolean): Pick<Part, 'type' | 'subtype' | 'parameters'> {
  if (value === undefined) return inDigest ? { type: 'message', subtype: 'rfc822', parameters: [] } : plainText([]);
  const { value: written, parameters } = parseStructured(value);
  const [, type, subtype] = TOKEN.exec(written) ?? [];
  if (type === undefined || subtype === undefined) return plainText(parameters);
  return { type: type.toLowerCase(), subtype: subtype.toLowerCase(), parameters };
}

function plainText(parameters: [string, string][]): Pick<Part, 'type' | 'subtype' | 'parameters'> {
  return { type: 'text', subtype: 'plain', parameters };
}

function transferEncoding(value: string | undefined): string {
  const [token] = /[!-~]{1,64}/.exec((value ?? '').replace(/\([^()]*\)/g, ' ').replace(/["';]/g, '')) ?? [];
  return token?.toLowerCase() ?? '7bit';
}

function disposition(value: string | undefined): Pick<Part, 'disposition'> {
  if (value === undefined) return {};
  const { value: kind, parameters } = parseStructured(value);
  return /^[!-~]{1,100}$/.test(kind) ? { disposition: { value: kind.toLowerCase(), parameters } } : {};
}

function language(value: string | undefined): Pick<Part, 'language'> {
  const tags = (value ?? '')
    .replace(/\([^()]*\)/g, ' ')
    .split(',')
    .map((tag) => trimOctets(tag))
    .filter((tag) => /^[0-9A-Za-z-]{1,64}$/.test(tag));
  return tags.length === 0 ? {} : { language: tags.slice(0, LANGUAGES_MAX) };
}

function cut(value: string | undefined): string | undefined {
  return value?.slice(0, FIELD_VALUE_MAX) || undefined;
}

function present<Name extends string>(name: Name, value: string | undefined): { [key in Name]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]: string });
}
