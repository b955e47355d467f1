/**
 * Which properties of an Email and of its parts a call asks for (RFC 8621 §4.1, §4.2), read once into a
 * plan, so that a listing costs no more than what it shows.
 */
import { MethodError } from '../errors.ts';
import type { Reader } from '../readers.ts';
import { arrayOf, nullable, optional, readBoolean, readString, readUnsignedInt } from '../readers.ts';
import type { HeaderProperty } from './header-property.ts';
import { parseHeaderProperty } from './header-property.ts';

const PLAIN_PROPERTIES: readonly string[] = [
  'id',
  'blobId',
  'threadId',
  'mailboxIds',
  'keywords',
  'size',
  'receivedAt',
  'headers',
  'hasAttachment',
  'preview',
  'bodyStructure',
  'bodyValues',
  'textBody',
  'htmlBody',
  'attachments',
];

/** True for a property that an Email can have. */
export function isEmailProperty(name: string): boolean {
  return PLAIN_PROPERTIES.includes(name) || parseHeaderProperty(name) !== null;
}

const PART_PROPERTIES: readonly string[] = [
  'partId',
  'blobId',
  'size',
  'headers',
  'name',
  'type',
  'charset',
  'disposition',
  'cid',
  'language',
  'location',
  'subParts',
];

const CONTENT_DEFAULTS = [
  ...['messageId', 'inReplyTo', 'references', 'sender', 'from', 'to', 'cc', 'bcc', 'replyTo', 'subject', 'sentAt'],
  ...['hasAttachment', 'preview', 'bodyValues', 'textBody', 'htmlBody', 'attachments'],
];
/** What Email/get answers when no properties are named. */
export const EMAIL_DEFAULTS = ['id', 'blobId', 'threadId', 'mailboxIds', 'keywords', 'size', 'receivedAt', ...CONTENT_DEFAULTS];
/** What Email/parse answers when no properties are named. */
export const PARSE_DEFAULTS = CONTENT_DEFAULTS;
const PART_DEFAULTS = ['partId', 'blobId', 'size', 'name', 'type', 'charset', 'disposition', 'cid', 'language', 'location'];

/** Properties of one call: distinct in number, or a request of kilobytes would make an answer of gigabytes. */
const PROPERTIES_MAX = 200;

/** Properties asked for: plain ones by name, header fields parsed. */
export interface PropertyPlan {
  plain: ReadonlySet<string>;
  headers: readonly HeaderProperty[];
}

export interface EmailPlan extends PropertyPlan {
  part: PropertyPlan;
  fetchText: boolean;
  fetchHtml: boolean;
  fetchAll: boolean;
  /** Octets of UTF-8 one body value may have; 0 for no limit of the client's. */
  maxBodyValueBytes: number;
}

/** Fields that Email/get and Email/parse share. */
export const BODY_FIELDS = {
  bodyProperties: nullable(arrayOf(readString)),
  fetchTextBodyValues: optional(readBoolean, false),
  fetchHTMLBodyValues: optional(readBoolean, false),
  fetchAllBodyValues: optional(readBoolean, false),
  maxBodyValueBytes: optional(readUnsignedInt, 0),
} satisfies Record<string, Reader<unknown>>;

interface BodyArguments {
  properties: string[] | null;
  bodyProperties: string[] | null;
  fetchTextBodyValues: boolean;
  fetchHTMLBodyValues: boolean;
  fetchAllBodyValues: boolean;
  maxBodyValueBytes: number;
}

/** The plan of a call; throws `invalidArguments` for a property that is none, or a form forbidden for its field. */
export function emailPlan(args: BodyArguments, defaults: readonly string[]): EmailPlan {
  return {
    ...propertyPlan(args.properties ?? defaults, PLAIN_PROPERTIES, 'properties'),
    part: propertyPlan(args.bodyProperties ?? PART_DEFAULTS, PART_PROPERTIES, 'bodyProperties', true),
    fetchText: args.fetchTextBodyValues,
    fetchHtml: args.fetchHTMLBodyValues,
    fetchAll: args.fetchAllBodyValues,
    maxBodyValueBytes: args.maxBodyValueBytes,
  };
}

function propertyPlan(names: readonly string[], plain: readonly string[], argument: string, onlyExplicit = false): PropertyPlan {
  const distinct = [...new Set(names)];
  if (distinct.length > PROPERTIES_MAX) throw new MethodError('requestTooLarge', `at most ${PROPERTIES_MAX} ${argument}`);
  const headers = distinct
    .filter((name) => !plain.includes(name))
    .map((name) => {
      const header = onlyExplicit && !name.startsWith('header:') ? null : parseHeaderProperty(name);
      if (header === null) throw new MethodError('invalidArguments', `no property ${name.slice(0, 100)}`, { arguments: [argument] });
      return header;
    });
  return { plain: new Set(distinct.filter((name) => plain.includes(name))), headers };
}
