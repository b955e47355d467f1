/**
 * `header:{name}:as{Form}:all` (RFC 8621 §4.1.3) and which form may be asked of which field (§4.1.2). A
 * form that makes no sense for a field of RFC 5322 or RFC 2369 is refused; any other field may take any.
 */

export const HEADER_FORMS = ['Raw', 'Text', 'Addresses', 'GroupedAddresses', 'MessageIds', 'Date', 'URLs'] as const;
export type HeaderForm = (typeof HEADER_FORMS)[number];

export interface HeaderProperty {
  /** As the client wrote it: the key in the answer. */
  property: string;
  /** Field name, lower case. */
  name: string;
  form: HeaderForm;
  all: boolean;
}

const ADDRESSES = ['from', 'sender', 'reply-to', 'to', 'cc', 'bcc'];
const RESENT_ADDRESSES = ADDRESSES.map((name) => `resent-${name}`);
const LIST_URLS = ['list-help', 'list-unsubscribe', 'list-subscribe', 'list-post', 'list-owner', 'list-archive'];
const MESSAGE_IDS = ['message-id', 'in-reply-to', 'references', 'resent-message-id'];
const DATES = ['date', 'resent-date'];
const TEXTS = ['subject', 'comments', 'keywords'];

/** The fields of RFC 5322 and RFC 2369 that each parsed form may be asked of. */
const FIELDS_OF_FORM: Record<Exclude<HeaderForm, 'Raw'>, readonly string[]> = {
  Text: TEXTS,
  Addresses: [...ADDRESSES, ...RESENT_ADDRESSES],
  GroupedAddresses: [...ADDRESSES, ...RESENT_ADDRESSES],
  MessageIds: MESSAGE_IDS,
  Date: DATES,
  URLs: LIST_URLS,
};

/** Every field of RFC 5322 and RFC 2369. */
const STANDARD_FIELDS = new Set([
  ...ADDRESSES,
  ...RESENT_ADDRESSES,
  ...LIST_URLS,
  ...MESSAGE_IDS,
  ...DATES,
  ...TEXTS,
  'return-path',
  'received',
]);

/** The convenience properties of an Email and the header property each is identical to. */
export const CONVENIENCE: Readonly<Record<string, { field: string; form: HeaderForm }>> = {
  messageId: { field: 'Message-ID', form: 'MessageIds' },
  inReplyTo: { field: 'In-Reply-To', form: 'MessageIds' },
  references: { field: 'References', form: 'MessageIds' },
  sender: { field: 'Sender', form: 'Addresses' },
  from: { field: 'From', form: 'Addresses' },
  to: { field: 'To', form: 'Addresses' },
  cc: { field: 'Cc', form: 'Addresses' },
  bcc: { field: 'Bcc', form: 'Addresses' },
  replyTo: { field: 'Reply-To', form: 'Addresses' },
  subject: { field: 'Subject', form: 'Text' },
  sentAt: { field: 'Date', form: 'Date' },
};

/** Reads a property that names a header field; null when it is none, is malformed, or asks a forbidden form. */
export function parseHeaderProperty(property: string): HeaderProperty | null {
  const convenience = Object.hasOwn(CONVENIENCE, property) ? CONVENIENCE[property] : undefined;
  if (convenience) return { property, name: convenience.field.toLowerCase(), form: convenience.form, all: false };
  const match = /^header:([\x21-\x39\x3b-\x7e]{1,255})(?::as([A-Za-z]{1,20}))?(:all)?$/.exec(property);
  const name = match?.[1]?.toLowerCase();
  const form = HEADER_FORMS.find((each) => each === (match?.[2] ?? 'Raw'));
  if (name === undefined || form === undefined || !isAllowed(name, form)) return null;
  return { property, name, form, all: match?.[3] !== undefined };
}

function isAllowed(name: string, form: HeaderForm): boolean {
  return form === 'Raw' || !STANDARD_FIELDS.has(name) || FIELDS_OF_FORM[form].includes(name);
}
